package org

import (
	"context"
	"time"

	"charter/pkg/caller"
)

// Entry says who did what to what. It is written in the transaction that does
// it and never changed.
type Entry struct {
	ID      string // a ULID: a later entry's is higher
	At      time.Time
	Subject string // the "sub" of the token that did it
	Action  string // what was done, such as "admin.add"
	Target  string // the id of what it was done to
	Changes []Difference
}

// Difference is a field that an entry's change has set. Old and New are told
// where they say nothing of a person; else they are "".
type Difference struct{ Field, Old, New string }

// TrailPage is a page of an organization's entries.
type TrailPage struct {
	Entries []Entry
	Next    string // the cursor of the next page, "" when there is none
}

// Trail keeps who did what in an organization.
type Trail interface {
	// Entries lists what was done in the caller's organization, newest first, at
	// most size of it, from the cursor on ("": the newest). It needs the Admin
	// role, as a method of Directory does. Errors: InvalidCursor.
	Entries(ctx context.Context, c caller.Caller, size int, cursor string) (TrailPage, error)
}
