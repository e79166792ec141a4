package table

import (
	"testing"
	"time"

	"charter/pkg/mail"
	"charter/pkg/org"
)

// A letter to an address that is marked, however it is written, ends as failed
// and is sent by nobody; once the mark is forgotten, the next one is.
//
// Tried with controls that it must catch: a Claim that does not look for the
// mark, and a mark under the address as it is written.
func TestMarkedAddressGetsNoLetters(t *testing.T) {
	d := open(t)
	_, ann := d.founded("Acme", "ann@acme.example")
	directory, outbox, ctx := Directory{d.Table}, Outbox{d.Table}, t.Context()
	mark := mail.Letter{ID: "letter_of_before", To: addressOf("ANN@acme.example")}
	wants(t, "mark", outbox.Mark(ctx, mark, mail.Complained))
	wants(t, "mark again", outbox.Mark(ctx, mark, mail.Bounced))
	ids, err := listed(outbox.Waiting(ctx, d.Now().Add(time.Second)))
	wants(t, "waiting", err)
	for range 2 {
		_, err = outbox.Claim(ctx, ids[0])
		wants(t, "claim", err, errNoLetter)
	}
	want := mail.Delivery{Status: mail.Failed, Attempts: 1, UpdatedAt: d.Now()}
	if got := d.welcomes(directory, func() ([]org.Administrator, error) { return directory.Admins(ctx, ann) })["ann@acme.example"]; got != want {
		t.Errorf("the letter is %+v, want %+v", got, want)
	}
	if n := d.kinds()["LETTER"]; n != 0 {
		t.Errorf("%d letters are left", n)
	}
	for range 2 {
		wants(t, "forget", outbox.Forget(ctx, addressOf("ann@ACME.example")))
	}
	outbox, letter := waiting(t, d)
	wants(t, "mark another", outbox.Mark(ctx, mark, mail.Bounced))
	_, err = outbox.Claim(ctx, letter.ID)
	wants(t, "claim of a letter to another", err)
}

// A letter that comes back has failed for its admin, whether or not its sender
// has noted yet that it went; not for an admin who has a newer letter.
//
// Tried with controls that it must catch: a sender that notes over what came
// back, and a return that is noted whichever letter it is of.
func TestLetterThatCameBack(t *testing.T) {
	d := open(t)
	_, ann := d.founded("Acme", "ann@acme.example")
	directory, outbox, ctx := Directory{d.Table}, Outbox{d.Table}, t.Context()
	status := func() mail.Delivery {
		t.Helper()
		return d.welcomes(directory, func() ([]org.Administrator, error) { return directory.Admins(ctx, ann) })["ann@acme.example"]
	}
	ids, err := listed(outbox.Waiting(ctx, d.Now().Add(time.Second)))
	wants(t, "waiting", err)
	l, err := outbox.Claim(ctx, ids[0])
	wants(t, "claim", err)
	other := mail.ReadTags(l.To, l.Tags())
	other.ID = "letter_else"
	wants(t, "another came back", outbox.Mark(ctx, other, mail.Bounced))
	if got := status(); got.Status != mail.Queued {
		t.Errorf("another letter has made it %+v", got)
	}
	wants(t, "came back", outbox.Mark(ctx, mail.ReadTags(l.To, l.Tags()), mail.Bounced))
	want := mail.Delivery{Status: mail.Failed, UpdatedAt: d.Now()}
	if got := status(); got != want {
		t.Errorf("it is %+v, want %+v", got, want)
	}
	wants(t, "sent", outbox.Sent(ctx, l))
	if got := status(); got != want {
		t.Errorf("sent after that it is %+v, want %+v", got, want)
	}
}
