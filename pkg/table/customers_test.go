package table

import (
	"fmt"
	"testing"
	"time"

	"charter/pkg/customer"
	"charter/pkg/mail"
	"charter/pkg/pricing"
)

func TestEnter(t *testing.T) {
	d := open(t)
	co, ctx, register := incorporate(t, d), t.Context(), Register{d.Table}
	e := entry("No. 7 / ä", gold)
	e.Currency = "CHF"
	entered, err := register.Enter(ctx, co.client, e)
	wants(t, "enter", err)
	if entered.Number != e.Number || entered.CompanyName != e.CompanyName || entered.CompanyEmail != e.CompanyEmail || !entered.Active ||
		entered.Tier.Name != gold || entered.Currency != "CHF" || !entered.CreatedAt.Equal(d.Now()) {
		t.Errorf("entered %+v", entered)
	}
	if read, err := register.Customer(ctx, co.admin, e.Number); err != nil || read != entered {
		t.Errorf("reads %+v, %v; want %+v", read, err, entered)
	}
	d.clock.pass(time.Hour)
	replaced, err := register.Enter(ctx, co.owner, customer.Entry{Number: e.Number, CompanyName: "Other"})
	wants(t, "replace", err)
	want := customer.Customer{Number: e.Number, CompanyName: "Other", CreatedAt: entered.CreatedAt, UpdatedAt: d.Now()}
	if read, err := register.Customer(ctx, co.admin, e.Number); err != nil || read != want || replaced != want {
		t.Errorf("replaced by %+v, reads %+v, %v; want %+v", replaced, read, err, want)
	}
	if !replaced.CompanyEmail.IsZero() || replaced.CompanyEmail != (mail.Address{}) {
		t.Errorf("the e-mail stays: %v", replaced.CompanyEmail)
	}
	d.unchanged("what is refused", func() {
		_, err = register.Enter(ctx, co.owner, entry("1001", "Iron"))
		wants(t, "an unknown tier", err, pricing.UnknownTier.In("pricing"))
		for _, n := range []customer.Number{"1002", "NO. 7 / ä", "no. 7 / ä"} {
			_, err = register.Customer(ctx, co.owner, n)
			wants(t, "an unknown number", err, customer.Unknown)
		}
	})
	_, owner := d.founded("Other Corp", "otto@other.example")
	_, err = register.Customer(ctx, owner, e.Number)
	wants(t, "another organization's customer", err, customer.Unknown)
	wants(t, "rename the tier", Book{d.Table}.Change(ctx, co.owner, gold, "Platinum", "JPY"))
	if read, err := register.Customer(ctx, co.owner, "1001"); err != nil || read.Tier.Name != "Platinum" || read.Tier.Currency != "JPY" {
		t.Errorf("the tier of a customer after a rename: %+v, %v", read.Tier, err)
	}
}

// One customer entered by many at once is as the last one left it, and counted
// once, whichever tiers it had meanwhile.
func TestEnterAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		co := incorporate(t, d)
		d.wire.jitter()
		together(6, func(n int) {
			tier := []pricing.TierName{gold, silver, bronze, ""}[n%4]
			_, err := Register{d.Table}.Enter(t.Context(), co.owner, entry("1001", tier))
			wants(t, "enter", err)
			_, err = Register{d.Table}.Enter(t.Context(), co.owner, entry(customer.Number(fmt.Sprint(n)), tier))
			wants(t, "enter", err)
		})
		d.calm()
		if kinds := d.kinds(); kinds["CUSTOMERS"] != 7 {
			t.Errorf("%v", kinds)
		}
	})
}
