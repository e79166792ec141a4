package mail_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"charter/pkg/fault"
	"charter/pkg/mail"
)

// outbox keeps letters by the contract of mail.Outbox.
type outbox struct {
	mu      sync.Mutex
	letters map[string]*order
	broken  error // of Sent and Failed
}

type order struct {
	letter   mail.Letter
	attempts int
	ordered  time.Time
	leased   time.Time // until
	failed   bool
}

func newOutbox(ids ...string) *outbox {
	o := &outbox{letters: map[string]*order{}}
	for _, id := range ids {
		o.letters[id] = &order{letter: mail.Letter{ID: id, Kind: mail.Welcome}}
	}
	return o
}

func (o *outbox) Claim(_ context.Context, id string) (mail.Letter, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch l, ok := o.letters[id]; {
	case !ok:
		return mail.Letter{}, fault.NotFound
	case l.failed:
		return mail.Letter{}, fault.Invalid
	case time.Now().Before(l.leased):
		return mail.Letter{}, fault.Conflict
	default:
		l.attempts++
		l.leased = time.Now().Add(mail.Lease)
		l.letter.Attempts = l.attempts
		return l.letter, nil
	}
}

func (o *outbox) Sent(ctx context.Context, l mail.Letter) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := errors.Join(ctx.Err(), o.broken); err != nil {
		return err
	}
	delete(o.letters, l.ID)
	return nil
}

func (o *outbox) Failed(ctx context.Context, l mail.Letter, final bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := errors.Join(ctx.Err(), o.broken); err != nil {
		return err
	}
	o.letters[l.ID].leased, o.letters[l.ID].failed = time.Time{}, final
	return nil
}

func (o *outbox) Waiting(_ context.Context, before time.Time) iter.Seq2[string, error] {
	return o.list(func(l *order) bool { return !l.failed && l.ordered.Before(before) })
}

func (o *outbox) GivenUp(context.Context, time.Time) iter.Seq2[string, error] {
	return o.list(func(l *order) bool { return l.failed })
}

func (o *outbox) list(which func(*order) bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		o.mu.Lock()
		var ids []string
		for id, l := range o.letters {
			if which(l) {
				ids = append(ids, id)
			}
		}
		err := o.broken
		o.mu.Unlock()
		slices.Sort(ids)
		if err != nil {
			yield("", err)
			return
		}
		for _, id := range ids {
			if !yield(id, nil) {
				return
			}
		}
	}
}

func (o *outbox) Revive(_ context.Context, id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l, ok := o.letters[id]; ok {
		l.failed = false
	}
	return nil
}

// sender is a mail system that answers with err, or as long as it takes.
type sender struct {
	mu   sync.Mutex
	sent []string
	err  error
	hang bool
}

func (s *sender) Send(ctx context.Context, l mail.Letter) error {
	if s.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.sent = append(s.sent, l.ID)
	return nil
}

func want(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error %v, want %v", err, target)
	}
}

func TestDeliver(t *testing.T) {
	o, s := newOutbox("a", "b"), &sender{}
	p := &mail.Postman{Outbox: o, Sender: s}
	for range 5 {
		for _, id := range []string{"a", "b", "never ordered"} {
			want(t, p.Deliver(t.Context(), id), nil)
		}
	}
	if fmt.Sprint(s.sent) != "[a b]" || len(o.letters) != 0 {
		t.Errorf("sent %v, left %v", s.sent, o.letters)
	}
}

