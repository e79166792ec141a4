package commerce

import (
	"context"
	"encoding/json"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/token"
)

// JWKS is GET /.well-known/jwks.json: the public keys that verify our tokens.
func JWKS(keys *token.Keys) http.Handler {
	reply := httpapi.Reply{Status: http.StatusOK, Body: json.RawMessage(keys.JWKS()), Type: "application/json",
		Header: http.Header{"Cache-Control": {"public, max-age=300"}}}
	return httpapi.Endpoint{Dialect: dialect, Public: true,
		Do: func(context.Context, caller.Caller, *httpapi.Input) (httpapi.Reply, error) { return reply, nil }}
}
