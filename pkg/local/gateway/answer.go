package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"charter/pkg/sam"
)

// responseType is a kind of answer that the gateway gives by itself.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
type responseType string

const (
	accessDenied                 responseType = "ACCESS_DENIED"
	authorizerConfigurationError responseType = "AUTHORIZER_CONFIGURATION_ERROR"
	authorizerFailure            responseType = "AUTHORIZER_FAILURE"
	badGateway                   responseType = "DEFAULT_5XX" // a function failed, or gave no proxy answer
	badRequest                   responseType = "DEFAULT_4XX" // a query or a body that cannot be read
	integrationTimeout           responseType = "INTEGRATION_TIMEOUT"
	missingAuthenticationToken   responseType = "MISSING_AUTHENTICATION_TOKEN" // no such route
	requestTooLarge              responseType = "REQUEST_TOO_LARGE"
	unauthorized                 responseType = "UNAUTHORIZED"
)

// statuses are those of a template that names none.
var statuses = map[responseType]int{
	accessDenied:                 http.StatusForbidden,
	authorizerConfigurationError: http.StatusInternalServerError,
	authorizerFailure:            http.StatusInternalServerError,
	badGateway:                   http.StatusBadGateway,
	badRequest:                   http.StatusBadRequest,
	integrationTimeout:           http.StatusGatewayTimeout,
	missingAuthenticationToken:   http.StatusForbidden,
	requestTooLarge:              http.StatusRequestEntityTooLarge,
	unauthorized:                 http.StatusUnauthorized,
}

// requestID is the one variable that answers of the gateway may hold.
const requestID = "context.requestId"

// checkResponses refuses answers that own could not give.
func checkResponses(responses map[string]sam.Response) error {
	for _, kind := range []responseType{badRequest, badGateway} {
		if _, ok := responses[string(kind)]; !ok {
			return fmt.Errorf("gateway: the template has no gateway response %s", kind)
		}
	}
	for kind, r := range responses {
		if strings.Contains(strings.ReplaceAll(r.Body, "$"+requestID, ""), "$") {
			return fmt.Errorf("gateway: the body of %s holds a variable that is not $%s", kind, requestID)
		}
		for name, value := range r.Headers {
			if _, ok := unquote(value); !ok && value != requestID {
				return fmt.Errorf("gateway: the header %s of %s must be %s or 'text'", name, kind, requestID)
			}
		}
	}
	return nil
}

func unquote(value string) (text string, ok bool) {
	if text, ok = strings.CutPrefix(value, "'"); ok {
		text, ok = strings.CutSuffix(text, "'")
	}
	return text, ok
}

// own is the gateway's answer of its own, as the template words it. A type
// that the template does not have takes the words of DEFAULT_4XX or
// DEFAULT_5XX.
func (g *Gateway) own(x *exchange, kind responseType) answer {
	status := statuses[kind]
	r, ok := g.template.Responses[string(kind)]
	if !ok && status < http.StatusInternalServerError {
		r = g.template.Responses[string(badRequest)]
	} else if !ok {
		r = g.template.Responses[string(badGateway)]
	}
	if r.Status != 0 {
		status = r.Status
	}
	a := answer{status: status, header: http.Header{}, body: []byte(strings.ReplaceAll(r.Body, "$"+requestID, x.id))}
	a.header.Set("Content-Type", r.ContentType)
	for name, value := range r.Headers {
		if text, ok := unquote(value); ok {
			a.header.Set(name, text)
		} else {
			a.header.Set(name, x.id)
		}
	}
	return a
}

// answer is what goes back to the client.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) write(w http.ResponseWriter, id string) (status int) {
	h := w.Header()
	maps.Copy(h, a.header)
	h.Set("X-Amzn-Requestid", id)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that has gone is no concern of ours
	return a.status
}

var errStatus = errors.New("the status code is not one of an answer")

// parseAnswer reads the output of Lambda proxy integration. Any other member
// than these makes it malformed.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
func parseAnswer(out []byte) (answer, error) {
	var p struct {
		Status       int                 `json:"statusCode"`
		Headers      map[string]string   `json:"headers"`
		MultiHeaders map[string][]string `json:"multiValueHeaders"`
		Body         string              `json:"body"`
		Base64       bool                `json:"isBase64Encoded"`
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return answer{}, err
	}
	if p.Status < 200 || p.Status > 599 {
		return answer{}, errStatus
	}
	a := answer{status: p.Status, header: mergeHeaders(p.Headers, p.MultiHeaders), body: []byte(p.Body)}
	if p.Base64 {
		body, err := base64.StdEncoding.DecodeString(p.Body)
		if err != nil {
			return answer{}, err
		}
		a.body = body
	}
	remap(a.header)
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", "application/json")
	}
	return a, nil
}

// mergeHeaders joins both members in one list. A pair that is in both appears
// once.
func mergeHeaders(single map[string]string, multi map[string][]string) http.Header {
	h := http.Header{}
	for name, values := range multi {
		for _, v := range values {
			h.Add(name, v)
		}
	}
	for name, value := range single {
		if !slices.Contains(h.Values(name), value) {
			h.Add(name, value)
		}
	}
	return h
}

// remapped are the headers of a function's answer that the gateway renames.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
var remapped = []string{
	"Authorization", "Connection", "Content-Length", "Content-MD5", "Date", "Expect", "Host", "Max-Forwards",
	"Proxy-Authenticate", "Server", "Trailer", "Upgrade", "User-Agent", "WWW-Authenticate",
}

func remap(h http.Header) {
	h.Del("Transfer-Encoding")
	for _, name := range remapped {
		if values := h.Values(name); len(values) > 0 {
			h[http.CanonicalHeaderKey("x-amzn-Remapped-"+name)] = slices.Clone(values)
			h.Del(name)
		}
	}
}
