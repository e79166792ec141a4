package table

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"charter/pkg/fault"
	"charter/pkg/local/dynamo"
	"charter/pkg/org"
)

func TestAccount(t *testing.T) {
	d := open(t)
	co, ctx, directory := incorporate(t, d), t.Context(), Directory{d.Table}
	account, err := directory.Account(ctx, addressOf("MARY@Shop.example"), "192.0.2.1")
	wants(t, "account", err)
	if account.ID != co.member.ID || account.Person != co.member.Person || account.PasswordHash != "$argon2id$of-nobody" {
		t.Errorf("the account %+v", account)
	}
	codes := map[string]bool{}
	for _, m := range account.Memberships {
		codes[m.Code] = true
		if standing, err := directory.Standing(ctx, account.ID, m.OrganizationID); err != nil || standing.Code != m.Code {
			t.Errorf("stands in %+v as %+v, %v", m, standing, err)
		}
	}
	if len(codes) != 2 || !codes[co.Code] {
		t.Errorf("belongs to %v", account.Memberships)
	}
	_, err = directory.Standing(ctx, account.ID, "org_00000000000000000000000000")
	wants(t, "an organization that is gone", err, org.Gone)
	_, err = directory.Account(ctx, addressOf("nobody@shop.example"), "192.0.2.1")
	wants(t, "nobody's e-mail", err, org.UnknownAccount)
}

// Who is unknown costs the same calls as who is known, so the time tells nothing.
func TestUnknownTakesAsLong(t *testing.T) {
	d := open(t)
	co := incorporate(t, d)
	for _, p := range patterns {
		if p.name != "Directory.Account" && p.name != "Directory.Client" {
			continue
		}
		ops := func(call callFunc, want ...fault.Fault) string {
			ops := map[string]int{}
			for _, c := range d.wire.during(func() {
				_, err := call(t.Context(), co, p.by(co))
				wants(t, p.name, err, want...)
			}) {
				ops[c.op]++
			}
			return fmt.Sprint(ops)
		}
		if known, unknown := ops(p.call), ops(p.refused, p.faults...); known != unknown {
			t.Errorf("%s: %s; for who is unknown %s", p.name, known, unknown)
		}
	}
}

// Attempts are counted within a minute of the clock: 10 for an e-mail from one
// source, 100 for an e-mail, 10 for an API client; right and wrong alike.
//
// Tried with the control that it must catch: a count that refused one attempt too early.
func TestRates(t *testing.T) {
	d := open(t)
	co, ctx, directory := incorporate(t, d), t.Context(), Directory{d.Table}
	d.clock.pass(d.Now().Truncate(time.Minute).Add(time.Minute + 40*time.Second).Sub(d.Now()))
	refused := func(what string, err error) {
		t.Helper()
		wants(t, what, err, org.TooManyAttempts)
		if faults, _ := fault.All(err); len(faults) == 1 && faults[0].RetryAfter != 20*time.Second {
			t.Errorf("%s: come back after %v; want 20s, when the minute ends", what, faults[0].RetryAfter)
		}
	}
	email := func(email, source string) error {
		_, err := directory.Account(ctx, addressOf(email), source)
		return err
	}
	for n := range 100 { // from ten sources
		wants(t, "an attempt", email([]string{"mary@shop.example", "MARY@shop.example"}[n%2], fmt.Sprint("192.0.2.", n/10)))
	}
	refused("the 101st from everywhere", email("mary@shop.example", "198.51.100.1"))
	refused("the 11th from a source", email("mary@shop.example", "192.0.2.0"))
	for range 10 {
		wants(t, "nobody's", email("nobody@shop.example", "192.0.2.0"), org.UnknownAccount)
	}
	refused("the 11th for nobody", email("nobody@shop.example", "192.0.2.0"))
	wants(t, "from another source", email("nobody@shop.example", "192.0.2.1"), org.UnknownAccount)
	wants(t, "another e-mail", email("stan@shop.example", "192.0.2.0"))
	for _, id := range []string{co.spare.ID, "client_of_nobody"} {
		for range 10 {
			_, err := directory.Client(ctx, id, "192.0.2.1")
			if id == co.spare.ID {
				wants(t, "a client", err)
			} else {
				wants(t, "nobody's client", err, org.UnknownClient)
			}
		}
		_, err := directory.Client(ctx, id, "192.0.2.1")
		refused("the 11th of a client", err)
	}
	d.clock.pass(20 * time.Second)
	wants(t, "the next minute", email("mary@shop.example", "192.0.2.0"))
	_, err := directory.Client(ctx, co.spare.ID, "192.0.2.1")
	wants(t, "a client in the next minute", err)
	for k, i := range d.all() {
		counter := shown(tree(i))
		told := strings.Contains(counter, "192.0.2") || strings.Contains(counter, "shop")
		if strings.HasPrefix(k.pk, "RATE") && (told || i.number("ExpiresAt") <= d.Now().Unix()) {
			t.Errorf("a counter that is swept too early or tells whose it is: %s", counter)
		}
	}
}

