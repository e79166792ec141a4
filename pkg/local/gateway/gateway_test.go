package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"charter/pkg/local/gateway"
	"charter/pkg/sam"
)

var update = flag.Bool("update", false, "write the golden files")

// handler is a function's code, as it reads and writes bytes.
type handler func(context.Context, []byte) ([]byte, error)

func (h handler) Invoke(ctx context.Context, event []byte) ([]byte, error) { return h(ctx, event) }

// zeros is randomness that makes every request id the same.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

var noon = time.Date(2024, 2, 20, 12, 0, 0, 0, time.UTC)

// world is a gateway with functions that a test may replace.
type world struct {
	*gateway.Gateway
	template  *sam.Template
	functions map[string]lambda.Handler
	options   gateway.Options
	log       *bytes.Buffer
	asked     atomic.Int32 // runs of the authorizer
	ran       atomic.Int32 // runs of the other functions
	event     []byte       // the last event of those
}

// policy is what the authorizer answers, for the whole stage.
func policy(effect, resource string, context map[string]any) []byte {
	out, err := json.Marshal(map[string]any{
		"principalId": john.UserID, "context": context,
		"policyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
			map[string]any{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource},
		}},
	})
	if err != nil {
		panic(err)
	}
	return out
}

// firstID is every request id that zeros make.
const firstID = "00000000-0000-4000-8000-000000000000"

// The answers that testdata/template.yaml words.
const (
	internal     = `{"code":"internal","id":"` + firstID + `"}`
	invalidToken = `{"code":"invalid_token"}`
)

const (
	stage      = "arn:aws:execute-api:us-east-1:000000000000:local/dev"
	otherStage = "arn:aws:execute-api:us-east-1:000000000000:local/d.v"
)

func newWorld(t *testing.T, change func(*world)) *world {
	t.Helper()
	text, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{log: &bytes.Buffer{}}
	if w.template, err = sam.Read(text, nil); err != nil {
		t.Fatal(err)
	}
	answer := handler(func(_ context.Context, event []byte) ([]byte, error) {
		w.ran.Add(1)
		w.event = event
		return []byte(`{"statusCode":200,"body":"done"}`), nil
	})
	w.functions = map[string]lambda.Handler{
		"open": answer, "guarded": answer,
		"guard": handler(func(context.Context, []byte) ([]byte, error) {
			w.asked.Add(1)
			flat := map[string]any{"userId": "kp_1", "exp": 1700000000, "admin": true, "none": nil}
			return policy("Allow", stage+"/*/*", flat), nil
		}),
	}
	w.options = gateway.Options{
		Log: slog.New(slog.NewJSONHandler(w.log, nil)), Random: zeros{}, Now: func() time.Time { return noon },
	}
	if change != nil {
		change(w)
	}
	if w.Gateway, err = gateway.New(w.template, w.functions, w.options); err != nil {
		t.Fatal(err)
	}
	return w
}

// with replaces the code of a function.
func with(name string, code handler) func(*world) {
	return func(w *world) { w.functions[name] = code }
}

func (w *world) send(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, r)
	return recorder
}

// compare holds JSON against a golden file, or writes it there.
func compare(t *testing.T, path string, got []byte) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	if *update {
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(indented.Bytes(), want) {
		t.Errorf("%s is\n%s\nwant\n%s", path, indented.Bytes(), want)
	}
}

