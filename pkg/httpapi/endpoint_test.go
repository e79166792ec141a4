package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/idempotency"
	"charter/pkg/text"
)

// plain is a dialect that lists what went wrong.
var plain = Dialect{FoldNames: true, Problem: func(faults []fault.Fault) Reply {
	lines := []string{}
	for _, f := range faults {
		lines = append(lines, f.Error())
	}
	if len(faults) == 0 {
		return Reply{Status: 500, Body: "internal"}
	}
	return Reply{Status: 400, Body: lines}
}}

var somebody = caller.Caller{UserID: "kp_1", OrganizationID: "org_1", Expires: time.Now().Add(time.Hour)}

func serve(e Endpoint, c caller.Caller, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.Dialect = plain
	ctx := WithRequestID(caller.NewContext(r.Context(), c), "id-1")
	e.ServeHTTP(w, r.WithContext(ctx))
	return w
}

func name(s string) (string, error) { return text.Parse(s, 1, 5) }

func TestFieldsAreJudgedTogether(t *testing.T) {
	e := Endpoint{Body: true, Do: func(_ context.Context, _ caller.Caller, in *Input) (Reply, error) {
		o := in.Within("Organization")
		got := []any{
			Required(o, name, "Name"), Required(o, name, "NewName", "Alias"), Optional(o, name, "City"), Optional(o, name, "None"),
			Flag(in.Object, "Active", true), Texts(in.Object, "Policies"),
		}
		in.Within("User")
		return OK(got), in.Err()
	}}
	w := serve(e, somebody, post("application/json",
		`{"organization":{"NAME":" Acme ","alias":"x","City":null},"active":false,"Policies":["a"],"User":{},"Unknown":1}`))
	if want := `["Acme","x","","",false,["a"]]`; w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d %s; want %s", w.Code, w.Body, want)
	}
	w = serve(e, somebody, post("application/json", `{"Organization":{"City":7,"Alias":"too long","None":""},"Active":"yes","Policies":[1],"User":3}`))
	want := `["Organization.Name: Is required.","Organization.Alias: Must be at most 5 characters.","Organization.City: Must be a text.",` +
		`"Organization.None: Is required.","Active: Must be true or false.","Policies: Must be a list of texts.","User: Must be an object."]`
	if w.Code != 400 || w.Body.String() != want {
		t.Errorf("%d %s\nwant %s", w.Code, w.Body, want)
	}
	w = serve(e, somebody, post("application/json", `{}`))
	for _, field := range []string{"Organization:", "Organization.Name:", "User:", "Policies:"} {
		if !strings.Contains(w.Body.String(), `"`+field) {
			t.Errorf("%s does not name %s", w.Body, field)
		}
	}
}

func TestNobody(t *testing.T) {
	e := Endpoint{Do: func(context.Context, caller.Caller, *Input) (Reply, error) { return OK("reached"), nil }}
	get := func() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) }
	expired := somebody
	expired.Expires = time.Now().Add(-time.Second)
	for _, c := range []caller.Caller{{}, expired} {
		if w := serve(e, c, get()); w.Code == 200 || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%+v: %d %s %v", c, w.Code, w.Body, w.Header())
		}
	}
	e.Public = true
	if w := serve(e, caller.Caller{}, get()); w.Code != 200 || w.Header().Get("X-Request-Id") != "id-1" {
		t.Errorf("public: %d %v", w.Code, w.Header())
	}
}

func TestNothingInternalIsShown(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)
	for name, do := range map[string]Do{
		"error": func(context.Context, caller.Caller, *Input) (Reply, error) { return Reply{}, errors.New("cause-7") },
		"panic": func(context.Context, caller.Caller, *Input) (Reply, error) { panic("what a person sent") },
		"joined": func(context.Context, caller.Caller, *Input) (Reply, error) {
			return Reply{}, errors.Join(errors.New("cause-7"), text.Required)
		},
	} {
		log.Reset()
		w := serve(Endpoint{Do: do}, somebody, httptest.NewRequest(http.MethodGet, "/?q=query", nil))
		if w.Code != 500 || w.Body.String() != `"internal"` {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		var line struct{ Request, Cause string }
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Request != "id-1" || line.Cause == "" {
			t.Errorf("%s: the log says %s (%v)", name, &log, err)
		}
		if strings.Contains(log.String(), "what a person sent") || strings.Contains(log.String(), "query") {
			t.Errorf("%s: the log repeats what a person sent: %s", name, &log)
		}
	}
}

func TestRetryAfterIsInWholeSeconds(t *testing.T) {
	e := Endpoint{Do: func(context.Context, caller.Caller, *Input) (Reply, error) {
		return Reply{}, fault.Fault{Kind: fault.TooMany}.After(1100 * time.Millisecond)
	}}
	if w := serve(e, somebody, httptest.NewRequest(http.MethodGet, "/", nil)); w.Header().Get("Retry-After") != "2" {
		t.Errorf("Retry-After: %q", w.Header().Get("Retry-After"))
	}
}

func TestIdempotencyKey(t *testing.T) {
	var attempts []*idempotency.Attempt
	e := Endpoint{Body: true, Write: true, Do: func(ctx context.Context, _ caller.Caller, _ *Input) (Reply, error) {
		a := idempotency.FromContext(ctx)
		attempts = append(attempts, a)
		if a != nil {
			a.Replayed = len(attempts) > 1
		}
		return OK("done"), nil
	}}
	send := func(body string, keys ...string) *httptest.ResponseRecorder {
		r := post("application/json", body)
		r.Header["Idempotency-Key"] = keys
		return serve(e, somebody, r)
	}
	for _, keys := range [][]string{{""}, {"a b"}, {"a\x7f"}, {"é"}, {strings.Repeat("k", 256)}, {"a", "a"}} {
		if w := send(`{}`, keys...); w.Code != 400 || len(attempts) > 0 {
			t.Errorf("%q: %d %s", keys, w.Code, w.Body)
		}
	}
	first, second := send(`{"b":1,"a":{"y":2,"x":3}}`, "k1"), send("{ \"a\" : {\"x\":3,\"y\":2},\n\"B\":1}", "k1")
	if first.Header().Get("Idempotent-Replayed") != "" || second.Header().Get("Idempotent-Replayed") != "true" {
		t.Errorf("Idempotent-Replayed: %v, %v", first.Header(), second.Header())
	}
	if a, b := attempts[0], attempts[1]; a.Name() != b.Name() || !bytes.Equal(a.Print([]byte("s")), b.Print([]byte("s"))) {
		t.Errorf("one body in two spellings is two: %s, %s", a.Body, b.Body)
	}
	send(`{"b":2}`, "k1")
	if c := attempts[2]; c.Matches([]byte("s"), attempts[0].Print([]byte("s"))) {
		t.Error("another body has the same print")
	}
	send(`{}`)
	if attempts[3] != nil {
		t.Error("an attempt without a key")
	}
}
