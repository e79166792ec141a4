// Package dynamo is an embedded DynamoDB: the service's own protocol and rules in process, without a socket, for the
// laptop and for tests.
//
// An [Engine] is an [http.Handler] that speaks AwsJson1.0, so the real SDK runs against it, either through
// [Engine.Transport] or behind a listener. It answers the operations that a single-table service lives on (tables,
// items, batches, transactions, Query, Scan, TTL) with the service's results, limits, capacity units and error texts.
// Whatever it does not know, an operation or a parameter that would change what a request means, it refuses; it never
// pretends.
//
// The truth is a handful of immutable ordered trees. A write makes a new state, a reader holds the one it found: reads
// take no lock, and every transaction is serialisable. With a file, a state is shown only after bbolt has synced the
// same change to disk, many writers' changes in one sync; an answer that rests on a write still under way waits for it
// too. A kill at any moment loses nothing that was acknowledged and leaves no transaction by halves.
//
// Streams are calls: [Engine.Subscribe] delivers the changes of a table in the order of their commits, from a
// checkpoint that outlives the process. [Engine.Sweep] deletes what TTL says has expired. [Engine.Inject] and
// [Engine.Lag] show the faults that the real service has on its bad days.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Engine is one region of one account.
type Engine struct {
	// Now tells the time to TTL, streams and request tokens. Set it before the first use.
	Now func() time.Time

	shown  atomic.Pointer[state] // what readers see
	behind atomic.Pointer[state] // what readers of an index see; nil while there is no lag

	mu       sync.Mutex
	next     *state        // what the next write builds on: shown, and the writes on their way to disk
	queued   *batch        // the writes that the next sync takes
	syncing  *batch        // the writes that the running sync takes
	changed  chan struct{} // closed when another state is shown; nil when nobody waits
	past     []*state      // the states shown last, newest last, while a lag is set
	lag      int           // how many commits ago an index was read
	readers  map[string]bool
	closed   bool
	finished chan struct{} // closed once the file is

	disk   *disk // nil keeps items in memory only
	wake   chan struct{}
	faults faults
}

// ErrClosed is what a closed engine says to writes and subscriptions.
var ErrClosed = errors.New("dynamo: the engine is closed")

// Open opens the engine that keeps its items in file and makes the file if there is none; "" keeps them in memory. It
// fails within two seconds when another process has the file open.
func Open(file string) (*Engine, error) {
	e := empty()
	if file == "" {
		e.shown.Store(e.next)
		close(e.finished)
		return e, nil
	}
	return e.read(file, openDisk)
}

// OpenToRead opens the engine that keeps its items in file as it was closed, and never writes to it: a write fails. It
// fails within two seconds when another process has the file open to write.
func OpenToRead(file string) (*Engine, error) {
	return empty().read(file, openDiskToRead)
}

func empty() *Engine {
	return &Engine{
		Now:      time.Now,
		next:     &state{},
		readers:  map[string]bool{},
		wake:     make(chan struct{}, 1),
		finished: make(chan struct{}),
	}
}

func (e *Engine) read(file string, open func(string) (*disk, error)) (*Engine, error) {
	var err error
	if e.disk, err = open(file); err != nil {
		return nil, fmt.Errorf("dynamo: opening %s: %w", file, err)
	}
	if e.next, err = e.disk.load(); err != nil {
		e.disk.close()
		return nil, fmt.Errorf("dynamo: reading %s: %w", file, err)
	}
	e.shown.Store(e.next)
	go e.syncLoop()
	return e, nil
}

// Close waits for the writes under way and closes the file. Subscriptions end with [ErrClosed].
func (e *Engine) Close() error {
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		e.announce()
		close(e.wake)
	}
	e.mu.Unlock()
	<-e.finished
	if e.disk == nil {
		return nil
	}
	return e.disk.close()
}

// state is everything there is at one moment. It is never changed.
type state struct {
	tables   map[string]*table
	tokens   tree[claim]  // of transactions, by ClientRequestToken
	ages     tree[string] // the same tokens by the time of their transaction
	sequence uint64       // of the last stream record
}

