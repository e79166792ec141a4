package mail_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"charter/pkg/mail"
)

// Letters that have waited for longer than the window are sent, younger ones
// are left to the stream, and those that failed for good to who asks for them.
//
// Tried with the control that it must catch: a redrive without its window.
func TestRedrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := newOutbox("failed", "old", "young"), &sender{}
		o.letters["failed"].ordered, o.letters["failed"].failed = time.Now(), true
		o.letters["old"].ordered = time.Now()
		time.Sleep(mail.Window + time.Second)
		o.letters["young"].ordered = time.Now()
		time.Sleep(time.Second)
		r := mail.Redrive{Postman: &mail.Postman{Outbox: o, Sender: s}, Now: time.Now}

		tally, err := r.Run(t.Context(), mail.Order{})
		if err != nil || tally != (mail.Tally{Delivered: 1}) || !slices.Equal(s.sent, []string{"old"}) {
			t.Errorf("%+v, %v, sent %v", tally, err, s.sent)
		}
		tally, err = r.Run(t.Context(), mail.Order{Failed: true})
		if err != nil || tally != (mail.Tally{Delivered: 1}) || !slices.Equal(s.sent, []string{"old", "failed"}) {
			t.Errorf("%+v, %v, sent %v", tally, err, s.sent)
		}
	})
}

// What does not go waits on, and does not keep the others from going.
//
// Tried with the control that it must catch: a tally that took it for delivered.
func TestRedriveLeavesLetters(t *testing.T) {
	o := newOutbox("a", "b")
	o.letters["a"].leased = time.Now().Add(time.Hour)
	r := mail.Redrive{Postman: &mail.Postman{Outbox: o, Sender: &sender{}}, Now: time.Now}
	tally, err := r.Run(t.Context(), mail.Order{})
	if err != nil || tally != (mail.Tally{Delivered: 1, Left: 1}) || len(o.letters) != 1 {
		t.Errorf("%+v, %v, left %v", tally, err, o.letters)
	}
	o.broken = errors.New("the table does not answer")
	if tally, err := r.Run(t.Context(), mail.Order{Failed: true}); !errors.Is(err, o.broken) || tally != (mail.Tally{}) {
		t.Errorf("%+v, %v", tally, err)
	}
}

// No letter is begun that could not be ended in time.
//
// Tried with the control that it must catch: letters begun until there was no time left.
func TestRedriveInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for n := range 100 {
			ids = append(ids, fmt.Sprintf("letter %02d", n))
		}
		o := newOutbox(ids...)
		r := mail.Redrive{Postman: &mail.Postman{Outbox: o, Sender: &sender{hang: true}}, Now: time.Now}
		time.Sleep(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		tally, err := r.Run(ctx, mail.Order{})
		if err != nil || !tally.Unfinished || tally.Delivered != 0 || tally.Left == 0 || ctx.Err() != nil {
			t.Errorf("%+v, %v, %v", tally, err, ctx.Err())
		}
		tried := 0
		for _, l := range o.letters {
			tried += l.attempts
		}
		if tried != tally.Left {
			t.Errorf("%d tries, %d letters left", tried, tally.Left)
		}
	})
}
