package table

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"charter/pkg/fault"
	"charter/pkg/local/dynamo"
)

// Whatever fails for good, each pattern gives up within its time with a fault
// that says to come again, having tried a bounded number of times, all of a
// transaction under one token.
func TestFaultsThatLast(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, d *desk) {
		co := incorporate(t, d)
		d.unchanged("faults", func() {
			for name, broken := range map[string]error{
				"conflict":             dynamo.CancelWith("TransactionConflict"),
				"throttled":            dynamo.CancelWith("ThrottlingError"),
				"capacity":             dynamo.CancelWith("ProvisionedThroughputExceeded"),
				"over capacity":        dynamo.ErrThrottled,
				"throttling":           &dynamo.Error{Code: "ThrottlingException", Message: "slower"},
				"request limit":        &dynamo.Error{Code: "RequestLimitExceeded", Message: "slower"},
				"in progress":          &dynamo.Error{Code: "TransactionInProgressException", Message: "wait"},
				"internal error":       errors.New("broken"),
				"unavailable":          &dynamo.Error{Code: "ServiceUnavailable", Message: "away"},
				"connection was reset": errReset,
			} {
				if d.engine.Inject(func(string, int) error { return broken }); broken == errReset {
					d.engine.Inject(nil)
					d.wire.set(func(call, func() (*http.Response, error)) (*http.Response, error) { return nil, errReset })
				}
				for _, p := range patterns {
					p.failsWith(t, co, fmt.Sprint(p, ": ", name), 10*time.Second)
					if name == "conflict" {
						p.failsWith(t, co, fmt.Sprint(p, ": ", name), 400*time.Millisecond)
					}
				}
				d.calm()
			}
		})
	})
}

var errReset = errors.New("read tcp 192.0.2.1:443: connection reset by peer")

func (p pattern) failsWith(t *testing.T, co *company, what string, most time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	ctx, _ = attempt(ctx, p.by(co), "key", "body")
	start := time.Now()
	calls := co.wire.during(func() {
		_, err := p.call(ctx, co, p.by(co))
		faults, ok := fault.All(err)
		if !ok || len(faults) != 1 || faults[0].Kind != fault.Unavailable || faults[0].RetryAfter <= 0 {
			t.Errorf("%s: %v; want a fault that says when to come back", what, err)
		}
		if strings.Contains(what, "in progress") && strings.Contains(faults[0].Message, "did nothing") {
			t.Errorf("%s: %q of what may have been done", what, faults[0].Message)
		}
		synctest.Wait()
	})
	if spent := time.Since(start); spent > most {
		t.Errorf("%s: took %v of %v", what, spent, most)
	}
	if len(calls) > 2*mostTries {
		t.Errorf("%s: %d calls", what, len(calls))
	}
	oneToken(t, what, calls)
}

// oneToken checks that all transactions among the calls are one.
func oneToken(t *testing.T, what string, calls []call) {
	t.Helper()
	var first *call
	for _, c := range calls {
		if c.op != "TransactWriteItems" {
			continue
		}
		if first == nil {
			first = &c
		}
		if c.token() == "" || c.token() != first.token() || len(c.body) != len(first.body) {
			t.Errorf("%s: a try with the token %q and %d bytes after one with %q and %d", what, c.token(), len(c.body), first.token(), len(first.body))
		}
	}
}

// What passes within a few tries is not noticed: each operation meets with a
// throttle, an error of the service and, if a transaction, three cancellations.
func TestFaultsThatPass(t *testing.T) {
	for _, p := range patterns {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, d *desk) {
				co := incorporate(t, d)
				d.engine.Inject(func(op string, n int) error {
					switch {
					case n == 1:
						return dynamo.ErrThrottled
					case n == 2:
						return errors.New("broken")
					case op == "TransactWriteItems" && n < 6:
						return dynamo.CancelWith([]string{"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}[n-3])
					case op == "BatchGetItem":
						return dynamo.ErrShort
					}
					return nil
				})
				calls := d.wire.during(func() {
					_, err := p.call(t.Context(), co, p.by(co))
					wants(t, "the call", err)
					synctest.Wait()
				})
				calls = slices.DeleteFunc(calls, func(c call) bool { return c.op != "TransactWriteItems" })
				oneToken(t, "the first six tries", calls[:min(len(calls), 6)])
				if p.keyed && len(calls) < 6 {
					t.Errorf("%d tries of the transaction; want 6", len(calls))
				}
			})
		})
	}
}

