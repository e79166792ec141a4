package mail

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"time"
)

// Window is how long a letter may wait before a Redrive takes it up. A letter
// is first the stream's, which comes again for as long as it can.
const Window = 10 * time.Minute

// Redrive delivers the letters that the stream has left behind: its tries were
// over before the mail system was well again, or it was cut off.
type Redrive struct {
	Postman *Postman
	Now     func() time.Time
}

// Order says what to redrive beside the letters that have waited for longer
// than Window.
type Order struct {
	Failed bool // the letters that have failed for good, now that their reason is mended
}

// Tally is how a Redrive went.
type Tally struct {
	Delivered  int
	Left       int  // letters that did not go: they wait for the next Redrive, or have failed for good
	Unfinished bool // there was no time for all
}

// abreast is how many letters are on their way at once.
const abreast = 8

// Run delivers letters, the oldest first, until none is left or there is no
// time for another. An error says that not all could be found; what became of
// those that were is in the Tally all the same. Why a letter was left is logged.
func (r Redrive) Run(ctx context.Context, o Order) (Tally, error) {
	now, tally := r.Now(), Tally{}
	if o.Failed {
		if err := r.deliver(ctx, r.revived(ctx, now), &tally); err != nil || tally.Unfinished {
			return tally, err
		}
	}
	err := r.deliver(ctx, r.Postman.Outbox.Waiting(ctx, now.Add(-Window)), &tally)
	return tally, err
}

// revived are the letters that failed for good before a time. One that fails
// again has failed after it, and is not among them twice.
func (r Redrive) revived(ctx context.Context, before time.Time) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for id, err := range r.Postman.Outbox.GivenUp(ctx, before) {
			if err == nil {
				err = r.Postman.Outbox.Revive(ctx, id)
			}
			if !yield(id, err) {
				return
			}
		}
	}
}

// deliver adds to the tally how each letter went.
func (r Redrive) deliver(ctx context.Context, ids iter.Seq2[string, error], tally *Tally) error {
	var mu sync.Mutex
	var work sync.WaitGroup
	defer work.Wait()
	slots := make(chan struct{}, abreast)
	for id, err := range ids {
		if err != nil {
			return err
		}
		slots <- struct{}{}
		if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) < sendTime+settleTime {
			tally.Unfinished = true
			break
		}
		work.Go(func() {
			defer func() { <-slots }()
			err := r.Postman.Deliver(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				tally.Delivered++
				return
			}
			tally.Left++
			slog.ErrorContext(ctx, "letter left", "letter", id, "cause", err.Error())
		})
	}
	return nil
}
