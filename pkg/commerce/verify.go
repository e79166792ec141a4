package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// Verify is POST /api/auth/verify: the token of a welcome letter proves that the
// account's e-mail is the caller's, who chooses a password.
func Verify(d org.Directory) http.Handler {
	return publicForm(func(ctx context.Context, _ caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		token := httpapi.Required(in.Object, httpapi.Verbatim, "Token")
		password := httpapi.Required(in.Object, org.ParsePassword, "Password")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		return httpapi.OK(success), d.Verify(ctx, token, password, in.Source())
	})
}
