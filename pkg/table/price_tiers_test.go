package table

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/fault"
	"charter/pkg/pricing"
)

// tiers is the price list as one can read it, the default with a star.
func (d *desk) tiers(c caller.Caller) []string {
	d.t.Helper()
	list, err := Book{d.Table}.Tiers(context.Background(), c)
	wants(d.t, "tiers", err)
	names := []string{}
	for _, tier := range list.List() {
		name := string(tier.Name) + " " + string(tier.Currency)
		if tier.IsDefault {
			name += "*"
		}
		names = append(names, name)
	}
	return names
}

func (d *desk) wantsTiers(c caller.Caller, want ...string) {
	d.t.Helper()
	if got := d.tiers(c); !slices.Equal(got, want) {
		d.t.Errorf("the price list is %q; want %q", got, want)
	}
}

func TestPriceTiers(t *testing.T) {
	d := open(t)
	_, owner := d.founded("Acme Corp", "olive@acme.example")
	ctx, book := t.Context(), Book{d.Table}
	d.wantsTiers(owner)
	wants(t, "add", book.Add(ctx, owner, "Zinc", "EUR"))
	wants(t, "add", book.Add(ctx, owner, "straße", "USD"))
	wants(t, "add", book.Add(ctx, owner, "Gold", "JPY"))
	d.wantsTiers(owner, "Gold JPY", "straße USD", "Zinc EUR*")
	d.unchanged("what is refused", func() {
		for _, name := range []pricing.TierName{"ZINC", "STRASSE", " Ｇold "} {
			wants(t, string(name), book.Add(ctx, owner, name, "EUR"), pricing.NameTaken)
		}
		wants(t, "two things", book.Change(ctx, owner, "Tin", "gold", "EUR"), pricing.UnknownTier.In("OldName"), pricing.NameTaken.In("NewName"))
		wants(t, "itself", book.Remove(ctx, owner, "Gold", "GOLD"), pricing.ReplacesItself)
		wants(t, "unknown", book.Remove(ctx, owner, "Tin", "Lead"), pricing.UnknownTier, pricing.UnknownTier.In("ReplaceWith"))
	})
	wants(t, "another spelling", book.Change(ctx, owner, "zinc", "ZINC", "CHF"))
	wants(t, "another name", book.Change(ctx, owner, "Strasse", "Street", "GBP"))
	d.wantsTiers(owner, "Gold JPY", "Street GBP", "ZINC CHF*")
	wants(t, "the name that is free", book.Add(ctx, owner, "STRASSE", "EUR"))
	wants(t, "remove the default", book.Remove(ctx, owner, "Zinc", ""))
	wants(t, "remove with an heir", book.Remove(ctx, owner, "Street", "gold"))
	for _, name := range []pricing.TierName{"Gold", "strasse"} {
		wants(t, "remove", book.Remove(ctx, owner, name, ""))
	}
	d.wantsTiers(owner)
	wants(t, "begin again", book.Add(ctx, owner, "Zinc", "EUR"))
	d.wantsTiers(owner, "Zinc EUR*")
}

func TestMostPriceTiers(t *testing.T) {
	d := open(t)
	o, owner := d.founded("Acme Corp", "olive@acme.example")
	ctx, book := t.Context(), Book{d.Table}
	var list pricing.Tiers
	for n := range pricing.MaxTiers - 1 {
		list, _ = list.Add(fmt.Sprint("tier", n), pricing.TierName(fmt.Sprint("Tier ", n)), "EUR")
	}
	d.raw(d.put(tiersItem(o.ID, list, 7)))
	wants(t, "the last one", book.Add(ctx, owner, "Last", "EUR"))
	d.unchanged("one over the limit", func() {
		wants(t, "one over the limit", book.Add(ctx, owner, "One more", "EUR"), pricing.TooManyTiers)
	})
}

// The customers of a tier that took others over are all counted, and all go on
// to its heir.
func TestTierInUse(t *testing.T) {
	d := open(t)
	_, owner := d.founded("Acme Corp", "olive@acme.example")
	ctx, book, register := t.Context(), Book{d.Table}, Register{d.Table}
	wants(t, "add", book.Add(ctx, owner, "Heir", "EUR"))
	for n := range 7 {
		name := pricing.TierName(fmt.Sprint("Tier ", n))
		wants(t, "add", book.Add(ctx, owner, name, "USD"))
		for k := range 2 {
			_, err := register.Enter(ctx, owner, entry(customer.Number(fmt.Sprintf("%d%d", n, k)), name))
			wants(t, "enter", err)
		}
		wants(t, "replace", book.Remove(ctx, owner, name, "Heir"))
	}
	_, err := register.Enter(ctx, owner, entry("own", "heir"))
	wants(t, "enter", err)
	for _, c := range []string{"own", "00", "61"} {
		if got, err := register.Customer(ctx, owner, customer.Number(c)); err != nil || got.Tier.Name != "Heir" {
			t.Errorf("customer %s has %+v, %v", c, got.Tier, err)
		}
	}
	wants(t, "in use", book.Remove(ctx, owner, "Heir", ""), pricing.TierInUse(15))
	wants(t, "another", book.Add(ctx, owner, "Next", "GBP"))
	wants(t, "replace", book.Remove(ctx, owner, "Heir", "Next"))
	for n := range 7 {
		for k := range 2 {
			_, err := register.Enter(ctx, owner, entry(customer.Number(fmt.Sprintf("%d%d", n, k)), ""))
			wants(t, "enter without a tier", err)
		}
	}
	wants(t, "in use by one", book.Remove(ctx, owner, "Next", ""), pricing.TierInUse(1))
	_, err = register.Enter(ctx, owner, entry("own", ""))
	wants(t, "enter without a tier", err)
	wants(t, "no longer in use", book.Remove(ctx, owner, "Next", ""))
	d.wantsTiers(owner)
}

