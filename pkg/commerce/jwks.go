package commerce

import (
	"context"
	"encoding/json"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
)

// JWKS is GET /.well-known/jwks.json: the public keys that verify our tokens,
// as a JWK Set (RFC 7517, section 5).
func JWKS(set []byte) http.Handler {
	reply := httpapi.Reply{Status: http.StatusOK, Body: json.RawMessage(set), Type: "application/json",
		Header: http.Header{"Cache-Control": {"public, max-age=300"}}}
	return httpapi.Endpoint{Dialect: dialect, Public: true,
		Do: func(context.Context, caller.Caller, *httpapi.Input) (httpapi.Reply, error) { return reply, nil }}
}