func TestEvents(t *testing.T) {
	t.Run("with a body", func(t *testing.T) {
		w := newWorld(t, nil)
		w.send("POST", "http://api.example.com:8080/public/?a=1&b=x%2By+z&a=2&empty", `{"Name":"Zoë"}`,
			"Content-Type", "application/json", "X-Twice", "one", "X-Twice", "two", "Connection", "close",
			"X-Forwarded-For", "203.0.113.9", "User-Agent", "test")
		compare(t, "testdata/body.golden", w.event)
		if w.asked.Load() != 0 {
			t.Error("a public route asked the authorizer")
		}
	})
	t.Run("with a caller and parameters", func(t *testing.T) {
		w := newWorld(t, nil)
		w.send("DELETE", "http://api.example.com/items/a%2Fb%20c/parts/d+e", "", "Authorization", "Bearer a.b.c")
		compare(t, "testdata/caller.golden", w.event)
	})
	t.Run("as text", func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.template.Binary = false })
		w.send("POST", "/public", "plain")
		var e events.APIGatewayProxyRequest
		if err := json.Unmarshal(w.event, &e); err != nil || e.Body != "plain" || e.IsBase64Encoded {
			t.Errorf("body is %q, base64 %v, error %v", e.Body, e.IsBase64Encoded, err)
		}
	})
	t.Run("of the authorizer", func(t *testing.T) {
		var event []byte
		w := newWorld(t, with("guard", func(_ context.Context, e []byte) ([]byte, error) {
			event = e
			return policy("Allow", stage+"/*/*", nil), nil
		}))
		w.send("GET", "/items/9?secret=1", "", "Authorization", "bearer a.b.c")
		compare(t, "testdata/authorizer.golden", event)
	})
}

func TestRoutes(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
		resource     string
	}{
		{"GET", "/items/9", 200, "/items/{id}"},
		{"GET", "/items/9/", 200, "/items/{id}"},
		{"GET", "/items/first", 200, "/items/first"},
		{"GET", "/items/firstly", 200, "/items/{id}"},
		{"DELETE", "/items/first/parts/2", 200, "/items/{id}/parts/{part}"},
		{"GET", "/items/", 404, ""},
		{"GET", "/items//", 404, ""},
		{"GET", "/", 404, ""},
		{"GET", "/items/9/parts", 404, ""},
		{"GET", "/ITEMS/9", 404, ""},
		{"POST", "/items/9", 404, ""},
		{"OPTIONS", "/public", 404, ""},
		{"GET", "/items/../public", 404, ""},
		{"GET", "/_local/", 404, ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			w := newWorld(t, nil)
			got := w.send(c.method, c.path, "", "Authorization", "Bearer a.b.c")
			if got.Code != c.status {
				t.Fatalf("status %d, want %d", got.Code, c.status)
			}
			if c.status == 404 {
				if got.Body.String() != `{"code":"not_found"}` || w.ran.Load()+w.asked.Load() != 0 {
					t.Errorf("body %s, %d runs", got.Body, w.ran.Load()+w.asked.Load())
				}
				return
			}
			var e events.APIGatewayProxyRequest
			if err := json.Unmarshal(w.event, &e); err != nil || e.Resource != c.resource {
				t.Errorf("resource %q, want %q, error %v", e.Resource, c.resource, err)
			}
		})
	}
}

func TestNoTokenRunsNothing(t *testing.T) {
	for name, headers := range map[string][]string{
		"none":           nil,
		"empty":          {"Authorization", ""},
		"another scheme": {"Authorization", "Basic a.b.c"},
		"two parts":      {"Authorization", "Bearer a.b"},
		"two spaces":     {"Authorization", "Bearer  a.b.c"},
		"a line more":    {"Authorization", "Bearer a.b.c\n"},
		"two headers":    {"Authorization", "Bearer a.b.c", "Authorization", "Bearer a.b.c"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			got := w.send("GET", "/items/9", "", headers...)
			if got.Code != 401 || got.Body.String() != `{"code":"missing_token"}` {
				t.Errorf("%d %s", got.Code, got.Body)
			}
			if w.asked.Load()+w.ran.Load() != 0 {
				t.Error("a function ran")
			}
			h := got.Header()
			if h.Get("WWW-Authenticate") != "Bearer" || h.Get("Content-Type") != "application/json" {
				t.Errorf("headers %v", h)
			}
			if id := h.Get("X-Request-Id"); id != firstID || id != h.Get("x-amzn-RequestId") {
				t.Errorf("X-Request-Id is %q", id)
			}
		})
	}
}

