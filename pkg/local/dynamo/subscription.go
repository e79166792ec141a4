package dynamo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// Subscription says which changes go where, as a Lambda event source mapping does with ReportBatchItemFailures and
// BisectBatchOnFunctionError.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
type Subscription struct {
	Table string
	Name  string // its checkpoint is kept under this name
	Batch int    // records in one call at most; 0 means 100

	// Filter says which records are delivered; nil means all. The others count as done.
	Filter func(Record) bool

	// Deliver deals with records in the order of their commits. failed names the sequence numbers of those it could not
	// deal with: the lowest and all behind it come again. An error, or a number that is not in the batch, fails the
	// whole batch, which then comes again by halves until the record that fails it is alone.
	Deliver func(ctx context.Context, records []Record) (failed []string, err error)

	// Attempts is how often a record that fails is tried before it is given up; 0 means 5.
	Attempts int

	// Backoff is the wait after so many failures in a row; nil doubles from 100 ms up to 10 s.
	Backoff func(failures int) time.Duration

	// GiveUp gets the records that are given up, with their last error; nil logs them.
	GiveUp func(Record, error)
}

var errReported = errors.New("dynamo: the record was reported as failed")

// keptSkips is how many records a filter may pass over before that alone is worth a checkpoint on disk.
const keptSkips = 256

// Subscribe delivers the changes of a table until ctx ends, the engine is closed or the table deleted, and gives the
// reason. It begins behind the last checkpoint, or with the oldest record kept where there is none. A checkpoint is
// stored when Deliver has returned, so that a kill loses no record and may repeat some. One name subscribes once at a
// time.
func (e *Engine) Subscribe(ctx context.Context, s Subscription) error {
	t, err := e.find(s.Table)
	if err != nil {
		return err
	}
	if t.view == "" {
		return fmt.Errorf("dynamo: the table %s has no stream", s.Table)
	}
	release, err := e.reserve(s.Table + "\x00" + s.Name)
	if err != nil {
		return err
	}
	defer release()
	d := &delivery{Subscription: s.withDefaults(), engine: e, schema: t.schema}
	// From here on the stream keeps what this subscription has not seen.
	if err := d.begin(ctx); err != nil {
		return err
	}
	for {
		batch, changed, err := d.next()
		switch {
		case err != nil:
			return err
		case len(batch) > 0:
			err = d.deliver(ctx, batch)
		case d.seen-d.saved >= keptSkips:
			err = d.save(ctx, d.seen)
		default:
			select {
			case <-changed:
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err != nil {
			return err
		}
	}
}

// reserve holds a name until it is released.
func (e *Engine) reserve(name string) (release func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.readers[name] {
		return nil, fmt.Errorf("dynamo: the subscription %q is already running", name)
	}
	e.readers[name] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.readers, name)
	}, nil
}

func (s Subscription) withDefaults() Subscription {
	if s.Batch <= 0 {
		s.Batch = 100
	}
	if s.Attempts <= 0 {
		s.Attempts = 5
	}
	if s.Filter == nil {
		s.Filter = func(Record) bool { return true }
	}
	if s.Backoff == nil {
		s.Backoff = func(failures int) time.Duration {
			return min(100*time.Millisecond<<min(failures-1, 10), 10*time.Second)
		}
	}
	if s.GiveUp == nil {
		s.GiveUp = func(r Record, err error) {
			slog.Error("stream record given up", "subscription", s.Name, "sequence", r.SequenceNumber, "error", err)
		}
	}
	return s
}

// delivery is a subscription at work.
type delivery struct {
	Subscription
	engine *Engine
	schema *schema
	seen   uint64 // the last record looked at
	saved  uint64 // the checkpoint in the table
}

// entry is a record and its place in the log.
type entry struct {
	at     uint64
	record Record
}

func (d *delivery) begin(ctx context.Context) error {
	return d.edit(ctx, func(x *edit, t *table) {
		done, known := t.checkpoints[d.Name]
		if !known {
			x.settle(t, d.Name, 0)
		}
		d.seen, d.saved = done, done
	})
}

// edit changes the table in whose stream the subscription is.
func (d *delivery) edit(ctx context.Context, f func(*edit, *table)) error {
	return d.engine.change(ctx, func(x *edit) error {
		if t := x.tables[d.schema.name]; t == nil || t.schema != d.schema {
			return errTableNotFound
		}
		f(x, x.table(d.schema.name))
		return nil
	})
}

// next gives the records that come next and pass the filter. Where there are none it gives the channel that closes when
// something has changed.
func (d *delivery) next() ([]entry, <-chan struct{}, error) {
	state, changed, err := d.engine.seen()
	if err != nil {
		return nil, nil, err
	}
	t := state.tables[d.schema.name]
	if t == nil || t.schema != d.schema {
		return nil, nil, errTableNotFound
	}
	var batch []entry
	for key, r := range t.log.up(string(bigEndian(d.seen+1)), "") {
		at := binary.BigEndian.Uint64([]byte(key))
		if d.Filter(*r) {
			batch = append(batch, entry{at, *r})
		}
		d.seen = at
		if len(batch) == d.Batch || len(batch) == 0 && d.seen-d.saved >= keptSkips {
			break
		}
	}
	return batch, changed, nil
}

func (d *delivery) save(ctx context.Context, done uint64) error {
	d.saved = done
	return d.edit(ctx, func(x *edit, t *table) { x.settle(t, d.Name, done) })
}

// deliver sees a batch through: every record of it is dealt with or given up.
func (d *delivery) deliver(ctx context.Context, batch []entry) error {
	size, tries, failures := len(batch), 0, 0
	for len(batch) > 0 {
		part := batch[:min(size, len(batch))]
		done, err := d.attempt(ctx, part)
		if done > 0 {
			// What was dealt with need not come again when the subscription was ended meanwhile.
			if err := d.save(context.WithoutCancel(ctx), part[done-1].at); err != nil {
				return err
			}
			batch = batch[done:]
			size, tries, failures = len(batch), 0, 0
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if done == len(part) {
			continue
		}
		failures++
		if done == 0 && len(part) > 1 && !errors.Is(err, errReported) {
			size = len(part) / 2
		} else if tries++; tries == d.Attempts {
			d.GiveUp(batch[0].record, err)
			if err := d.save(ctx, batch[0].at); err != nil {
				return err
			}
			batch = batch[1:]
			size, tries, failures = len(batch), 0, 0
			continue
		}
		if err := wait(ctx, d.Backoff(failures)); err != nil {
			return err
		}
	}
	return nil
}

// attempt gives how many records of a part are done, from its first on, and the error where not all are.
func (d *delivery) attempt(ctx context.Context, part []entry) (done int, err error) {
	records := make([]Record, len(part))
	for i, e := range part {
		records[i] = e.record
	}
	failed, err := d.Deliver(ctx, records)
	if err != nil {
		return 0, err
	}
	done = len(part)
	for _, number := range failed {
		i := slices.IndexFunc(records, func(r Record) bool { return r.SequenceNumber == number })
		if i < 0 {
			return 0, fmt.Errorf("dynamo: %q was reported as failed and is not in the batch", number)
		}
		done = min(done, i)
	}
	if done < len(part) {
		err = errReported
	}
	return done, err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func withCheckpoint(all map[string]uint64, name string, done uint64) map[string]uint64 {
	all = maps.Clone(all)
	all[name] = done
	return all
}
