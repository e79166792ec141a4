package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// ChangeMember is PATCH /v1/organizations/{id}/members/{userId}: another role.
func ChangeMember(t org.Team) http.Handler {
	return form(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		role := httpapi.Required(in.Object, org.ParseRole, "roleName")
		err := in.Err()
		if err == nil {
			err = t.Assign(ctx, c, pathID(in, "userId"), role)
		}
		return done("Member role updated successfully."), err
	})
}
