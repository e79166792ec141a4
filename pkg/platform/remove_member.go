package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// RemoveMember is DELETE /v1/organizations/{id}/members/{userId}.
func RemoveMember(t org.Team) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		return done("Member removed successfully."), t.Dismiss(ctx, c, pathID(in, "userId"))
	})
}
