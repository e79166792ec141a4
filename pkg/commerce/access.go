package commerce

import (
	"context"
	"net/http"
	"time"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/httpapi"
)

type enrichedToken struct {
	accessToken
	OrganizationID string `json:"OrganizationId"`
	OrgCode        string
	UserID         string `json:"UserId"`
	Roles          []string
	CustomerNumber string
	PriceTier      string
	CurrencyCode   string
}

// delegatedLifetime is how long a token lasts that somebody else asked for.
const delegatedLifetime = 15 * time.Minute

// Access is POST /api/auth/access: a fresh token that carries the customer, the
// price tier and the currency of the caller, or of a user of whom the caller
// is an admin. The latter is delegated: it carries no role and is for the
// team's own services, not for this one.
func Access(r customer.Register, issuer Issuer) http.Handler {
	return form(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		code := httpapi.Required(in.Object, httpapi.Verbatim, "OrgCode", "IdentityOrganizationId")
		userID := httpapi.Optional(in.Object, parseID, "UserId")
		number := httpapi.Optional(in.Object, customer.ParseNumber, "CustomerNumber")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		e, err := r.Enrich(ctx, c, code, userID, number)
		if err != nil {
			return httpapi.Reply{}, err
		}
		claims := caller.Claims{
			Caller:     caller.Caller{UserID: e.UserID, Email: e.Email, Verified: e.Verified, OrganizationID: e.OrganizationID, OrgCode: e.Code, Admin: e.Admin},
			Enrichment: &caller.Enrichment{CustomerNumber: string(e.Number), PriceTier: string(e.Tier), CurrencyCode: string(e.Currency)},
		}
		lifetime := personLifetime
		if e.UserID != c.UserID {
			claims.Admin, claims.Actor, lifetime = false, c.Subject(), delegatedLifetime
		}
		signed, err := issuer.Issue(ctx, claims, lifetime)
		return httpapi.OK(enrichedToken{newAccessToken(signed, "Bearer", lifetime), e.OrganizationID, e.Code, e.UserID, roles(e.Admin),
			string(e.Number), string(e.Tier), string(e.Currency)}), err
	})
}
