package roll

import (
	"slices"
	"sort"
	"strings"

	"charter/pkg/customer"
)

// Sheets is where sheets are kept. Both methods are given spans of one order, which follow each other.
type Sheets interface {
	// Counts are how many rows of every span match, by Keys.Count.
	Counts(o customer.Order, spans []Span, q customer.Query) ([]int, error)

	// Rows are all rows of every span.
	Rows(o customer.Order, spans []Span) ([][]customer.Association, error)
}

// few is how many rows may be read in another order and sorted.
const few = 20_000

// Read finds the query's page in a roll: contents, and the fresh rows that are in no sheet yet. fresh is left as it is.
// Errors are those of sheets.
func Read(q customer.Query, c Contents, fresh []customer.Association, sheets Sheets) (customer.Page, error) {
	order, descending := q.By()
	var matching []customer.Association
	for _, a := range fresh {
		if q.Match(a) {
			matching = append(matching, a)
		}
	}
	o, spans := Needs(q, c)
	switch {
	case o != order:
		return sorted(q, o, spans, matching, sheets)
	case len(spans) == 0:
		return q.Page(matching), nil
	}
	s := search{query: q, order: order, spans: spans, sheets: sheets, rows: map[int][]customer.Association{}}
	if err := s.count(matching); err != nil {
		return customer.Page{}, err
	}
	return s.page(descending)
}

// Needs are the spans that Read asks its sheets for, or some of which. They are of one order: of the query's own, unless
// its matches are on few sheets of the other.
func Needs(q customer.Query, c Contents) (customer.Order, []Span) {
	order, _ := q.By()
	spans := matched(q, order, c[order])
	if q.Filtered() {
		other := customer.ByUser + customer.ByNumber - order
		if some := matched(q, other, c[other]); rowsOf(some) <= min(few, rowsOf(spans)/4) {
			return other, some
		}
	}
	return order, spans
}

// matched are the spans of an order that matches can be on.
func matched(q customer.Query, o customer.Order, spans []Span) []Span {
	keys, possible := q.PlanBy(o)
	if !possible {
		return nil
	}
	from, to := within(spans, keys)
	return spans[from:to]
}

func rowsOf(spans []Span) (rows int) {
	for _, s := range spans {
		rows += s.Rows
	}
	return rows
}

// sorted reads the page off few spans of another order.
func sorted(q customer.Query, o customer.Order, spans []Span, matching []customer.Association, sheets Sheets) (customer.Page, error) {
	all, err := sheets.Rows(o, spans)
	if err != nil {
		return customer.Page{}, err
	}
	for _, rows := range all {
		for _, a := range rows {
			if q.Match(a) {
				matching = append(matching, a)
			}
		}
	}
	return q.Page(matching), nil
}

// search finds a page by counts: how many rows match in each span says which spans it is on. All is counted ascending.
type search struct {
	query  customer.Query
	order  customer.Order
	spans  []Span
	sheets Sheets
	fresh  [][]customer.Association       // that match, by span, in order
	before []int                          // matches before each span, and of all
	rows   map[int][]customer.Association // of the spans read so far: all that match, in order
}

// count learns how many rows match in each span, matching among them.
func (s *search) count(matching []customer.Association) error {
	counts := make([]int, len(s.spans))
	if s.query.Filtered() {
		var err error
		if counts, err = s.sheets.Counts(s.order, s.spans, s.query); err != nil {
			return err
		}
	} else {
		for i, span := range s.spans {
			counts[i] = span.Rows
		}
	}
	Sort(s.order, matching)
	s.fresh = make([][]customer.Association, len(s.spans))
	for _, a := range matching {
		i := find(s.spans, s.order.Key(a))
		s.fresh[i] = append(s.fresh[i], a)
	}
	s.before = make([]int, len(s.spans)+1)
	for i, n := range counts {
		s.before[i+1] = s.before[i] + n + len(s.fresh[i])
	}
	return nil
}

func (s *search) page(descending bool) (customer.Page, error) {
	total := s.before[len(s.spans)]
	passed := 0
	if a := s.query.After(); a != nil {
		before, stands, err := s.rank(*a)
		switch {
		case err != nil:
			return customer.Page{}, err
		case descending:
			passed = total - before
		case stands:
			passed = before + 1
		default:
			passed = before
		}
	}
	from, to := s.query.Place(total, passed)
	first, last := from, to
	if descending {
		first, last = total-to, total-from
	}
	data, err := s.slice(first, last)
	if err != nil {
		return customer.Page{}, err
	}
	if descending {
		slices.Reverse(data)
	}
	return s.query.Show(data, total, from), nil
}

// rank is how many matches come before an association, and whether it is one.
func (s *search) rank(a customer.Association) (before int, stands bool, err error) {
	i := find(s.spans, s.order.Key(a))
	if err := s.read(i, i+1); err != nil {
		return 0, false, err
	}
	at, stands := slices.BinarySearchFunc(s.rows[i], a, func(a, b customer.Association) int { return compare(s.order, a, b) })
	return s.before[i] + at, stands, nil
}

// slice is the matches from first on, before last.
func (s *search) slice(first, last int) ([]customer.Association, error) {
	if first >= last {
		return nil, nil
	}
	from := sort.SearchInts(s.before, first+1) - 1
	to := sort.SearchInts(s.before, last)
	if err := s.read(from, to); err != nil {
		return nil, err
	}
	data := make([]customer.Association, 0, last-first)
	for i := from; i < to; i++ {
		rows := s.rows[i]
		data = append(data, rows[max(first-s.before[i], 0):min(last-s.before[i], len(rows))]...)
	}
	// What is shown must not keep the texts of whole sheets.
	for i, a := range data {
		data[i].ID, data[i].UserID, data[i].Number = strings.Clone(a.ID), strings.Clone(a.UserID), customer.Number(strings.Clone(string(a.Number)))
	}
	return data, nil
}

// read makes sure of the rows of spans from from on, before to. Those where nothing matches are not read.
func (s *search) read(from, to int) error {
	var spans []Span
	var places []int
	for i := from; i < to; i++ {
		switch _, known := s.rows[i]; {
		case known:
		case s.before[i+1]-s.before[i] == len(s.fresh[i]):
			s.rows[i] = s.fresh[i]
		default:
			spans, places = append(spans, s.spans[i]), append(places, i)
		}
	}
	if len(spans) == 0 {
		return nil
	}
	all, err := s.sheets.Rows(s.order, spans)
	if err != nil {
		return err
	}
	for n, i := range places {
		rows := all[n]
		if s.query.Filtered() {
			rows = nil
			for _, a := range all[n] {
				if s.query.Match(a) {
					rows = append(rows, a)
				}
			}
		}
		s.rows[i] = merged(s.order, rows, s.fresh[i])
	}
	return nil
}
