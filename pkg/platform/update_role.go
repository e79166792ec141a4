package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// UpdateRole is PUT /v1/organizations/iam/roles/{name}: the description and the
// policies. A role keeps its name, which its members hold it by.
func UpdateRole(t org.Team) http.Handler {
	return form(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		d := readDefinition(in)
		d.Role = org.Role(in.Path("name"))
		err := in.Err()
		if err == nil {
			err = t.ChangeRole(ctx, c, d)
		}
		return done("Role updated successfully."), err
	})
}