func TestDeliverAtOnce(t *testing.T) {
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = fmt.Sprint("letter ", i)
	}
	o, s := newOutbox(ids...), &sender{}
	var all sync.WaitGroup
	for range 5 { // functions, each with its own postman
		p := &mail.Postman{Outbox: o, Sender: s}
		for _, id := range ids {
			all.Go(func() {
				if err := p.Deliver(t.Context(), id); err != nil && !errors.Is(err, mail.ErrLeased) {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if len(s.sent) != len(ids) || len(o.letters) != 0 {
		t.Errorf("sent %v, left %v", s.sent, o.letters)
	}
}

func TestDeliverPoison(t *testing.T) {
	for _, reason := range []error{mail.Unsendable("no such kind"), fault.Conflict} {
		o, s := newOutbox("a"), &sender{err: reason}
		p := &mail.Postman{Outbox: o, Sender: s}
		for range 3 {
			want(t, p.Deliver(t.Context(), "a"), mail.ErrPoison)
		}
		if l := o.letters["a"]; !l.failed || l.attempts != 1 {
			t.Errorf("%v: %+v, want one attempt and failed for good", reason, l)
		}
	}
}

func TestDeliverAfterAPassingFailure(t *testing.T) {
	passing := errors.New("sending is paused")
	o, s := newOutbox("a"), &sender{err: passing}
	p := &mail.Postman{Outbox: o, Sender: s}
	for range 2 {
		err := p.Deliver(t.Context(), "a")
		want(t, err, passing)
		if errors.Is(err, mail.ErrPoison) {
			t.Error("a passing failure is no poison")
		}
	}
	if l := o.letters["a"]; l.attempts != 2 || l.failed || !l.leased.IsZero() {
		t.Errorf("%+v, want two attempts and the lease given back", l)
	}
	s.err = nil
	want(t, p.Deliver(t.Context(), "a"), nil)
	if len(s.sent) != 1 || len(o.letters) != 0 {
		t.Errorf("sent %v, left %v", s.sent, o.letters)
	}
}

// A claim whose holder died holds the letter for the lease and no longer.
func TestDeliverAfterADeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := newOutbox("a"), &sender{}
		p := &mail.Postman{Outbox: o, Sender: s}
		if _, err := o.Claim(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		want(t, p.Deliver(t.Context(), "a"), mail.ErrLeased)
		time.Sleep(mail.Lease)
		want(t, p.Deliver(t.Context(), "a"), nil)
		if len(s.sent) != 1 {
			t.Errorf("sent %v", s.sent)
		}
	})
}

// A try ends within the lease, and its end is recorded though its time is up.
func TestDeliverInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := newOutbox("a"), &sender{hang: true}
		p := &mail.Postman{Outbox: o, Sender: s}
		want(t, p.Deliver(t.Context(), "a"), context.DeadlineExceeded)
		if l := o.letters["a"]; !l.leased.IsZero() {
			t.Errorf("%+v: the lease was not given back, or too late", l)
		}

		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		want(t, p.Deliver(short, "a"), context.DeadlineExceeded)
		if l := o.letters["a"]; !l.leased.IsZero() || l.attempts != 2 {
			t.Errorf("%+v: the lease was not given back after the caller's time was up", l)
		}
	})
}

// A letter that was taken is not sent again for want of a note of that.
func TestDeliverRecordsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the table does not answer")
		o, s := newOutbox("a"), &sender{}
		p := &mail.Postman{Outbox: o, Sender: s}
		o.broken = broken
		for range 3 {
			want(t, p.Deliver(t.Context(), "a"), broken)
			time.Sleep(mail.Lease)
		}
		o.broken = nil
		want(t, p.Deliver(t.Context(), "a"), nil)
		want(t, p.Deliver(t.Context(), "a"), nil)
		if len(s.sent) != 1 || len(o.letters) != 0 {
			t.Errorf("sent %v, left %v", s.sent, o.letters)
		}
	})
}

func TestDeliverReportsABrokenOutbox(t *testing.T) {
	broken, passing := errors.New("the table does not answer"), errors.New("sending is paused")
	o := newOutbox("a")
	o.broken = broken
	err := (&mail.Postman{Outbox: o, Sender: &sender{err: passing}}).Deliver(t.Context(), "a")
	want(t, err, broken)
	want(t, err, passing)
}
