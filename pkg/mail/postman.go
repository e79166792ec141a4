package mail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"charter/pkg/fault"
)

// Postman delivers letters from an outbox: at least once each, and twice only
// when the mail system took a letter and its answer, or this process, was lost
// before that could be written down.
type Postman struct {
	Outbox Outbox
	Sender Sender

	// taken holds by id the letters that the mail system took and the outbox
	// could not yet record. Their next try in this process only records.
	taken sync.Map
}

// A try and the note of its end fit well into the Lease.
const (
	sendTime   = 20 * time.Second
	settleTime = 2 * time.Second
)

var (
	// ErrPoison is a letter that no further try can send.
	ErrPoison = errors.New("poison letter")
	// ErrLeased is a letter that somebody else is sending just now.
	ErrLeased = errors.New("letter is leased")
)

// Deliver claims the letter, sends it, and records that. A letter that was sent
// already is done: nil.
//
// Every other end is an error, so that the stream behind it comes again. That
// holds for ErrLeased too: who holds the lease may have died, and with nil the
// stream would forget the letter. The stream must come again for longer than
// the Lease, or it gives a letter up that nobody is sending. ErrPoison comes
// back however often Deliver is called, until the stream moves the record to
// its dead-letter queue.
func (p *Postman) Deliver(ctx context.Context, id string) error {
	if l, taken := p.taken.Load(id); taken {
		return p.record(ctx, l.(Letter))
	}
	letter, err := p.Outbox.Claim(ctx, id)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil
	case errors.Is(err, fault.Conflict):
		return ErrLeased
	case errors.Is(err, fault.Invalid):
		return fmt.Errorf("%w: %w", ErrPoison, err)
	case err != nil:
		return fmt.Errorf("claim letter: %w", err)
	}

	if err := p.send(ctx, letter); err != nil {
		final := errors.Is(err, fault.Invalid) || errors.Is(err, fault.Conflict)
		if final {
			err = fmt.Errorf("%w: %w", ErrPoison, err)
		}
		return errors.Join(err, p.giveBack(ctx, letter, final))
	}
	p.taken.Store(id, letter)
	return p.record(ctx, letter)
}

func (p *Postman) send(ctx context.Context, l Letter) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	return p.Sender.Send(ctx, l)
}

// record and giveBack outlive ctx: it may have ended with the sending, and the
// letter's fate is to be written down all the same.

func (p *Postman) record(ctx context.Context, l Letter) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	if err := p.Outbox.Sent(ctx, l); err != nil {
		return fmt.Errorf("record letter as sent: %w", err)
	}
	p.taken.Delete(l.ID)
	return nil
}

func (p *Postman) giveBack(ctx context.Context, l Letter, final bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	if err := p.Outbox.Failed(ctx, l, final); err != nil {
		return fmt.Errorf("record letter as failed: %w", err)
	}
	return nil
}
