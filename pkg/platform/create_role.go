package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// CreateRole is POST /v1/organizations/iam/roles.
func CreateRole(t org.Team) http.Handler {
	return form(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		d := readDefinition(in)
		d.Role = httpapi.Required(in.Object, org.ParseRole, "name")
		err := in.Err()
		if err == nil {
			err = t.AddRole(ctx, c, d)
		}
		return data(http.StatusCreated, newRole(d)), err
	})
}

// readDefinition reads all of a custom role but its name.
func readDefinition(in *httpapi.Input) org.Definition {
	d := org.Definition{Description: httpapi.Optional(in.Object, org.ParseDescription, "description")}
	var err error
	d.Policies, err = org.ParsePolicies(httpapi.Texts(in.Object, "policies"))
	in.Fail("policies", err)
	return d
}
