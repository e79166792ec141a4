// Package httpapi is what both dialects share: decode, reply, limits, request id, recover.
package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/idempotency"
)

// Reply is an answer. A nil Body is an empty one.
type Reply struct {
	Status int
	Body   any         // encoded as JSON; a json.RawMessage is sent as it is
	Type   string      // the media type, JSON in UTF-8 unless given
	Header http.Header // more headers, or nil
}

// JSON is the media type of an answer that holds data.
const JSON = "application/json; charset=utf-8"

// OK is a 200 with the body.
func OK(body any) Reply { return Reply{Status: http.StatusOK, Body: body} }

// Dialect is how one API speaks.
type Dialect struct {
	// FoldNames matches the body's members without regard to case.
	FoldNames bool
	// Problem is the only map from faults to answers; no faults: internal.
	Problem func(faults []fault.Fault) Reply
}

// Do answers one request. An error that holds no fault is answered as internal.
type Do func(ctx context.Context, c caller.Caller, in *Input) (Reply, error)

// Endpoint is one operation of a dialect.
type Endpoint struct {
	Dialect Dialect
	Public  bool // nobody may call it, too
	Body    bool // the request is a JSON object
	Write   bool // it takes an Idempotency-Key
	Do      Do
}

var (
	unauthenticated = fault.Fault{Kind: fault.Unauthenticated, Message: "Unauthorized: Invalid or expired token."}
	errPanic        = errors.New("panic")
)

// ServeHTTP is all of HTTP: every endpoint of both dialects runs through it.
func (e Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	c := caller.FromContext(r.Context())
	reply, err := e.try(w, r, c)
	if err != nil {
		reply = e.refuse(err)
	}
	id := requestID(r.Context())
	entry := []any{"request", id, "route", r.Pattern, "organization", c.OrganizationID, "status", reply.Status,
		"ms", time.Since(start).Milliseconds()}
	if reply.Status >= http.StatusInternalServerError {
		slog.ErrorContext(r.Context(), "request", append(entry, "cause", err.Error())...)
	} else {
		slog.InfoContext(r.Context(), "request", entry...)
	}
	w.Header().Set("X-Request-Id", id)
	write(w, reply)
}

func (e Endpoint) try(w http.ResponseWriter, r *http.Request, c caller.Caller) (reply Reply, err error) {
	defer func() {
		if v := recover(); v != nil {
			// The value may quote what a person sent, so its type has to do.
			err = fmt.Errorf("%w: %T\n%s", errPanic, v, debug.Stack())
		}
	}()
	if !e.Public && (c.Nobody() || !time.Now().Before(c.Expires)) {
		return Reply{}, unauthenticated
	}
	in := &Input{request: r}
	in.Object = Object{in: in, foldNames: e.Dialect.FoldNames}
	if e.Body {
		if in.members, err = readBody(r, e.Dialect.FoldNames); err != nil {
			return Reply{}, err
		}
	}
	ctx := r.Context()
	var attempt *idempotency.Attempt
	if keys := r.Header.Values("Idempotency-Key"); e.Write && len(keys) > 0 {
		if attempt, err = newAttempt(keys, c, r, in.members); err != nil {
			return Reply{}, err
		}
		ctx = idempotency.NewContext(ctx, attempt)
	}
	reply, err = e.Do(ctx, c, in)
	if attempt != nil && attempt.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	return reply, err
}

// newAttempt is what an Idempotency-Key stands for. The body is compared in
// canonical form: members sorted, white space gone, unknown ones included.
func newAttempt(keys []string, c caller.Caller, r *http.Request, body map[string]any) (*idempotency.Attempt, error) {
	key, err := idempotency.Parse(keys)
	if err != nil {
		return nil, err
	}
	canonical, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &idempotency.Attempt{Subject: c.Subject(), Route: r.Method + " " + r.URL.Path, Key: key, Body: canonical}, nil
}

func (e Endpoint) refuse(err error) Reply {
	faults, ok := fault.All(err)
	if !ok {
		faults = nil
	}
	reply := e.Dialect.Problem(faults)
	for _, f := range faults {
		reply.Header = refusalHeader(reply.Header, f)
	}
	return reply
}

// refusalHeader adds what a fault tells by header (RFC 9110, 10.2.3 and 11.6.1).
func refusalHeader(h http.Header, f fault.Fault) http.Header {
	if h == nil {
		h = http.Header{}
	}
	if f.Kind == fault.Unauthenticated {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	return h
}

func write(w http.ResponseWriter, reply Reply) {
	maps.Copy(w.Header(), reply.Header)
	if reply.Body == nil {
		w.WriteHeader(reply.Status)
		return
	}
	if reply.Type == "" {
		reply.Type = JSON
	}
	w.Header().Set("Content-Type", reply.Type)
	w.WriteHeader(reply.Status)
	var body bytes.Buffer
	encode := json.NewEncoder(&body)
	encode.SetEscapeHTML(false)
	if err := encode.Encode(reply.Body); err != nil {
		panic(err) // an answer is made of texts, numbers and lists of them
	}
	w.Write(bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}

type requestIDKey struct{}

// WithRequestID returns ctx with the id that the gateway gave the request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
