// Package intake enters customers and their users from a CSV file, row by row, as an ERP exports them.
//
// A row that says the same as the table is not written, so a file that was
// entered in part, or whole, may be entered again: it goes on where it was.
package intake

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strings"
	"sync"
	"time"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/fault"
	"charter/pkg/org"
	"charter/pkg/pricing"
)

// Accounts tells who there is.
type Accounts interface {
	// Account is the account with that user id or e-mail, a User without an id
	// when there is none.
	Account(ctx context.Context, name string) (org.User, error)
	// Linked reports whether the user is a member who has that customer.
	Linked(ctx context.Context, a customer.Association) (bool, error)
}

// Intake enters rows for a caller, who stands in the audit trail for each change.
type Intake struct {
	Register customer.Register
	Book     pricing.Book
	Accounts Accounts
	Caller   caller.Caller
	Apply    bool // write; otherwise only look what would be written
}

// Result is what became of a row.
type Result struct {
	Row
	Customer Outcome
	Link     Outcome
	Err      error // faults, why it was refused
}

// Outcome is what a row does to a customer or a link.
type Outcome string

const (
	Nothing   Outcome = "" // the row does not say anything of it
	Unchanged Outcome = "unchanged"
	Created   Outcome = "created"
	Changed   Outcome = "changed"
	Linked    Outcome = "linked"
)

const (
	// parallel is how many rows are under way at once. Each write checks one of 16
	// items that say that the caller holds the role; more would be in each other's way.
	parallel = 8
	// mostTries is how often a row is tried while the table is busy, beyond what
	// each write tries by itself.
	mostTries = 6
)