func TestAuthorizer(t *testing.T) {
	for name, c := range map[string]struct {
		answer []byte
		err    error
		status int
		body   string
	}{
		"allows the stage":             {policy("Allow", stage+"/*/*", nil), nil, 200, "done"},
		"allows the method":            {policy("Allow", stage+"/GET/items/9", nil), nil, 200, "done"},
		"allows by one character":      {policy("Allow", stage+"/GE?/items/?", nil), nil, 200, "done"},
		"denies":                       {policy("Deny", stage+"/*/*", nil), nil, 401, invalidToken},
		"allows something else":        {policy("Allow", stage+"/POST/*", nil), nil, 401, invalidToken},
		"allows a prefix":              {policy("Allow", stage+"/GET/items", nil), nil, 401, invalidToken},
		"allows another stage":         {policy("Allow", otherStage+"/*/*", nil), nil, 401, invalidToken},
		"allows and denies":            {bothEffects(), nil, 401, invalidToken},
		"says Unauthorized":            {nil, errors.New("Unauthorized"), 401, `{"code":"missing_token"}`},
		"fails":                        {nil, errors.New("no keys"), 503, `{"code":"unavailable"}`},
		"answers no policy":            {[]byte(`{"principalId":"kp_1"}`), nil, 500, internal},
		"answers no JSON":              {[]byte(`yes`), nil, 500, internal},
		"answers a context with depth": {policy("Allow", stage+"/*/*", map[string]any{"a": []int{1}}), nil, 500, internal},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, with("guard", func(context.Context, []byte) ([]byte, error) { return c.answer, c.err }))
			got := w.send("GET", "/items/9", "", "Authorization", "Bearer a.b.c")
			if got.Code != c.status || got.Body.String() != c.body {
				t.Errorf("%d %s, want %d %s", got.Code, got.Body, c.status, c.body)
			}
			if ran := w.ran.Load() == 1; ran != (c.status == 200) {
				t.Errorf("the function ran: %v", ran)
			}
		})
	}
}

// bothEffects is a policy with lists, where a Deny meets an Allow.
func bothEffects() []byte {
	return []byte(`{"principalId":"kp_1","policyDocument":{"Version":"2012-10-17","Statement":[
		{"Action":["execute-api:Invoke"],"Effect":"Allow","Resource":["` + stage + `/*/*"]},
		{"Action":["execute-api:*"],"Effect":"Deny","Resource":["nothing","` + stage + `/GET/items/*"]}]}}`)
}

func TestAuthorizerIsKept(t *testing.T) {
	now, asked := noon, 0
	var fail error
	effect := "Allow"
	w := newWorld(t, func(w *world) {
		w.options.Now = func() time.Time { return now }
		w.functions["guard"] = handler(func(context.Context, []byte) ([]byte, error) {
			asked++
			return policy(effect, stage+"/*/*", nil), fail
		})
	})
	step := func(what, method, path, token string, status, want int) {
		t.Helper()
		if got := w.send(method, path, "", "Authorization", "Bearer "+token); got.Code != status || asked != want {
			t.Errorf("%s: status %d, asked %d times, want %d and %d", what, got.Code, asked, status, want)
		}
	}
	step("the first time", "GET", "/items/1", "a.b.c", 200, 1)
	step("another route", "DELETE", "/items/1/parts/2", "a.b.c", 200, 1)
	step("another token", "GET", "/items/1", "a.b.d", 200, 2)
	now = now.Add(299 * time.Second)
	step("just in time", "GET", "/items/1", "a.b.c", 200, 2)
	now, effect = now.Add(time.Second), "Deny"
	step("after its time", "GET", "/items/1", "a.b.c", 401, 3)
	effect = "Allow"
	step("a Deny is kept", "GET", "/items/1", "a.b.c", 401, 3)
	fail = errors.New("no keys")
	step("an error", "GET", "/items/1", "a.b.e", 503, 4)
	fail = nil
	step("an error is not kept", "GET", "/items/1", "a.b.e", 200, 5)
}

