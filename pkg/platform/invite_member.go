package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// InviteMember is POST /v1/organizations/{id}/invites: a letter with a link to join.
func InviteMember(t org.Team) http.Handler {
	return form(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		email := httpapi.Required(in.Object, mail.ParseAddress, "email")
		role := httpapi.Required(in.Object, org.ParseRole, "roleName")
		err := in.Err()
		if err == nil {
			err = t.Invite(ctx, c, email, role)
		}
		return done("Invitation sent to " + email.String() + "."), err
	})
}