// Enter enters all rows of a file and hands each, in the order of the file, to
// each. Rows of one customer or one user are entered in that order, too: the
// last one is the user's newest customer. What is wrong with a row is in its
// Result, and the others go on. Errors: what is no CSV; those of each; whatever
// is about no single row, such as org.NotAdmin or fault.Unavailable, after which
// the same file may be entered again.
func (i Intake) Enter(ctx context.Context, file io.Reader, each func(Result) error) error {
	tiers, err := i.Book.Tiers(ctx, i.Caller)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	type turn struct {
		result chan Result // one, or none where err is
		err    error
	}
	turns := make(chan turn, 4*parallel)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	work.Go(func() {
		defer close(turns)
		slots := make(chan struct{}, parallel)
		seen, queue := newSeen(), queues{last: map[string]chan struct{}{}}
		for row, err := range Rows(file) {
			if err == nil && row.Err == nil {
				row.Err = seen.contradicts(row)
			}
			t := turn{make(chan Result, 1), err}
			select {
			case <-ctx.Done():
				return
			case turns <- t:
			}
			if err != nil {
				return
			}
			slots <- struct{}{}
			before, done := queue.join(row)
			work.Go(func() {
				defer func() { done(); <-slots }()
				for _, earlier := range before {
					<-earlier
				}
				t.result <- i.enter(ctx, tiers, row)
			})
		}
	})
	for t := range turns {
		if t.err != nil {
			return t.err
		}
		r := <-t.result
		if !ofTheRow(r.Err) {
			return fmt.Errorf("line %d: %w", r.Line, r.Err)
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// ofTheRow reports whether err is about what the row says, or nil.
func ofTheRow(err error) bool {
	faults, ok := fault.All(err)
	for _, f := range faults {
		ok = ok && f.Kind == fault.Invalid
	}
	return ok
}

// enter enters a row, again while the table is busy.
func (i Intake) enter(ctx context.Context, tiers pricing.Tiers, row Row) Result {
	for try := 1; ; try++ {
		r := i.once(ctx, tiers, row)
		faults, _ := fault.All(r.Err)
		if try == mostTries || len(faults) != 1 || faults[0].Kind != fault.Unavailable || !wait(ctx, faults[0].RetryAfter<<(try-1)) {
			return r
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (i Intake) once(ctx context.Context, tiers pricing.Tiers, row Row) (r Result) {
	r = Result{Row: row, Err: row.Err}
	var user org.User
	if r.Err == nil && row.User != "" {
		// First, so that a row is refused whole or not at all.
		if user, r.Err = i.Accounts.Account(ctx, row.User); r.Err == nil && user.ID == "" {
			r.Err = customer.UnknownUser.In(userColumn(row.User))
		}
	}
	if r.Err == nil && row.Entry != nil {
		r.Customer, r.Err = i.enterCustomer(ctx, tiers, row)
	}
	if r.Err == nil && user.ID != "" {
		r.Link, r.Err = i.link(ctx, user.ID, row.Number)
	}
	return r
}

// userColumn is where a row has its user.
func userColumn(user string) string {
	if strings.Contains(user, "@") {
		return "userEmail"
	}
	return "userId"
}

func (i Intake) enterCustomer(ctx context.Context, tiers pricing.Tiers, row Row) (Outcome, error) {
	standing, err := i.Register.Customer(ctx, i.Caller, row.Number)
	outcome, entry := Changed, *row.Entry
	switch {
	case errors.Is(err, customer.Unknown):
		outcome = Created
	case err != nil:
		return Nothing, err
	default:
		entry = row.over(standing)
	}
	var tier pricing.Tier
	if entry.Tier != "" {
		if tier, err = tiers.Named(entry.Tier); err != nil {
			return Nothing, pricing.UnknownTier.In("pricing")
		}
	}
	if outcome == Changed && same(standing, entry, tier) {
		return Unchanged, nil
	}
	if !i.Apply {
		return outcome, nil
	}
	_, err = i.Register.Enter(ctx, i.Caller, entry)
	return outcome, err
}

// same reports whether the entry says what stands.
func same(c customer.Customer, e customer.Entry, tier pricing.Tier) bool {
	return c.CompanyName == e.CompanyName && c.CompanyEmail == e.CompanyEmail && c.Tier.ID == tier.ID &&
		c.Currency == e.Currency && c.Active == e.Active
}

func (i Intake) link(ctx context.Context, userID string, n customer.Number) (Outcome, error) {
	linked, err := i.Accounts.Linked(ctx, customer.Association{OrganizationID: i.Caller.OrganizationID, UserID: userID, Number: n})
	switch {
	case err != nil:
		return Nothing, err
	case linked:
		return Unchanged, nil
	}
	if i.Apply {
		_, _, err = i.Register.Associate(ctx, i.Caller, userID, n)
	}
	return Linked, err
}

// queues hold rows back until earlier ones of the same customer or user are done.
type queues struct {
	mu   sync.Mutex
	last map[string]chan struct{}
}

// join is what a row has to wait for, and how it says that it is done.
func (q *queues) join(row Row) (before []chan struct{}, done func()) {
	mine := make(chan struct{})
	names := []string{"customer " + string(row.Number)}
	if row.User != "" {
		names = append(names, "user "+strings.ToLower(row.User))
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, name := range names {
		if earlier := q.last[name]; earlier != nil {
			before = append(before, earlier)
		}
		q.last[name] = mine
	}
	return before, func() {
		close(mine)
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, name := range names {
			if q.last[name] == mine {
				delete(q.last, name)
			}
		}
	}
}

// seen remembers what a file has said of each customer, in 16 bytes and a line.
type seen struct {
	seed maphash.Seed
	said map[uint64]said
}

type said struct {
	entry uint64
	line  int
}

func newSeen() seen { return seen{maphash.MakeSeed(), map[uint64]said{}} }

// contradicts refuses a row that says of a customer what an earlier one does not.
func (s seen) contradicts(row Row) error {
	if row.Entry == nil {
		return nil
	}
	number, entry := maphash.Comparable(s.seed, row.Number), maphash.Comparable(s.seed, *row.Entry)
	before, ok := s.said[number]
	if !ok {
		s.said[number] = said{entry, row.Line}
		return nil
	}
	if before.entry == entry {
		return nil
	}
	return fault.Fault{Kind: fault.Invalid, Code: "contradiction", Field: "customerNumber",
		Message: fmt.Sprintf("Line %d says something else of this customer.", before.line)}
}
