package table

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"charter/pkg/caller"
	"charter/pkg/idempotency"
	"charter/pkg/org"
)

// bereft fails for everything that still speaks of the organization or of the
// users, but for counters of attempts, which end within minutes.
func (d *desk) bereft(words ...string) {
	d.t.Helper()
	for k, i := range d.all() {
		if k.sk == "RATE" {
			continue
		}
		s := strings.ReplaceAll(k.pk+" | "+k.sk, sep, "#") + shown(tree(i))
		for _, word := range words {
			if strings.Contains(s, word) {
				d.t.Errorf("left of %s: %s", word, s)
			}
		}
	}
}

// All of an organization goes, whatever there is of it, and with it who belongs
// nowhere else; others lose nothing, and all that it had claimed is free.
//
// Tried with the controls that it must catch: Erase without a look at placed
// took the accounts of others, without links it left the sign-in of another
// issuer, without letterOf an invitation's letter.
func TestErase(t *testing.T) {
	d, ann := furnished(t)
	ctx, o, id := t.Context(), Operator{d.Table}, ann.OrganizationID
	wants(t, "invite", Team{d.Table}.Invite(ctx, ann, address(t, "zoe@acme.example"), org.Member))
	e, err := o.Survey(ctx, id)
	wants(t, "survey", err)
	if !slices.Equal(e.Leaving, []string{ann.UserID}) || e.Staying != 2 || e.Slug != "acme" || e.Counts["customers"] != 2 || e.Counts["letters"] == 0 {
		t.Errorf("%+v", e)
	}
	before := d.all()
	gone, err := o.Erase(ctx, id)
	wants(t, "erase", err)
	if !slices.Equal(gone, []string{ann.UserID}) {
		t.Errorf("gone: %v", gone)
	}
	d.bereft(id, ann.UserID, "acme.example", "Globex")
	after := d.all()
	for k := range before {
		if strings.Contains(k.pk, "bolt") && after[k] == nil && !strings.Contains(k.sk, id) && !strings.Contains(k.pk, id) {
			t.Errorf("gone of another: %s", strings.ReplaceAll(k.pk+" | "+k.sk, sep, "#"))
		}
	}
	for _, name := range []string{id, ann.OrgCode, "acme"} {
		_, err := o.Find(ctx, name)
		wants(t, name, err, NoOrganization)
	}
	_, err = o.Survey(ctx, id)
	wants(t, "survey", err, NoOrganization)
	again, _ := d.founded("Acme", "ann@acme.example")
	if again.Slug != "acme" {
		t.Errorf("the slug is %q", again.Slug)
	}
}

// An account goes with the last of its organizations, one that was made with an
// organization that its person has left as well; not one that a customer
// elsewhere is linked to.
//
// Tried with the control that it must catch: an estate that looks at members alone.
func TestEraseAccounts(t *testing.T) {
	d := open(t)
	ctx, o := t.Context(), Operator{d.Table}
	first, ann := d.founded("First", "ann@one.example")
	second, bob := d.founded("Second", "bob@two.example")
	link := func(c caller.Caller, user string) {
		t.Helper()
		_, _, err := Register{d.Table}.Associate(ctx, c, user, "1")
		wants(t, "associate", err)
	}
	leaves := func(c caller.Caller, user string) {
		t.Helper()
		wants(t, "dismiss", Team{d.Table}.Dismiss(ctx, c, user))
	}
	// Bob has left his own organization to eve, who belongs to the first one, too.
	d.founded("Third", "eve@three.example")
	eve := d.user("eve@three.example").ID
	wants(t, "promote", Directory{d.Table}.Promote(ctx, bob, addressOf("eve@three.example")))
	leaves(bob, bob.UserID)
	// Ann's customer is linked in the second one, where she is no member.
	d.founded("Fourth", "joe@four.example")
	joe := d.user("joe@four.example").ID
	link(ann, joe)
	eves := caller.Caller{UserID: eve, OrganizationID: second.ID, OrgCode: second.Code, Admin: true, Verified: true}
	link(eves, ann.UserID)
	leaves(eves, ann.UserID)

	gone, err := o.Erase(ctx, first.ID)
	wants(t, "erase", err)
	if len(gone) != 0 || d.user("ann@one.example").ID != ann.UserID {
		t.Errorf("gone: %v", gone)
	}
	gone, err = o.Erase(ctx, second.ID)
	wants(t, "erase", err)
	if !slices.Equal(gone, []string{bob.UserID}) || d.user("eve@three.example").ID != eve || d.user("joe@four.example").ID != joe {
		t.Errorf("gone: %v", gone)
	}
	d.bereft(second.ID, bob.UserID)
}

// Killed at any call, before or after it was carried out, it is gone for
// everybody or whole, is found by its slug until it is erased, and goes on where
// it was.
//
// Tried with the controls that it must catch: an Erase that deletes the claims
// first, and one that deletes members before their accounts.
func TestEraseKilledAtAnyCall(t *testing.T) {
	whole, ann := furnished(t)
	id := ann.OrganizationID
	erase := func(d *desk) error {
		_, err := Operator{d.Table}.Erase(d.t.Context(), id)
		return err
	}
	whole.killedAtAnyCall(t, 0, erase, func(d *desk) {
		found, err := Operator{d.Table}.Find(d.t.Context(), "acme")
		if err == nil && found == id {
			err = erase(d)
		} else if errors.Is(err, NoOrganization) {
			err = nil
		}
		wants(d.t, "once more", err)
		d.bereft(id, ann.UserID, "acme.example")
	})
}

// What was kept under an Idempotency-Key goes where it names the organization.
//
// Tried with the control that it must catch: a survey that does not look at outcomes.
func TestEraseOutcomes(t *testing.T) {
	d := open(t)
	o, c := d.founded("Acme", "ann@acme.example")
	for key, change := range map[string]org.Changes{"1": {City: new("Nairobi")}, "2": {Name: new("Acme Two")}} {
		ctx := idempotency.NewContext(t.Context(), &idempotency.Attempt{Subject: c.Subject(), Route: "PUT /api/organization", Key: key, Body: []byte("{}")})
		_, err := Directory{d.Table}.Change(ctx, c, change)
		wants(t, "change", err)
	}
	_, err := Operator{d.Table}.Erase(t.Context(), o.ID)
	wants(t, "erase", err)
	d.bereft(o.ID, "Nairobi", "Acme")
}