func TestLimits(t *testing.T) {
	w := newWorld(t, nil)
	if got := w.send("POST", "/public", strings.Repeat("x", 10<<20)); got.Code != 200 {
		t.Errorf("a body of 10 MB: %d", got.Code)
	}
	for name, got := range map[string]*httptest.ResponseRecorder{
		"a body of more":       w.send("POST", "/public", strings.Repeat("x", 10<<20+1)),
		"headers of 10,240":    w.send("POST", "/public", "", "X-Long", strings.Repeat("x", 10240)),
		"a path with a header": w.send("POST", "/public?"+strings.Repeat("x", 6000), "", "X-Long", strings.Repeat("x", 6000)),
	} {
		if got.Code != 413 || got.Body.String() != `{"code":"too_large"}` {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	if got := w.send("POST", "/public?a=%zz", ""); got.Code != 400 || got.Body.String() != `{"code":"refused"}` {
		t.Errorf("a query that cannot be decoded: %d %s", got.Code, got.Body)
	}
	if w.ran.Load() != 1 {
		t.Errorf("the function ran %d times", w.ran.Load())
	}
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		err    error
		status int
		body   string
		header http.Header
	}{
		"with nothing":      {`{"statusCode":204}`, nil, 204, "", http.Header{"Content-Type": {"application/json"}}},
		"in base64":         {`{"statusCode":200,"body":"/w==","isBase64Encoded":true}`, nil, 200, "\xff", nil},
		"with its own type": {`{"statusCode":201,"headers":{"content-type":"text/plain"},"body":"x"}`, nil, 201, "x", http.Header{"Content-Type": {"text/plain"}}},
		"with several values": {
			`{"statusCode":200,"headers":{"A":"1","B":"1"},"multiValueHeaders":{"a":["1","2"],"B":["2"]}}`,
			nil, 200, "", http.Header{"A": {"1", "2"}, "B": {"2", "1"}}},
		"with renamed headers": {
			`{"statusCode":401,"headers":{"www-authenticate":"Bearer","Date":"now","Transfer-Encoding":"x"}}`, nil, 401, "", http.Header{
				"X-Amzn-Remapped-Www-Authenticate": {"Bearer"}, "X-Amzn-Remapped-Date": {"now"},
				"Www-Authenticate": nil, "Date": nil, "Transfer-Encoding": nil}},
		"that is no JSON":            {`done`, nil, 502, internal, nil},
		"with another member":        {`{"statusCode":200,"message":"x"}`, nil, 502, internal, nil},
		"with a number for a header": {`{"statusCode":200,"headers":{"A":1}}`, nil, 502, internal, nil},
		"without a status":           {`{"body":"x"}`, nil, 502, internal, nil},
		"with an impossible status":  {`{"statusCode":99}`, nil, 502, internal, nil},
		"with broken base64":         {`{"statusCode":200,"body":"!","isBase64Encoded":true}`, nil, 502, internal, nil},
		"that is an error":           {"", errors.New("secret"), 502, internal, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, with("open", func(context.Context, []byte) ([]byte, error) { return []byte(c.answer), c.err }))
			got := w.send("POST", "/public", "")
			if got.Code != c.status || got.Body.String() != c.body {
				t.Errorf("%d %q, want %d %q", got.Code, got.Body, c.status, c.body)
			}
			for name, want := range c.header {
				if values := got.Header()[name]; fmt.Sprint(values) != fmt.Sprint(want) {
					t.Errorf("%s is %q, want %q", name, values, want)
				}
			}
		})
	}
}

func TestPanicLeavesTheProcess(t *testing.T) {
	w := newWorld(t, with("open", func(_ context.Context, event []byte) ([]byte, error) {
		if bytes.Contains(event, []byte("bad")) {
			panic("oops")
		}
		return []byte(`{"statusCode":200}`), nil
	}))
	if got := w.send("POST", "/public?bad", ""); got.Code != 502 {
		t.Errorf("a panic: %d", got.Code)
	}
	if got := w.send("POST", "/public", ""); got.Code != 200 {
		t.Errorf("after it: %d", got.Code)
	}
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	for name, code := range map[string]handler{
		"of a function that gives up": func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
		"of a function that does not": func(context.Context, []byte) ([]byte, error) {
			<-release
			return nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				for i := range w.template.Functions {
					w.template.Functions[i].Timeout = time.Millisecond
				}
				w.functions["open"] = code
			})
			if got := w.send("POST", "/public", ""); got.Code != 504 || !strings.Contains(got.Body.String(), "internal") {
				t.Errorf("%d %s", got.Code, got.Body)
			}
		})
	}
}

