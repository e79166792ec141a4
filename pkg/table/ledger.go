package table

import (
	"fmt"
	"hash/maphash"
	"slices"
)

// ledger is what a walk through the table remembers. Items come in no order, so
// what one says of another is booked, and is looked at when all were seen. Of
// what balances nothing is kept: the memory that a walk takes is that of ids,
// not of items.
type ledger struct {
	open   map[account]int64
	seed   maphash.Seed
	seen   map[uint64]struct{} // digests of facts
	wanted map[string]string   // facts that were asked for before they were seen, with what it means when they never are
	barred map[string]string   // facts that must not be
}

// account is one matter on which two sides must agree.
type account struct {
	matter *matter
	who    string // in words, for the finding
	detail string // what else it is about; not told
}

// matter says what it means when one side says more than the other.
type matter struct{ lacking, left string }

func newLedger() ledger {
	return ledger{open: map[account]int64{}, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{},
		wanted: map[string]string{}, barred: map[string]string{}}
}

// book adds what one side says; the other side books the same with a minus.
func (l ledger) book(m *matter, n int64, who, detail string) {
	a := account{m, who, detail}
	if l.open[a] += n; l.open[a] == 0 {
		delete(l.open, a)
	}
}

// has says that something is there.
func (l ledger) has(fact ...string) {
	l.seen[maphash.String(l.seed, join(fact...))] = struct{}{}
	delete(l.wanted, join(fact...))
}

// needs asks for something that has to be there.
func (l ledger) needs(otherwise string, fact ...string) {
	if !l.saw(join(fact...)) {
		l.wanted[join(fact...)] = otherwise
	}
}

// bars asks for something not to be there.
func (l ledger) bars(otherwise string, fact ...string) { l.barred[join(fact...)] = otherwise }

func (l ledger) saw(fact string) bool {
	_, ok := l.seen[maphash.String(l.seed, fact)]
	return ok
}

// findings are sentences about all that does not agree.
func (l ledger) findings() []string {
	var found []string
	for a, n := range l.open {
		sentence := a.matter.lacking
		if n < 0 {
			sentence, n = a.matter.left, -n
		}
		found = append(found, fmt.Sprintf("%s: %s (%d)", a.who, sentence, n))
	}
	for _, sentence := range l.wanted {
		found = append(found, sentence)
	}
	for fact, sentence := range l.barred {
		if l.saw(fact) {
			found = append(found, sentence)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
