package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// DeleteRole is DELETE /v1/organizations/iam/roles/{name}.
func DeleteRole(t org.Team) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		return done("Role deleted successfully."), t.RemoveRole(ctx, c, org.Role(in.Path("name")))
	})
}
