package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// RevokeInvitation is DELETE /v1/organizations/{id}/invites/{inviteId}.
func RevokeInvitation(t org.Team) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		return done("Invitation revoked."), t.Revoke(ctx, c, pathID(in, "inviteId"))
	})
}
