package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// AddAdmin is POST /api/organizations/users/admins: the account of an e-mail
// gains the role.
func AddAdmin(d org.Directory) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		email := httpapi.Required(in.Object, mail.ParseAddress, "Email")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		return httpapi.OK(success), d.Promote(ctx, c, email)
	})
}
