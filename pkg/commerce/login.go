package commerce

import (
	"context"
	"net/http"
	"time"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

type accessToken struct {
	AccessToken string
	TokenType   string
	ExpiresIn   int // seconds
}

func newAccessToken(signed, kind string, lifetime time.Duration) accessToken {
	return accessToken{signed, kind, int(lifetime / time.Second)}
}

// How long tokens last.
const (
	personLifetime = time.Hour
	clientLifetime = 24 * time.Hour
)

// Issuer makes access tokens. It is an interface, although package token has
// the only one, because that keeps go-jose out of the functions of every other
// endpoint of this package.
type Issuer interface {
	Issue(ctx context.Context, c caller.Claims, lifetime time.Duration) (string, error)
}

// Login is POST /api/auth/login: a token for a person's e-mail and password, or
// for an API client's id and secret.
func Login(d org.Directory, issuer Issuer) http.Handler {
	return publicForm(func(ctx context.Context, _ caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		if given(in, "ClientId") || given(in, "ClientSecret") {
			return loginClient(ctx, d, issuer, in)
		}
		return loginPerson(ctx, d, issuer, in)
	})
}

// given tells which form it is: a caller may send both with null in the other.
func given(in *httpapi.Input, name string) bool { return in.Has(name) && !in.Null(name) }

func loginPerson(ctx context.Context, d org.Directory, issuer Issuer, in *httpapi.Input) (httpapi.Reply, error) {
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
	signed, err := issuer.Issue(ctx, caller.Claims{Caller: caller.Caller{
		UserID: session.ID, Email: session.Email.String(), Verified: session.Verified(),
		OrganizationID: session.OrganizationID, OrgCode: session.Code, Admin: session.Role.IsAdmin(),
	}}, personLifetime)
	return httpapi.OK(newAccessToken(signed, "Bearer", personLifetime)), err
}

func loginClient(ctx context.Context, d org.Directory, issuer Issuer, in *httpapi.Input) (httpapi.Reply, error) {
	code := httpapi.Required(in.Object, httpapi.Verbatim, "OrgCode")
	clientID := httpapi.Required(in.Object, httpapi.Verbatim, "ClientId")
	secret := httpapi.Required(in.Object, httpapi.Verbatim, "ClientSecret")
	if err := in.Err(); err != nil {
		return httpapi.Reply{}, err
	}
	client, err := org.SignInClient(ctx, d, code, clientID, secret, in.Source())
	if err != nil {
		return httpapi.Reply{}, err
	}
	signed, err := issuer.Issue(ctx, caller.Claims{Caller: caller.Caller{
		ClientID: client.ID, OrganizationID: client.OrganizationID, OrgCode: client.Code, Admin: true,
	}}, clientLifetime)
	return httpapi.OK(newAccessToken(signed, "api-key", clientLifetime)), err
}
