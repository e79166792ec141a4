package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

type apiAccess struct {
	OrgCode      string
	ClientID     string `json:"ClientId"`
	ClientSecret string
}

// CreateAPIAccess is POST /api/organizations/api-access: an API client, whose
// secret is shown this once.
func CreateAPIAccess(d org.Directory) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		name := httpapi.Optional(in.Object, org.ParseClientName, "Name")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		client, secret, err := d.AddClient(ctx, c, name)
		return httpapi.Reply{Status: http.StatusCreated, Body: apiAccess{client.Code, client.ID, secret.Reveal()}}, err
	})
}