func TestInvocationContext(t *testing.T) {
	w := newWorld(t, with("open", func(ctx context.Context, _ []byte) ([]byte, error) {
		c, ok := lambdacontext.FromContext(ctx)
		if _, ends := ctx.Deadline(); !ok || !ends {
			return nil, errors.New("no lambda context")
		}
		return json.Marshal(events.APIGatewayProxyResponse{StatusCode: 200, Body: c.AwsRequestID + " " + c.InvokedFunctionArn})
	}))
	want := firstID + " arn:aws:lambda:us-east-1:000000000000:function:open"
	if got := w.send("POST", "/public", ""); got.Body.String() != want {
		t.Errorf("%d %s", got.Code, got.Body)
	}

	r := httptest.NewRequest("POST", "/public", nil)
	gone, cancel := context.WithCancel(r.Context())
	cancel()
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, r.WithContext(gone))
	if recorder.Code != 200 {
		t.Errorf("a client that has gone stopped the function: %d", recorder.Code)
	}
}

func TestLog(t *testing.T) {
	w := newWorld(t, nil)
	w.send("GET", "/items/hidden-id?q=hidden-query", "hidden-body", "Authorization", "Bearer hidden.b.c", "X-Any", "hidden-header")
	w.send("GET", "/hidden-path", "")
	if strings.Contains(w.log.String(), "hidden") {
		t.Errorf("the log tells too much: %s", w.log)
	}
	decoder := json.NewDecoder(w.log)
	for _, want := range []struct {
		route  string
		status float64
	}{{"GET /items/{id}", 200}, {"none", 404}} {
		var line map[string]any
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if line["route"] != want.route || line["status"] != want.status ||
			line["request"] != firstID || line["ms"] != float64(0) {
			t.Errorf("line %v, want %v", line, want)
		}
	}
}

func TestLocal(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.options.Local = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
	})
	if got := w.send("GET", "/_local/mail", ""); got.Body.String() != "/_local/mail" || w.log.Len() != 0 {
		t.Errorf("%d %s, log %s", got.Code, got.Body, w.log)
	}
}

func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.options.Random, w.options.Now, w.options.Log = nil, nil, slog.New(slog.DiscardHandler)
		w.functions["guarded"] = handler(func(_ context.Context, event []byte) ([]byte, error) {
			var e events.APIGatewayProxyRequest
			if err := json.Unmarshal(event, &e); err != nil {
				return nil, err
			}
			return json.Marshal(events.APIGatewayProxyResponse{StatusCode: 200, Body: e.PathParameters["id"]})
		})
	})
	server := httptest.NewServer(w)
	defer server.Close()
	var ids sync.Map
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			r, err := http.NewRequest("GET", fmt.Sprintf("%s/items/%d", server.URL, i), nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", fmt.Sprintf("Bearer a.b.%d", i%3))
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil || string(body) != fmt.Sprint(i) {
				t.Errorf("%d answers %s, %v", i, body, err)
			}
			if _, twice := ids.LoadOrStore(answer.Header.Get("x-amzn-RequestId"), i); twice {
				t.Errorf("a request id came twice")
			}
		})
	}
	all.Wait()
	if got := w.asked.Load(); got < 3 {
		t.Errorf("the authorizer was asked %d times for 3 tokens", got)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		want   string
	}{
		"a function without code":    {func(w *world) { delete(w.functions, "open") }, "function open"},
		"an authorizer without code": {func(w *world) { delete(w.functions, "guard") }, "function guard"},
		"a route of the laptop's": {func(w *world) {
			w.template.Functions[0].Routes = []sam.Route{{Method: "GET", Path: "/_local/x"}}
		}, "/_local/"},
		"no words for a failure": {func(w *world) { delete(w.template.Responses, "DEFAULT_5XX") }, "DEFAULT_5XX"},
		"a variable in a body": {func(w *world) {
			w.template.Responses["THROTTLED"] = sam.Response{Body: "$context.path"}
		}, "THROTTLED"},
		"a variable in a header": {func(w *world) {
			w.template.Responses["THROTTLED"] = sam.Response{Headers: map[string]string{"A": "context.path"}}
		}, "THROTTLED"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			c.change(w)
			if _, err := gateway.New(w.template, w.functions, w.options); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
