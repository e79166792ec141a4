package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// DeleteAPIAccess is DELETE /api/organizations/api-access: ends an API client,
// and at once its tokens.
func DeleteAPIAccess(d org.Directory) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		clientID := httpapi.Required(in.Object, parseID, "ClientId")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		return httpapi.OK(success), d.RemoveClient(ctx, c, clientID)
	})
}
