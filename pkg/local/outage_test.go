package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/lambdaauth"
	"charter/pkg/local"
	"charter/pkg/local/breakage"
	"charter/pkg/local/dynamo"
	"charter/pkg/local/gateway"
	"charter/pkg/token"
)

// Every endpoint that asks a dead table answers 503 in its dialect, in good
// time: a table that refuses, one that is cut off, and one that says nothing.
//
// Tried with the control that it must catch: a request whose deadline was the
// function's own was cut off by the gateway with 504.
func TestDeadTable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := startBroken(t)
		asked := 0
		for name, fault := range map[string]breakage.Fault{
			"cut off": breakage.Reset, "silent": breakage.Silence, "refusing": unavailable, "slow": breakage.Delayed(3*time.Second, breakage.Reset),
		} {
			for _, e := range endpoints {
				got := b.run(t, e, "owner", "", breakage.Every(fault))
				if len(got.calls) == 0 {
					continue
				}
				asked++
				if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !speaks(e, got.answer) {
					t.Errorf("%s, %s: %d %v %s", name, e.route, got.status, got.header, got.body)
				}
				if limit := b.timeout(e.route); got.took >= limit {
					t.Errorf("%s, %s: answered after %v, the function has %v", name, e.route, got.took, limit)
				}
			}
		}
		if asked < 4*30 {
			t.Errorf("%d requests asked the table", asked)
		}
	})
}

