package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// AcceptInvitation is POST /v1/organizations/invites/accept: the caller joins.
func AcceptInvitation(t org.Team) http.Handler {
	return personalForm(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		token := httpapi.Required(in.Object, httpapi.Verbatim, "token")
		err := in.Err()
		if err == nil {
			err = t.Accept(ctx, c, token)
		}
		return done("Successfully joined the organization!"), err
	})
}
