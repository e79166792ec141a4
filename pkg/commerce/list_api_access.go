package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

type apiClient struct {
	ClientID  string `json:"ClientId"`
	Name      string
	CreatedAt string
}

// ListAPIAccess is GET /api/organizations/api-access: oldest first, no secrets.
func ListAPIAccess(d org.Directory) http.Handler {
	return read(func(ctx context.Context, c caller.Caller, _ *httpapi.Input) (httpapi.Reply, error) {
		clients, err := d.Clients(ctx, c)
		lines := []apiClient{}
		for _, client := range clients {
			lines = append(lines, apiClient{client.ID, client.Name, instant(client.CreatedAt)})
		}
		return httpapi.OK(lines), err
	})
}