// Attempts at once are counted each: to sign in, to found an organization, and
// to found one whose name is taken. A transaction takes 10 ms, and meanwhile cancels all
// others, as they name the counter of one address.
//
// Tried with the control that it must catch: a counting without its condition.
func TestRatesAtOnce(t *testing.T) {
	const attempts, most = 30, 10
	for what, c := range map[string]struct {
		limits  Limits // but for those of 0
		attempt func(d *desk, n int) error
		want    []fault.Fault
	}{
		"sign in": {Limits{PerEmailAndAddress: most}, func(d *desk, _ int) error {
			_, err := Directory{d.Table}.Account(d.t.Context(), addressOf("mary@shop.example"), "192.0.2.1")
			return err
		}, nil},
		"found": {Limits{PerAddress: most}, func(d *desk, n int) error {
			_, err := d.found(fmt.Sprintf("Branch %d", n), fmt.Sprintf("n%d@shop.example", n))
			return err
		}, nil},
		"found for one e-mail": {Limits{PerEmail: most}, func(d *desk, n int) error {
			_, err := d.found(fmt.Sprintf("Branch %d", n), "new@shop.example")
			return err
		}, nil},
		"found in vain": {Limits{PerAddress: most, PerEmail: most}, func(d *desk, n int) error {
			_, err := d.found("Acme Corp", fmt.Sprintf("n%d@shop.example", n))
			return err
		}, []fault.Fault{org.NameTaken}},
	} {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(t *testing.T, d *desk) {
				incorporate(t, d)
				d.clock.pass(time.Minute)
				d.Limits = Limits{PerAddress: cmp.Or(c.limits.PerAddress, attempts), PerEmail: cmp.Or(c.limits.PerEmail, attempts),
					PerEmailAndAddress: cmp.Or(c.limits.PerEmailAndAddress, attempts)}
				d.wire.lockstep()
				var ongoing atomic.Bool
				d.engine.Inject(func(op string, _ int) error {
					if op != "TransactWriteItems" {
						return nil
					}
					if !ongoing.CompareAndSwap(false, true) {
						return dynamo.CancelWith("TransactionConflict")
					}
					time.AfterFunc(10*time.Millisecond, func() { ongoing.Store(false) })
					return nil
				})
				var errs [attempts]error
				together(attempts, func(n int) {
					for again := true; again; again = errors.Is(errs[n], fault.Unavailable) { // as its caller would
						errs[n] = c.attempt(d, n)
					}
				})
				passed := 0
				for _, err := range errs {
					if !errors.Is(err, org.TooManyAttempts) {
						wants(t, "attempt", err, c.want...)
						passed++
					}
				}
				if passed != most {
					t.Errorf("%d of %d attempts passed; want %d", passed, attempts, most)
				}
				d.calm()
			})
		})
	}
}