// Four who add one name at once: one does.
func TestAddAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		_, owner := d.founded("Acme Corp", "olive@acme.example")
		d.wire.lockstep()
		var added atomic.Int32
		together(4, func(n int) {
			err := Book{d.Table}.Add(t.Context(), owner, []pricing.TierName{"Gold", "GOLD"}[n%2], "EUR")
			if err == nil {
				added.Add(1)
				return
			}
			wants(t, "add", err, pricing.NameTaken)
		})
		d.calm()
		if len(d.tiers(owner)) != 1 || added.Load() != 1 {
			t.Errorf("%d added: %v", added.Load(), d.tiers(owner))
		}
	})
}

// A rename and a removal of one tier at once are made one after the other: if
// the rename was first, the removal finds no tier, and so the other way.
func TestRenameAndRemoveAtOnce(t *testing.T) {
	for range 5 {
		bubble(t, func(t *testing.T, d *desk) {
			_, owner := d.founded("Acme Corp", "olive@acme.example")
			ctx, book := t.Context(), Book{d.Table}
			wants(t, "add", book.Add(ctx, owner, "Gold", "EUR"))
			d.clock.pass(time.Millisecond)
			wants(t, "add", book.Add(ctx, owner, "Silver", "EUR"))
			d.clock.pass(time.Millisecond)
			d.wire.jitter()
			var errs [3]error
			together(3, func(n int) {
				switch n {
				case 0:
					errs[n] = book.Change(ctx, owner, "Gold", "Platinum", "USD")
				case 1:
					errs[n] = book.Remove(ctx, owner, "Gold", "")
				case 2:
					errs[n] = book.Add(ctx, owner, "Bronze", "EUR")
				}
			})
			d.calm()
			wants(t, "what has nothing to do with it", errs[2])
			if errs[0] == nil {
				wants(t, "remove after rename", errs[1], pricing.UnknownTier)
				d.wantsTiers(owner, "Bronze EUR", "Platinum USD*", "Silver EUR")
			} else {
				wants(t, "rename after remove", errs[0], pricing.UnknownTier.In("OldName"))
				wants(t, "remove", errs[1])
				d.wantsTiers(owner, "Bronze EUR", "Silver EUR*")
			}
		})
	}
}

// No customer is left with a tier that is gone, whoever is faster: those who
// enter customers with it, or move them to it and away, or who removes it.
func TestRemoveWhileCustomersAreEntered(t *testing.T) {
	t.Parallel()
	for round := range 12 {
		bubble(t, func(t *testing.T, d *desk) {
			_, owner := d.founded("Acme Corp", "olive@acme.example")
			ctx, book, register := t.Context(), Book{d.Table}, Register{d.Table}
			wants(t, "add", book.Add(ctx, owner, "Gold", "EUR"))
			wants(t, "add", book.Add(ctx, owner, "Silver", "EUR"))
			_, err := register.Enter(ctx, owner, entry("mover", "Silver"))
			wants(t, "enter", err)
			heir := []pricing.TierName{"", "Silver"}[round%2]
			if d.wire.jitter(); round < 4 {
				d.wire.lockstep()
			}
			var entered atomic.Int32
			var removed atomic.Bool
			together(6, func(n int) {
				if n == 0 {
					err := book.Remove(ctx, owner, "Gold", heir)
					if removed.Store(err == nil); heir == "" && errors.Is(err, fault.Invalid) {
						return // in use
					}
					wants(t, "remove", err)
					return
				}
				number := customer.Number(fmt.Sprint("C", n))
				if n == 1 {
					number = "mover"
				}
				if _, err := register.Enter(ctx, owner, entry(number, "gold")); err == nil {
					entered.Add(1)
				} else {
					wants(t, "enter", err, pricing.UnknownTier.In("pricing"))
				}
			})
			d.calm()
			if heir == "" && removed.Load() && entered.Load() > 0 {
				t.Errorf("removed without an heir, and %d customers entered", entered.Load())
			}
		})
	}
}
