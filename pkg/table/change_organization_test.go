package table

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/mail"
	"charter/pkg/org"
)

func TestChange(t *testing.T) {
	d := open(t)
	ctx, directory := t.Context(), Directory{d.Table}
	o, owner := d.founded("Acme Corp", "olive@acme.example")
	d.founded("Other Corp", "otto@other.example")
	wants(t, "a tier", Book{d.Table}.Add(ctx, owner, gold, "EUR"))
	d.clock.pass(time.Minute)

	name, city, none := "ACME corp", "Elsewhere", mail.Address{}
	r, err := directory.Change(ctx, owner, org.Changes{Name: &name, City: &city, Email: &none})
	wants(t, "another spelling of the own name", err)
	want := o
	want.Name, want.City, want.Email, want.UpdatedAt = name, city, none, d.Now()
	if r.Organization != want || len(r.Tiers.Live) != 1 || len(r.Subscriptions) != 1 {
		t.Errorf("changed to %+v; want %+v", r, want)
	}
	if read, err := directory.Record(ctx, owner); err != nil || read.Organization != want {
		t.Errorf("reads %+v, %v; want %+v", read.Organization, err, want)
	}

	name = "Renamed"
	_, err = directory.Change(ctx, owner, org.Changes{Name: &name})
	wants(t, "another name", err)
	_, err = d.found("Acme corp", "anna@acme.example")
	wants(t, "the name that is free", err)
	d.unchanged("a name that is taken", func() {
		for _, taken := range []string{"other CORP", "Acme Corp"} {
			_, err = directory.Change(ctx, owner, org.Changes{Name: &taken, City: &name})
			wants(t, taken, err, org.NameTaken)
		}
	})
}

// Of all who want one name at once one gets it; the names that they had stay
// theirs, and that of the winner is free.
func TestChangesToOneName(t *testing.T) {
	const companies = 10
	bubble(t, func(t *testing.T, d *desk) {
		var owners [companies]caller.Caller
		for n := range companies {
			_, owners[n] = d.founded(fmt.Sprint("Company ", n), fmt.Sprintf("n%d@same.example", n))
		}
		d.wire.lockstep()
		var won, winner atomic.Int32
		name := "Wanted"
		together(companies, func(n int) {
			if _, err := (Directory{d.Table}).Change(t.Context(), owners[n], org.Changes{Name: &name}); err == nil {
				won.Add(1)
				winner.Store(int32(n))
			} else {
				wants(t, "a loser", err, org.NameTaken)
			}
		})
		d.calm()
		if kinds := d.kinds(); won.Load() != 1 || kinds["NAME"] != companies {
			t.Errorf("%d won; %v", won.Load(), kinds)
		}
		_, err := d.found(fmt.Sprint("company ", winner.Load()), "new@same.example")
		wants(t, "the name that is free", err)
	})
}

// Changes of one organization at once are all made, one after the other, and
// only the last name stays claimed.
func TestChangesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		o, owner := d.founded("Acme Corp", "olive@acme.example")
		d.wire.lockstep()
		together(4, func(n int) {
			value := fmt.Sprint("Value ", n)
			changes := []org.Changes{{Name: &value}, {City: &value}, {Name: &value, Phone: &value}, {Website: &value}}[n]
			_, err := Directory{d.Table}.Change(t.Context(), owner, changes)
			wants(t, "change", err)
		})
		d.calm()
		r, err := Directory{d.Table}.Record(t.Context(), owner)
		wants(t, "read", err)
		if r.City != "Value 1" || r.Phone != "Value 2" || r.Website != "Value 3" || r.Name == o.Name {
			t.Errorf("a change was lost: %+v", r.Organization)
		}
		if kinds := d.kinds(); kinds["NAME"] != 1 {
			t.Errorf("%d names are claimed", kinds["NAME"])
		}
	})
}
