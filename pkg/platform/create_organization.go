package platform

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

type organization struct {
	ID           string  `json:"id"`
	Name         string  `json:"name"`
	Slug         string  `json:"slug"`
	KRAPin       *string `json:"kraPin"`
	BillingEmail *string `json:"billingEmail"`
	Address      *string `json:"address"`
	City         *string `json:"city"`
	Country      string  `json:"country"`
	LogoURL      *string `json:"logoUrl"`
	KYBStatus    string  `json:"kybStatus"`
	CreatedAt    string  `json:"createdAt"`
}

// country is where an organization is that has not said it.
const country = "Kenya"

func newOrganization(o org.Organization) organization {
	return organization{o.ID, o.Name, o.Slug, orNull(o.KRAPin), orNull(o.Email.String()), orNull(o.Address1), orNull(o.City),
		cmp.Or(o.Country, country), orNull(o.LogoURL), string(o.KYBStatus), instant(o.CreatedAt)}
}

var unnamed = fault.Fault{Kind: fault.Invalid, Message: "Name and slug are required."}

// CreateOrganization is POST /v1/organizations: the caller is its owner.
func CreateOrganization(t org.Team) http.Handler {
	return personalForm(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		given := func(name string) string { return httpapi.Required(in.Object, httpapi.Verbatim, name) }
		if strings.TrimSpace(given("name")) == "" || strings.TrimSpace(given("slug")) == "" {
			return httpapi.Reply{}, unnamed
		}
		name := httpapi.Required(in.Object, org.ParseName, "name")
		slug := httpapi.Required(in.Object, org.ParseSlug, "slug")
		profile := org.Profile{
			KRAPin:   httpapi.Optional(in.Object, org.ParseKRAPin, "kraPin"),
			Email:    httpapi.Optional(in.Object, org.ParseEmail, "billingEmail"),
			Address1: httpapi.Optional(in.Object, org.ParseAddressLine, "address"),
			City:     httpapi.Optional(in.Object, org.ParsePlace, "city"),
			Country:  cmp.Or(httpapi.Optional(in.Object, org.ParsePlace, "country"), country),
		}
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		o, err := t.Establish(ctx, c, name, slug, profile)
		return data(http.StatusCreated, newOrganization(o)), err
	})
}
