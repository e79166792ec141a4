package table

import (
	"context"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/org"
)

// Enrich implements customer.Register.
func (r Register) Enrich(ctx context.Context, c caller.Caller, code, userID string, n customer.Number) (customer.Enrichment, error) {
	none := customer.Enrichment{}
	id, err := r.organizationOf(ctx, c, code)
	if err != nil {
		return none, err
	}
	if userID == "" {
		userID = c.UserID
	}
	other := userID != c.UserID
	switch {
	case c.ClientID != "" && (id != c.OrganizationID || userID == ""):
		return none, customer.NotMember
	case other && (id != c.OrganizationID || !c.MayBeAdmin()):
		return none, customer.AdminOnly
	}
	organization, member, tiers, role := orgKey(id), memberKey(id, userID), tiersKey(id), roleKey(c)
	link := associationKey(customer.Association{OrganizationID: id, UserID: userID, Number: n})
	account := userKey(userID)
	keys := append(provingKeys(c), organization, member, tiers, account)
	if other {
		keys = append(keys, role)
	}
	if n != "" {
		keys = append(keys, link, customerKey(id, n))
	}
	found, err := r.fetch(ctx, keys...)
	switch {
	case err != nil:
		return none, err
	case found[organization] == nil:
		return none, customer.UnknownCode
	case other && found[role] == nil:
		return none, customer.AdminOnly
	case !other && found[member] == nil:
		return none, customer.NotMember
	case isProven(c, id, found) != nil:
		return none, isProven(c, id, found)
	case found[member] == nil:
		return none, customer.UnknownMember
	case n != "" && found[link] == nil:
		return none, customer.NotLinked
	}
	if n == "" {
		if n = customer.Number(found[member].text("Newest")); n != "" {
			newest, err := r.fetch(ctx, customerKey(id, n))
			if err != nil {
				return none, err
			}
			found[customerKey(id, n)] = newest[customerKey(id, n)]
		}
	}
	list := readTiers(found[tiers])
	buyer, err := readCustomer(found[customerKey(id, n)], list)
	return customer.Enrichment{OrganizationID: id, Code: found[organization].text("Code"), UserID: userID,
		Email: found[member].text("Email"), Verified: found[account].text("VerifiedAt") != "", Admin: org.Role(found[member].text("Role")).IsAdmin(), Number: n, Terms: buyer.Terms(list)}, err
}

// organizationOf is the id of the organization with the code. The caller's own
// token says it for the caller's own code.
func (r Register) organizationOf(ctx context.Context, c caller.Caller, code string) (string, error) {
	if code == c.OrgCode && code != "" {
		return c.OrganizationID, nil
	}
	if len(code) > 64 {
		return "", customer.UnknownCode
	}
	found, err := r.fetch(ctx, codeKey(code))
	if err == nil && found[codeKey(code)] == nil {
		err = customer.UnknownCode
	}
	return found[codeKey(code)].text("OrganizationId"), err
}
