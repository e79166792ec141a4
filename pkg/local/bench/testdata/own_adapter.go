// Package lambdahttp is API Gateway events <-> net/http, without aws-lambda-go-api-proxy: what stands in lambdahttp.go,
// done by hand. It is built for a comparison alone.
package lambdahttp

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
)

// Serve is lambdahttp.Serve.
func Serve(endpoint http.Handler) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(Handler(endpoint))
}

// Handler is lambdahttp.Handler.
func Handler(endpoint http.Handler) lambda.Handler { return handler{endpoint} }

type handler struct{ endpoint http.Handler }

const margin = time.Second

// Invoke implements lambda.Handler.
func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	event, err := decode(payload)
	if err != nil {
		return nil, err
	}
	if deadline, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(margin, time.Until(deadline)/4)))
		defer cancel()
	}
	ctx = httpapi.WithRequestID(ctx, event.RequestContext.RequestID)
	r, err := request(caller.NewContext(ctx, caller.FromFlat(event.RequestContext.Authorizer)), event)
	if err != nil {
		return nil, err
	}
	a := answer{header: http.Header{}}
	h.endpoint.ServeHTTP(&a, r)
	if a.status == 0 {
		return nil, errors.New("lambdahttp: no answer")
	}
	return a.encode(), nil
}

func request(ctx context.Context, event *events.APIGatewayProxyRequest) (*http.Request, error) {
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
			return nil, err
		}
	}
	u := &url.URL{Scheme: "https", Host: event.RequestContext.DomainName, Path: event.Resource,
		RawQuery: url.Values(event.MultiValueQueryStringParameters).Encode()}
	header := make(http.Header, len(event.MultiValueHeaders))
	for name, values := range event.MultiValueHeaders {
		name = http.CanonicalHeaderKey(name)
		header[name] = append(header[name], values...)
	}
	r := (&http.Request{Method: event.HTTPMethod, URL: u, Host: u.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), RemoteAddr: event.RequestContext.Identity.SourceIP,
		Pattern: event.HTTPMethod + " " + event.Resource}).WithContext(ctx)
	for name, value := range event.PathParameters {
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		u.Path = strings.ReplaceAll(u.Path, "{"+name+"}", value)
		r.SetPathValue(name, value)
	}
	r.RequestURI = u.RequestURI()
	return r, nil
}

// answer is what an endpoint writes.
type answer struct {
	header http.Header
	status int
	body   []byte
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", http.DetectContentType(b))
	}
	a.body = append(a.body, b...)
	return len(b), nil
}

// encode writes the answer as API Gateway takes it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
func (a *answer) encode() []byte {
	out := make([]byte, 0, len(a.body)*5/4+1024)
	out = strconv.AppendInt(append(out, `{"statusCode":`...), int64(a.status), 10)
	out = append(out, `,"multiValueHeaders":{`...)
	for name, values := range a.header {
		out = append(text(out, name), ':', '[')
		for _, value := range values {
			out = append(text(out, value), ',')
		}
		out = append(bytes.TrimSuffix(out, []byte(",")), ']', ',')
	}
	out = append(bytes.TrimSuffix(out, []byte(",")), `},"body":`...)
	if utf8.Valid(a.body) {
		return append(text(out, string(a.body)), '}')
	}
	return append(text(out, base64.StdEncoding.EncodeToString(a.body)), `,"isBase64Encoded":true}`...)
}

// text appends s, which is UTF-8, as a text of JSON.
func text(out []byte, s string) []byte {
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"', c == '\\':
			out = append(out, '\\', c)
		case c < ' ':
			const digits = "0123456789abcdef"
			out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