// The answer to any one call may be lost after the service did what it says.
// The pattern ends as if nothing had been: nobody is told to be in conflict
// with himself, and nothing is done twice.
func TestLostAnswers(t *testing.T) {
	for _, p := range patterns {
		if !p.writes {
			continue
		}
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			var whole struct {
				kinds map[string]int
				ops   []string
			}
			bubble(t, func(t *testing.T, d *desk) {
				co := incorporate(t, d)
				for _, c := range d.wire.during(func() {
					_, err := p.call(t.Context(), co, p.by(co))
					wants(t, "undisturbed", err)
					synctest.Wait()
				}) {
					whole.ops = append(whole.ops, c.op)
				}
				whole.kinds = d.kinds()
			})
			for n, op := range whole.ops {
				if op == "BatchGetItem" || op == "Query" {
					continue
				}
				for _, key := range []string{"", "key"} {
					if key != "" && !p.keyed {
						continue
					}
					bubble(t, func(t *testing.T, d *desk) {
						co := incorporate(t, d)
						ctx, a := attempt(t.Context(), p.by(co), key, "body")
						d.wire.lose(func(call int, _ string) bool { return call == n+1 })
						_, err := p.call(ctx, co, p.by(co))
						wants(t, fmt.Sprint("call ", n+1, ", ", op, ", with the key ", key), err)
						if a.Replayed {
							t.Error("the first is a replay")
						}
						synctest.Wait()
						d.calm()
						kinds := d.kinds()
						delete(kinds, "IDEMPOTENCY")
						if !reflect.DeepEqual(kinds, whole.kinds) {
							t.Errorf("call %d, %s: %v; want %v", n+1, op, kinds, whole.kinds)
						}
					})
				}
			}
		})
	}
}

// lose drops the answers to those calls, counted from one, for which it is told to.
func (w *wire) lose(lost func(n int, op string) bool) {
	var mu sync.Mutex
	n := 0
	w.set(func(c call, send func() (*http.Response, error)) (*http.Response, error) {
		mu.Lock()
		n++
		lost := lost(n, c.op)
		mu.Unlock()
		answer, err := send()
		if err == nil && lost {
			return nil, io.ErrUnexpectedEOF
		}
		return answer, err
	})
}

// When every answer is lost, the caller hears that nobody knows; who asks again
// under the same key gets the answer, and it was done once.
func TestAllAnswersLost(t *testing.T) {
	for _, p := range patterns {
		if !p.keyed {
			continue
		}
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, d *desk) {
				co := incorporate(t, d)
				before := d.kinds()
				d.wire.lose(func(_ int, op string) bool { return op == "TransactWriteItems" })
				ctx, _ := attempt(t.Context(), p.by(co), "key", "body")
				_, err := p.call(ctx, co, p.by(co))
				wants(t, "all lost", err, unreachable)
				synctest.Wait()
				d.calm()
				ctx, a := attempt(t.Context(), p.by(co), "key", "body")
				_, err = p.call(ctx, co, p.by(co))
				if p.variant == "a new member" { // the first try, of a member, was all that was made
					wants(t, "again", err)
					return
				}
				wants(t, "again", err, p.again()...)
				if after := d.kinds(); !a.Replayed || after["AUDIT"] != before["AUDIT"]+1 {
					t.Errorf("replayed: %v\n%v; before:\n%v", a.Replayed, after, before)
				}
			})
		})
	}
}

// killedAtAnyCall does something to copies of a table, so much later, and kills
// it at each of its calls in turn, before and after the call was carried out.
// then looks at what each time is left.
func (d *desk) killedAtAnyCall(t *testing.T, later time.Duration, do func(d *desk) error, then func(d *desk)) {
	killed := errors.New("killed")
	items, now := slices.Collect(maps.Values(d.all())), d.Now().Add(later)
	for _, after := range []bool{false, true} {
		for k, ended := 1, false; !ended; k++ {
			bubble(t, func(t *testing.T, d *desk) {
				for some := range slices.Chunk(items, 100) {
					var writes []write
					for _, i := range some {
						writes = append(writes, d.put(i))
					}
					d.raw(writes...)
				}
				d.walked = k%7 == 0 // looking at all takes longer than all else
				d.clock.pass(now.Sub(d.Now()))
				n := 0
				d.wire.set(func(_ call, send func() (*http.Response, error)) (*http.Response, error) {
					if n++; n == k && after {
						send()
					}
					if n >= k {
						return nil, killed
					}
					return send()
				})
				err := do(d)
				d.wire.set(nil)
				if ended = n < k; ended {
					if err != nil || k < 20 {
						t.Errorf("%d calls: %v", n, err)
					}
					return
				}
				if err == nil {
					t.Fatalf("killed at call %d, and no error", k)
				}
				if then(d); t.Failed() {
					t.Fatalf("killed at call %d", k)
				}
			})
			ended = ended || t.Failed()
		}
	}
}