// Where the keys of tokens cannot be had, the gateway answers 503 in its own
// words and within the authorizer's time, and does not keep that.
//
// Tried with the control that it must catch: an authorizer that denied when it
// had no keys answered 401.
func TestDeadKeySource(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]func(context.Context) (*token.Keys, error){
		"refusing": func(context.Context) (*token.Keys, error) { return nil, errors.New("no keys today") },
		"silent": func(ctx context.Context) (*token.Keys, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, func(o *local.Options) { o.Now = time.Now })
				var dead atomic.Bool // an authorizer that was given up may look at it late
				dead.Store(true)
				e := s.env(t, "authorizer")
				working := local.Functions["authorizer"](e)
				broken := lambdaauth.Handler(token.Verifier{Name: local.Parameters()["TokenIssuer"], Audience: "charter", Now: time.Now, Keys: keys})
				functions := map[string]lambda.Handler{}
				for _, f := range s.Template.Functions {
					functions[f.Name] = local.Functions[f.Name](s.env(t, f.Name))
				}
				functions["authorizer"] = choose{func() lambda.Handler {
					if dead.Load() {
						return broken
					}
					return working
				}}
				g, err := gateway.New(s.Template, functions, gateway.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
				if err != nil {
					t.Fatal(err)
				}
				ask := func() *httptest.ResponseRecorder {
					w := httptest.NewRecorder()
					g.ServeHTTP(w, request{"GET", "/api/organization", ""}.http(s.given["gone"]))
					return w
				}
				began := time.Now()
				w := ask()
				if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"code":"unavailable"`) ||
					strings.Contains(w.Body.String(), "today") {
					t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
				}
				if took, limit := time.Since(began), s.function("authorizer").Timeout; took > limit {
					t.Errorf("answered after %v, the authorizer has %v", took, limit)
				}
				dead.Store(false)
				if w := ask(); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "organization_gone") {
					t.Errorf("once the keys are there: %d %s", w.Code, w.Body)
				}
			})
		})
	}
}

type choose struct{ handler func() lambda.Handler }

func (c choose) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	return c.handler().Invoke(ctx, event)
}

// Transactions that meet others, or a table that gets too much, are tried again
// until they go; where that does not end, the answer is 503 in good time and
// nothing was done.
//
// Tried with the control that it must catch: a transact that gave up with the
// first conflict answered 503 where one try more would have done.
func TestConflicts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := startBroken(t)
		rows, _ := b.writing(t)
		for _, e := range rows {
			before := b.image(t)
			clean := b.run(t, e, "owner", "one-key", nil)
			b.restore(t, before)
			for _, code := range []string{"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"} {
				what := e.route + ", " + code
				b.engine.Inject(func(op string, n int) error {
					if op == "TransactWriteItems" && n <= 3 {
						return dynamo.CancelWith(code)
					}
					return nil
				})
				got := b.run(t, e, "owner", "one-key", nil)
				if got.status != clean.status || masked(got.body) != masked(clean.body) || got.done != clean.done {
					t.Errorf("%s three times: %d %s\n%s", what, got.status, got.body, got.done)
				}
				if transactions := slices.DeleteFunc(got.calls, func(c breakage.Call) bool { return c.Operation != "TransactWriteItems" }); len(transactions) != 4 {
					t.Errorf("%s three times: %d tries", what, len(transactions))
				}
				b.restore(t, before)
				b.engine.Inject(func(op string, _ int) error {
					if op == "TransactWriteItems" {
						return dynamo.CancelWith(code)
					}
					return nil
				})
				got = b.run(t, e, "owner", "one-key", nil)
				b.engine.Inject(nil)
				if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !speaks(e, got.answer) || got.done != "" {
					t.Errorf("%s for ever: %d %s\n%s", what, got.status, got.body, got.done)
				}
				if limit := b.timeout(e.route); got.took >= limit || len(got.calls) > 20 {
					t.Errorf("%s for ever: %d calls in %v", what, len(got.calls), got.took)
				}
				b.again(t, what+" for ever", e, "owner", "one-key", before, clean, got)
				b.restore(t, before)
			}
			b.run(t, e, "owner", "", nil)
		}
	})
}

// A panic anywhere below an endpoint is a 500 in its dialect, and so is an answer
// of the table's that nobody can make sense of. Nothing of what panicked is in the
// log, nor of what was sent, and the next request is answered as ever. It is not
// parallel: it catches the log of the process.
//
// Tried with the controls that it must catch: a read in a goroutine of its own
// ended the process; a log of the panic's value told the canary.
func TestPanics(t *testing.T) {
	quiet()
	var log lines
	everything := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	before := slog.Default()
	slog.SetDefault(everything)
	defer slog.SetDefault(before)
	const canary = "Canary7392"
	var known map[string]string
	synctest.Test(t, func(t *testing.T) {
		b := startBroken(t)
		known = b.known
		next := endpoints[slices.IndexFunc(endpoints, func(e endpoint) bool { return e.route == "GET /api/organization" })]
		for _, e := range endpoints {
			calls := b.run(t, e, "owner", "", breakage.Every(breakage.Reset)).calls
			operations := map[string]bool{}
			for _, c := range calls {
				operations[c.Operation] = true
			}
			for operation := range operations {
				what := fmt.Sprintf("%s, a panic in %s", e.route, operation)
				got := b.run(t, e, "owner", "", only(operation, breakage.Panic(errors.New(canary))))
				if got.status != http.StatusInternalServerError || !speaks(e, got.answer) || strings.Contains(got.body, canary) {
					t.Errorf("%s: %d %s", what, got.status, got.body)
				}
				senseless := breakage.Refused(http.StatusBadRequest, "ValidationException") // what is read beside may be of no matter
				if got := b.run(t, e, "owner", "", only(operation, senseless)); got.status >= http.StatusInternalServerError && (got.status != http.StatusInternalServerError || !speaks(e, got.answer)) {
					t.Errorf("%s, nonsense from %s: %d %s", e.route, operation, got.status, got.body)
				}
				if got := b.run(t, next, "owner", "", nil); got.status != http.StatusOK {
					t.Errorf("%s; the next request: %d %s", what, got.status, got.body)
				}
			}
		}
	})
	for _, secret := range []string{"Password of", "@ant.example", "@Ant.example", "eyJ", "Bearer ", known["secret"], known["spareSecret"], known["invitation"], known["samLink"]} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if text := log.String(); strings.Contains(text, canary) || !strings.Contains(text, "panic: *errors.errorString") {
		t.Errorf("the log holds the canary: %v", bytes.Contains([]byte(text), []byte(canary)))
	}
}
