package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

type organizationLine struct {
	OrgID     string  `json:"orgId"`
	Name      string  `json:"name"`
	Slug      string  `json:"slug"`
	LogoURL   *string `json:"logoUrl"`
	KYBStatus string  `json:"kybStatus"`
}

// ListOrganizations is GET /v1/organizations: where the caller belongs.
func ListOrganizations(t org.Team) http.Handler {
	return personalRead(func(ctx context.Context, c caller.Caller, _ *httpapi.Input) (httpapi.Reply, error) {
		organizations, err := t.Organizations(ctx, c)
		lines := []organizationLine{}
		for _, o := range organizations {
			lines = append(lines, organizationLine{o.ID, o.Name, o.Slug, orNull(o.LogoURL), string(o.KYBStatus)})
		}
		return data(http.StatusOK, lines), err
	})
}
