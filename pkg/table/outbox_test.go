package table

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"charter/pkg/fault"
	"charter/pkg/mail"
)

// waiting is a table in which one letter waits.
func waiting(t *testing.T, d *desk) (Outbox, mail.Letter) {
	t.Helper()
	letter := mail.Letter{ID: "letter_1", Kind: mail.Invitation, To: addressOf("mary@shop.example"), Name: "Mary",
		Organization: "Acme Corp", Token: "token"}
	d.raw(d.put(letterItem(letter, d.Now())))
	return Outbox{d.Table}, letter
}

func TestClaim(t *testing.T) {
	d := open(t)
	outbox, letter := waiting(t, d)
	ctx := t.Context()
	got, err := outbox.Claim(ctx, letter.ID)
	wants(t, "claim", err)
	letter.Attempts = 1
	if got != letter {
		t.Errorf("claimed %+v; want %+v", got, letter)
	}
	d.clock.pass(mail.Lease - time.Millisecond)
	d.unchanged("a lease that stands", func() {
		_, err = outbox.Claim(ctx, letter.ID)
		wants(t, "claim", err, errLeased)
	})
	d.clock.pass(time.Millisecond)
	_, err = outbox.Claim(ctx, letter.ID)
	wants(t, "after the lease", err)
	wants(t, "give back", outbox.Failed(ctx, letter, false))
	_, err = outbox.Claim(ctx, letter.ID)
	wants(t, "what was given back", err)
	if n := d.all()[letterKey(letter.ID)].number("Attempts"); n != 3 {
		t.Errorf("%d attempts are counted; want 3", n)
	}
	for range 2 {
		wants(t, "sent", outbox.Sent(ctx, letter))
		wants(t, "failed after it was sent", outbox.Failed(ctx, letter, true))
		_, err = outbox.Claim(ctx, letter.ID)
		wants(t, "what was sent", err, errNoLetter)
	}
	if len(d.all()) != 0 {
		t.Errorf("the table holds %v", d.kinds())
	}
}

// A letter that failed for good stays, so that it never ends as a success, and
// leaves those that are due.
func TestLetterThatFailed(t *testing.T) {
	d := open(t)
	outbox, letter := waiting(t, d)
	_, err := outbox.Claim(t.Context(), letter.ID)
	wants(t, "claim", err)
	wants(t, "failed", outbox.Failed(t.Context(), letter, true))
	d.clock.pass(time.Hour)
	d.unchanged("a letter that failed", func() {
		_, err = outbox.Claim(t.Context(), letter.ID)
		wants(t, "claim", err, errGivenUp)
	})
	if i := d.all()[letterKey(letter.ID)]; i.text("FailedAt") == "" || i.text("DuePK") != givenUp || i["DueAt"] == nil || i["LeasedUntil"] != nil {
		t.Errorf("kept as %s", shown(tree(i)))
	}
}

// What stands in place of a letter and is none is given up with the first claim.
func TestLetterThatIsNone(t *testing.T) {
	for _, to := range []string{"", "nowhere", "a@b.example, c@d.example"} {
		d := open(t)
		outbox, letter := waiting(t, d)
		d.raw(d.put(letterItem(letter, d.Now()).set("To", str(to))))
		for range 2 {
			if _, err := outbox.Claim(t.Context(), letter.ID); !errors.Is(err, fault.Invalid) {
				t.Errorf("claimed a letter to %q: %v", to, err)
			}
		}
		if i := d.all()[letterKey(letter.ID)]; i.text("FailedAt") == "" {
			t.Errorf("a letter to %q still waits: %s", to, shown(tree(i)))
		}
	}
}

// One of all who claim a letter at once gets it.
func TestClaimAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		outbox, letter := waiting(t, d)
		d.wire.lockstep()
		var claimed atomic.Int32
		together(20, func(int) {
			if _, err := outbox.Claim(t.Context(), letter.ID); err == nil {
				claimed.Add(1)
			} else {
				wants(t, "claim", err, errLeased)
			}
		})
		if claimed.Load() != 1 {
			t.Errorf("%d claimed it", claimed.Load())
		}
	})
}
