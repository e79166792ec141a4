package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// GetOrganization is GET /v1/organizations/{id}.
func GetOrganization(t org.Team) http.Handler {
	return read(func(ctx context.Context, c caller.Caller, _ *httpapi.Input) (httpapi.Reply, error) {
		o, err := t.Organization(ctx, c)
		return data(http.StatusOK, newOrganization(o)), err
	})
}
