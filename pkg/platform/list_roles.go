package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

type roleList struct {
	Roles       []role       `json:"roles"`
	Permissions []permission `json:"permissions"`
}

type role struct {
	Name        org.Role     `json:"name"`
	Description string       `json:"description"`
	Policies    org.Policies `json:"policies"`
	Protected   bool         `json:"protected"`
}

type permission struct {
	Name        org.Policy `json:"name"`
	Description string     `json:"description"`
}

// ListRoles is GET /v1/organizations/iam/roles, with all that a role may hold.
func ListRoles(t org.Team) http.Handler {
	return read(func(ctx context.Context, c caller.Caller, _ *httpapi.Input) (httpapi.Reply, error) {
		roles, err := t.Roles(ctx, c)
		list := roleList{}
		for _, d := range roles.List() {
			list.Roles = append(list.Roles, newRole(d))
		}
		for _, p := range org.Permissions {
			list.Permissions = append(list.Permissions, permission{p.Policy, p.Description})
		}
		return data(http.StatusOK, list), err
	})
}

func newRole(d org.Definition) role {
	return role{d.Role, d.Description, d.Policies, d.Protected}
}
