package commerce

import (
	"context"
	"net/http"
	"time"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
	"charter/pkg/token"
)

type accessToken struct {
	AccessToken string
	TokenType   string
	ExpiresIn   int // seconds
}

// personLifetime is how long a person's token lasts.
const personLifetime = time.Hour

// Login is POST /api/auth/login: an e-mail and a password for a token.
func Login(d org.Directory, issuer token.Issuer) http.Handler {
	return publicForm(func(ctx context.Context, _ caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		email := httpapi.Required(in.Object, httpapi.Verbatim, "Email")
		password := httpapi.Required(in.Object, httpapi.Verbatim, "Password")
		code := httpapi.Optional(in.Object, httpapi.Verbatim, "OrgCode")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		session, err := org.SignIn(ctx, d, email, password, code, in.Source())
		if err != nil {
			return httpapi.Reply{}, err
		}
		signed, err := issuer.Issue(ctx, token.Claims{Caller: caller.Caller{
			UserID: session.ID, Email: session.Email.String(),
			OrganizationID: session.OrganizationID, OrgCode: session.Code, Admin: session.Role.IsAdmin(),
		}}, personLifetime)
		return httpapi.OK(accessToken{signed, "Bearer", int(personLifetime / time.Second)}), err
	})
}
