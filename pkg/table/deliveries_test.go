package table

import (
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"charter/pkg/local/dynamo"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// listed are all ids, until there is an error.
func listed(ids iter.Seq2[string, error]) (all []string, err error) {
	for id, err := range ids {
		if err != nil {
			return all, err
		}
		all = append(all, id)
	}
	return all, nil
}

// welcomes are the deliveries of the admins' letters, by name.
func (d *desk) welcomes(c org.Directory, as func() ([]org.Administrator, error)) map[string]mail.Delivery {
	d.t.Helper()
	admins, err := as()
	if err != nil {
		d.t.Fatal(err)
	}
	found := map[string]mail.Delivery{}
	for _, a := range admins {
		found[a.Email.String()] = a.Welcome
	}
	return found
}

// How far a letter has come is noted with the admin whom it welcomes: with each
// try, with its end, and when it waits again.
//
// Tried with the control that it must catch: a letter that was sent and noted as queued.
func TestWelcomeIsNoted(t *testing.T) {
	d := open(t)
	_, ann := d.founded("Acme", "ann@acme.example")
	directory, outbox, ctx := Directory{d.Table}, Outbox{d.Table}, t.Context()
	is := func(what string, want mail.Delivery) {
		t.Helper()
		if got := d.welcomes(directory, func() ([]org.Administrator, error) { return directory.Admins(ctx, ann) })["ann@acme.example"]; got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	ids, err := listed(outbox.Waiting(ctx, d.Now().Add(time.Second)))
	wants(t, "waiting", err)
	if len(ids) != 1 {
		t.Fatalf("%v wait", ids)
	}
	is("ordered", mail.Delivery{Status: mail.Queued, UpdatedAt: d.Now()})
	claim := func() mail.Letter {
		t.Helper()
		d.clock.pass(time.Minute)
		l, err := outbox.Claim(ctx, ids[0])
		wants(t, "claim", err)
		return l
	}
	l := claim()
	wants(t, "failed", outbox.Failed(ctx, l, false))
	is("tried once", mail.Delivery{Status: mail.Queued, Attempts: 1, UpdatedAt: d.Now()})
	claim() // by somebody who died
	l = claim()
	wants(t, "failed for good", outbox.Failed(ctx, l, true))
	is("failed for good", mail.Delivery{Status: mail.Failed, Attempts: 3, UpdatedAt: d.Now()})
	d.clock.pass(time.Minute)
	wants(t, "revive", outbox.Revive(ctx, l.ID))
	is("revived", mail.Delivery{Status: mail.Queued, Attempts: 3, UpdatedAt: d.Now()})
	d.unchanged("one that has not failed", func() { wants(t, "revive", outbox.Revive(ctx, l.ID)) })
	l = claim()
	wants(t, "sent", outbox.Sent(ctx, l))
	is("sent", mail.Delivery{Status: mail.Sent, Attempts: 4, UpdatedAt: d.Now()})
	d.unchanged("one that is gone", func() { wants(t, "revive", outbox.Revive(ctx, l.ID)) })
}

// A letter's end is noted with nobody else: not with an admin who is none any
// more, and not with one who has a newer letter.
//
// Tried with the control that it must catch: a note whatever letter the admin has.
func TestWelcomeOfAnother(t *testing.T) {
	d := open(t)
	_, ann := d.founded("Acme", "ann@acme.example")
	d.founded("Bolt", "bob@bolt.example")
	directory, outbox, ctx := Directory{d.Table}, Outbox{d.Table}, t.Context()
	bob := d.user("bob@bolt.example")
	promoted := func(before string) mail.Letter {
		t.Helper()
		wants(t, "promote", directory.Promote(ctx, ann, bob.Email))
		for k, i := range d.all() {
			if k.sk == "LETTER" && i.text("UserId") == bob.ID && i.text("OrganizationId") == ann.OrganizationID && i.text("LetterId") != before {
				l, err := outbox.Claim(ctx, i.text("LetterId"))
				wants(t, "claim", err)
				return l
			}
		}
		t.Fatal("no letter")
		return mail.Letter{}
	}
	first := promoted("")
	wants(t, "demote", directory.Demote(ctx, ann, bob.ID))
	wants(t, "failed", outbox.Failed(ctx, first, false))
	if _, there := d.all()[adminKey(ann.OrganizationID, bob.ID)]; there {
		t.Error("a letter has made an admin")
	}
	second := promoted(first.ID)
	wants(t, "sent", outbox.Sent(ctx, first))
	status := func() mail.Delivery { return readDelivery(d.all()[adminKey(ann.OrganizationID, bob.ID)]) }
	if got := status(); got.Status != mail.Queued || got.Attempts != 0 {
		t.Errorf("the newer letter is %+v", got)
	}
	wants(t, "sent", outbox.Sent(ctx, second))
	if got := status(); got.Status != mail.Sent || got.Attempts != 1 {
		t.Errorf("the newer letter is %+v", got)
	}
}

// Letters are listed page after page, the oldest first.
func TestLettersAreListed(t *testing.T) {
	d := open(t)
	outbox, ctx := Outbox{d.Table}, t.Context()
	var all []string
	for n := range 250 {
		l := mail.Letter{ID: fmt.Sprintf("letter_%03d", n), Kind: mail.Invitation, To: addressOf("mary@shop.example"), Token: "token"}
		all = append(all, l.ID)
		d.raw(d.put(letterItem(l, d.Now())))
		d.clock.pass(time.Second)
	}
	ids, err := listed(outbox.Waiting(ctx, d.Now()))
	wants(t, "waiting", err)
	if !slices.Equal(ids, all) {
		t.Errorf("%d wait: %v", len(ids), ids)
	}
	ids, err = listed(outbox.Waiting(ctx, d.Now().Add(-100*time.Second)))
	wants(t, "waiting", err)
	if !slices.Equal(ids, all[:150]) {
		t.Errorf("%d wait for long: %v", len(ids), ids)
	}
	for _, id := range all[:120] {
		wants(t, "failed", outbox.Failed(ctx, mail.Letter{ID: id}, true))
	}
	d.clock.pass(time.Second)
	ids, err = listed(outbox.GivenUp(ctx, d.Now()))
	wants(t, "given up", err)
	if slices.Sort(ids); !slices.Equal(ids, all[:120]) {
		t.Errorf("%d were given up: %v", len(ids), ids)
	}
}

// What the index shows late is only late.
func TestLettersAreListedLate(t *testing.T) {
	d := open(t)
	outbox, ctx := Outbox{d.Table}, t.Context()
	for n := range 3 {
		d.raw(d.put(letterItem(mail.Letter{ID: fmt.Sprint("letter_", n), Kind: mail.Invitation, To: addressOf("mary@shop.example"), Token: "token"}, d.Now())))
	}
	d.clock.pass(time.Second)
	embedded := d.engine.(*dynamo.Engine)
	embedded.Lag(1000)
	wants(t, "failed", outbox.Failed(ctx, mail.Letter{ID: "letter_0"}, true))
	waiting := func(want int) {
		t.Helper()
		ids, err := listed(outbox.Waiting(ctx, d.Now()))
		if wants(t, "waiting", err); len(ids) != want {
			t.Errorf("%v wait; want %d", ids, want)
		}
	}
	waiting(3)
	embedded.Lag(0)
	waiting(2)
}
