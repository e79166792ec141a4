package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
	"charter/pkg/pricing"
)

type organizationRecord struct {
	Organization  organization
	Subscriptions []subscription
	Entitlements  []entitlement
}

type organization struct {
	OrganizationID         string `json:"OrganizationId"`
	IdentityOrganizationID string `json:"IdentityOrganizationId"`
	Name                   string
	Slug                   string
	BillingAddress1        string
	BillingAddress2        string
	BillingCity            string
	BillingStateProvince   string
	BillingPostalCode      string
	BillingCountry         string
	PhoneNumber            string
	Email                  string
	Website                string
	PriceTiers             []priceTier
	CreatedAt              string
	UpdatedAt              string
}

type priceTier struct {
	Name         string
	CurrencyCode string
	IsDefault    bool
}

type subscription struct {
	SubscriptionID string `json:"SubscriptionId"`
	Plan           string
	Status         string
	StartDate      string
	EndDate        *string
}

type entitlement struct {
	Feature     string
	Name        string
	Description string
	Limit       *int
}

// GetOrganization is GET /api/organization: the caller's, with its
// subscriptions and what they entitle to.
func GetOrganization(d org.Directory) http.Handler {
	return read(func(ctx context.Context, c caller.Caller, _ *httpapi.Input) (httpapi.Reply, error) {
		r, err := d.Record(ctx, c)
		return httpapi.OK(newOrganizationRecord(r)), err
	})
}

func newOrganizationRecord(r org.Record) organizationRecord {
	record := organizationRecord{
		Organization: organization{
			r.ID, r.Code, r.Name, r.Slug, r.Address1, r.Address2, r.City, r.Region, r.PostalCode, r.Country,
			r.Phone, r.Email.String(), r.Website, priceTiers(r.Tiers), instant(r.CreatedAt), instant(r.UpdatedAt),
		},
		Subscriptions: []subscription{},
		Entitlements:  []entitlement{},
	}
	for _, s := range r.Subscriptions {
		line := subscription{SubscriptionID: s.ID, Plan: s.Plan, Status: string(s.Status), StartDate: instant(s.Start)}
		if !s.End.IsZero() {
			end := instant(s.End)
			line.EndDate = &end
		}
		record.Subscriptions = append(record.Subscriptions, line)
	}
	for _, f := range org.Entitlements(r.Subscriptions) {
		record.Entitlements = append(record.Entitlements, entitlement{f.Key, f.Name, f.Description, f.Limit})
	}
	return record
}

func priceTiers(tiers pricing.Tiers) []priceTier {
	lines := []priceTier{}
	for _, t := range tiers.List() {
		lines = append(lines, priceTier{string(t.Name), string(t.Currency), t.IsDefault})
	}
	return lines
}