// batch is what one sync takes to disk.
type batch struct {
	state   *state
	changes []mutation
	done    chan struct{} // closed when err stands
	err     error
}

// edit is a state in the making.
type edit struct {
	state
	now     time.Time
	durable bool              // whether there is a disk
	own     map[string]*table // the tables copied so far
	changes []mutation        // the same edit for the disk
	edited  bool
}

// table gives a table to be changed in place, which no other state shares.
func (x *edit) table(name string) *table {
	if t := x.own[name]; t != nil {
		return t
	}
	t := x.tables[name].copy()
	x.setTable(name, t)
	return t
}

func (x *edit) setTable(name string, t *table) {
	if x.own == nil {
		x.own = map[string]*table{}
		x.tables = maps.Clone(x.tables)
		if x.tables == nil {
			x.tables = map[string]*table{}
		}
	}
	x.own[name], x.tables[name] = t, t
	x.edited = true
}

func (x *edit) store(m mutation) {
	if x.durable {
		x.changes = append(x.changes, m)
	}
	x.edited = true
}

// change runs f on the newest state, one at a time, and returns when all that f saw and did is on disk. Nothing remains
// of an edit whose f fails.
func (e *Engine) change(ctx context.Context, f func(*edit) error) error {
	rests, err := e.edit(f)
	if rests == nil {
		return err
	}
	select {
	case <-rests.done:
		if rests.err != nil {
			return rests.err
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// edit gives the batch on which the outcome rests, nil where all is on disk that ever will be.
func (e *Engine) edit(f func(*edit) error) (*batch, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, ErrClosed
	}
	x := &edit{state: *e.next, now: e.Now(), durable: e.disk != nil}
	err := f(x)
	if err == nil && x.edited {
		e.enqueue(&x.state, x.changes)
	}
	if e.queued != nil {
		return e.queued, err
	}
	return e.syncing, err
}

// enqueue makes s the newest state. The lock is held.
func (e *Engine) enqueue(s *state, changes []mutation) {
	e.next = s
	if e.disk == nil {
		e.show(s)
		return
	}
	if e.queued == nil {
		e.queued = &batch{done: make(chan struct{})}
	}
	e.queued.state = s
	e.queued.changes = append(e.queued.changes, changes...)
	select {
	case e.wake <- struct{}{}:
	default: // already awake
	}
}

// syncLoop takes batch after batch to disk. While one is synced the next gathers.
func (e *Engine) syncLoop() {
	defer close(e.finished)
	for range e.wake {
		e.mu.Lock()
		b := e.queued
		e.queued, e.syncing = nil, b
		e.mu.Unlock()
		if b == nil {
			continue
		}
		b.err = e.disk.write(b)
		e.mu.Lock()
		e.syncing = nil
		if b.err == nil {
			e.show(b.state)
		} else {
			e.giveUp(b.err)
		}
		e.mu.Unlock()
		close(b.done)
	}
}

// giveUp drops all that is not on disk: what gathered meanwhile was built on what failed. The lock is held.
func (e *Engine) giveUp(err error) {
	e.next = e.shown.Load()
	if b := e.queued; b != nil {
		e.queued = nil
		b.err = err
		close(b.done)
	}
}

// show lets readers see a state. The lock is held.
func (e *Engine) show(s *state) {
	if e.lag > 0 {
		e.past = append(e.past, e.shown.Load())
		e.past = e.past[max(len(e.past)-e.lag, 0):]
		e.behind.Store(e.past[0])
	}
	e.shown.Store(s)
	e.announce()
}

func (e *Engine) announce() {
	if e.changed != nil {
		close(e.changed)
		e.changed = nil
	}
}

// seen is the state of now and a channel that closes when there is another.
func (e *Engine) seen() (*state, <-chan struct{}, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, ErrClosed
	}
	if e.changed == nil {
		e.changed = make(chan struct{})
	}
	return e.shown.Load(), e.changed, nil
}
