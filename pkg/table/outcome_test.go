package table

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/idempotency"
	"charter/pkg/org"
)

// attempt is a context of a request with the key, or with none for "".
func attempt(ctx context.Context, c caller.Caller, key, body string) (context.Context, *idempotency.Attempt) {
	if key == "" {
		return ctx, &idempotency.Attempt{}
	}
	a := &idempotency.Attempt{Subject: c.Subject(), Route: "POST /something", Key: key, Body: []byte(body)}
	return idempotency.NewContext(ctx, a), a
}

// again is what a repeat of the pattern hears.
func (p pattern) again() []fault.Fault {
	if p.name == "Directory.AddClient" {
		return []fault.Fault{org.NotKept}
	}
	return nil
}

const sentKey, sentBody = "the-key-as-it-was-sent", "the body with its password"

// The same key and body get the first answer again and change nothing, another
// body is refused, and after a day the key is a new one.
func TestOutcomeIsKept(t *testing.T) {
	for _, p := range patterns {
		if !p.keyed {
			continue
		}
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, d *desk) {
				co := incorporate(t, d)
				c := p.by(co)
				ctx, a := attempt(t.Context(), c, sentKey, sentBody)
				first, err := p.call(ctx, co, c)
				wants(t, "the first", err)
				if a.Replayed {
					t.Error("the first is a replay")
				}
				d.clock.pass(idempotency.Window - 1e9)
				d.unchanged("a repeat", func() {
					ctx, a := attempt(t.Context(), c, sentKey, sentBody)
					second, err := p.call(ctx, co, c)
					wants(t, "a repeat", err, p.again()...)
					if !a.Replayed || err == nil && second != first {
						t.Errorf("replayed: %v\n%s; want\n%s", a.Replayed, second, first)
					}
					ctx, a = attempt(t.Context(), c, sentKey, "another body")
					_, err = p.call(ctx, co, c)
					wants(t, "another body", err, idempotency.Reused)
					if a.Replayed {
						t.Error("another body is a replay")
					}
				})
				if p.again() != nil {
					d.recordsAreSilent(strings.Fields(first)...) // a secret, which nothing may tell again
				}
				d.recordsAreSilent()
				d.clock.pass(1e9)
				ctx, a = attempt(t.Context(), c, sentKey, "another body")
				if _, err = p.call(ctx, co, c); a.Replayed || errors.Is(err, idempotency.Reused) {
					t.Errorf("after a day: %v, replayed: %v", err, a.Replayed)
				}
			})
		})
	}
}

// recordsAreSilent checks that no record tells what was sent under it, but for
// its result, and no result tells who anybody is or how they sign in; nor does
// any hold the words in more.
func (d *desk) recordsAreSilent(more ...string) {
	d.t.Helper()
	records := 0
	for k, i := range d.all() {
		if !strings.HasPrefix(k.pk, "IDEMPOTENCY") {
			continue
		}
		records++
		record := shown(tree(i))
		for _, word := range append(more, sentKey, sentBody, "horse", "argon2id", "Firstname", "Lastname", "@shop.example", "@new.example") {
			if strings.Contains(record, word) {
				d.t.Errorf("a record holds %q: %s", word, record)
			}
		}
	}
	if records != 1 {
		d.t.Errorf("%d records; want 1", records)
	}
}

// The same holds for a refusal, even once what was asked would be granted.
func TestRefusalIsKept(t *testing.T) {
	for _, p := range patterns {
		if !p.keyed || p.refused == nil {
			continue
		}
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, d *desk) {
				co := incorporate(t, d)
				c := p.by(co)
				ctx, a := attempt(t.Context(), c, sentKey, sentBody)
				_, err := p.refused(ctx, co, c)
				wants(t, "the first", err, p.faults...)
				if a.Replayed {
					t.Error("the first is a replay")
				}
				d.unchanged("a repeat", func() {
					ctx, a := attempt(t.Context(), c, sentKey, sentBody)
					_, err := p.call(ctx, co, c)
					wants(t, "a repeat", err, p.faults...)
					if !a.Replayed {
						t.Error("a repeat is no replay")
					}
					ctx, _ = attempt(t.Context(), c, sentKey, "another body")
					_, err = p.call(ctx, co, c)
					wants(t, "another body", err, idempotency.Reused)
				})
				d.recordsAreSilent()
				ctx, _ = attempt(t.Context(), c, "another key", sentBody)
				_, err = p.call(ctx, co, c)
				wants(t, "another key", err)
			})
		})
	}
}

// Two at once with one key are one change with one answer.
func TestTwoAtOnceUnderOneKey(t *testing.T) {
	for _, p := range patterns {
		if !p.keyed {
			continue
		}
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, d *desk) {
				co := incorporate(t, d)
				before := d.kinds()
				d.wire.lockstep()
				var answers [2]string
				var errs [2]error
				var replays atomic.Int32
				together(2, func(n int) {
					ctx, a := attempt(t.Context(), p.by(co), sentKey, sentBody)
					if answers[n], errs[n] = p.call(ctx, co, p.by(co)); a.Replayed {
						replays.Add(1)
						wants(t, "the replay", errs[n], p.again()...)
					} else {
						wants(t, "the change", errs[n])
					}
				})
				if replays.Load() != 1 || p.again() == nil && answers[0] != answers[1] {
					t.Errorf("%d replays\n%s\n%s", replays.Load(), answers[0], answers[1])
				}
				d.calm()
				if after := d.kinds(); after["AUDIT"] != before["AUDIT"]+1 || after["IDEMPOTENCY"] != 1 {
					t.Errorf("%v; before: %v", after, before)
				}
			})
		})
	}
}
