package roll

import (
	"slices"
	"strings"

	"charter/pkg/customer"
)

// SheetRows is the usual size of a sheet: enough rows that few units go to rounding, and few enough that a page reads
// little beside its own.
const SheetRows = 2048

// sheetText is how many bytes a sheet has before they are compressed: with any numbers it stays well below DynamoDB's 400 KB.
const sheetText = 160 << 10

// Sort puts rows into the order.
func Sort(o customer.Order, rows []customer.Association) {
	slices.SortFunc(rows, func(a, b customer.Association) int { return compare(o, a, b) })
}

// compare is the order of keys without making them.
func compare(o customer.Order, a, b customer.Association) int {
	user, number := strings.Compare(a.UserID, b.UserID), strings.Compare(string(a.Number), string(b.Number))
	if o == customer.ByNumber {
		user, number = number, user
	}
	if user != 0 {
		return user
	}
	return number
}

// Merge makes the next spans of an order, with places for fresh rows, none of which is there yet. Spans that get no rows
// stay as they are; a sheet gets at most size rows. rows reads the rows of a span; keep keeps a new sheet and returns its
// name.
func Merge(o customer.Order, spans []Span, fresh []customer.Association, size int,
	rows func(Span) ([]customer.Association, error), keep func(keys, rest []byte) (name string, err error)) ([]Span, error) {

	fresh = slices.Clone(fresh)
	Sort(o, fresh)
	var next []Span
	cut := func(rows []customer.Association) error {
		for _, part := range parts(rows, size) {
			name, err := keep(Encode(o, part))
			if err != nil {
				return err
			}
			next = append(next, Span{name, o.Key(part[0]), len(part)})
		}
		return nil
	}
	if len(spans) == 0 {
		return next, cut(fresh)
	}
	for i, s := range spans {
		mine := len(fresh)
		if i+1 < len(spans) {
			mine, _ = slices.BinarySearchFunc(fresh, spans[i+1].First, func(a customer.Association, key string) int {
				return strings.Compare(o.Key(a), key)
			})
		}
		if mine == 0 {
			next = append(next, s)
			continue
		}
		old, err := rows(s)
		if err == nil {
			err = cut(merged(o, old, fresh[:mine]))
		}
		if err != nil {
			return nil, err
		}
		fresh = fresh[mine:]
	}
	return next, nil
}

// Touched are the spans, in order, among which fresh rows, in order, have their places.
func Touched(o customer.Order, spans []Span, fresh []customer.Association) (touched []Span) {
	last := -1
	for _, a := range fresh {
		if i := find(spans, o.Key(a)); i > last {
			touched, last = append(touched, spans[i]), i
		}
	}
	return touched
}

// Pieces is more than the sheets that Merge can make.
func Pieces(o customer.Order, spans []Span, fresh []customer.Association, size int) (n int) {
	rows := map[int]int{}
	for _, a := range fresh {
		rows[find(spans, o.Key(a))]++
	}
	for i, added := range rows {
		all := added
		if i >= 0 {
			all += spans[i].Rows
		}
		// By rows, halves of what is too long are more than half full; by their text, few rows are too much.
		n += 4 + 2*(all/size) + added/32
	}
	return n
}

// parts halves rows until each part fits a sheet.
func parts(rows []customer.Association, size int) [][]customer.Association {
	if len(rows) == 0 {
		return nil
	}
	if len(rows) <= size && TextSize(rows) <= sheetText {
		return [][]customer.Association{rows}
	}
	half := len(rows) / 2
	return append(parts(rows[:half], size), parts(rows[half:], size)...)
}

// TextSize is how many bytes the keys of rows have, in full.
func TextSize(rows []customer.Association) (size int) {
	for _, a := range rows {
		size += len(a.UserID) + len(a.Number)
	}
	return size
}

// merged are two lists in one order as one.
func merged(o customer.Order, a, b []customer.Association) []customer.Association {
	all := make([]customer.Association, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compare(o, a[0], b[0]) < 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}
