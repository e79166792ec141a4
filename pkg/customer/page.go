package customer

import (
	"cmp"
	"slices"
	"strings"
)

// Page is one page of what a query matches.
type Page struct {
	Data       []Association // empty past the end, never nil
	Total      int           // of what matches, on all pages
	Current    int           // from 1; with a cursor, the page that the first of Data is on
	Size       int           // 1 to 200
	TotalPages int           // 0 when nothing matches
	More       bool          // something follows the last of Data
	NextCursor string        // for what follows; "" at the end. The store's to seal
}

// Page is the query's page of all the associations that match; it reorders them.
func (q Query) Page(matching []Association) Page {
	slices.SortFunc(matching, q.compare)
	passed := 0
	if q.after != nil {
		var stands bool
		if passed, stands = slices.BinarySearchFunc(matching, *q.after, q.compare); stands {
			passed++
		}
	}
	from, to := q.Place(len(matching), passed)
	return q.Show(matching[from:to:to], len(matching), from)
}

// After is the association that the query's cursor stands behind, nil without
// a cursor.
func (q Query) After() *Association { return q.after }

// Place is which of total associations that match are on the page, counted from
// 0 in the order of the query: from from on, before to. passed is how many of
// them come no later than After, 0 without a cursor.
func (q Query) Place(total, passed int) (from, to int) {
	switch {
	case q.after != nil:
		from = passed
	case q.page > (total+q.size-1)/q.size:
		return total, total // and no page number is so high that the multiplication below overflows
	default:
		from = (q.page - 1) * q.size
	}
	return from, min(from+q.size, total)
}

// Show is the page that holds data, which stands at from among total.
func (q Query) Show(data []Association, total, from int) Page {
	page := Page{Data: data, Total: total, Current: q.page, Size: q.size, TotalPages: (total + q.size - 1) / q.size}
	if q.after != nil {
		page.Current = from/q.size + 1
	}
	if page.Data == nil {
		page.Data = []Association{}
	}
	page.More = len(data) > 0 && from+len(data) < total
	return page
}

// compare orders by the field that the query sorts on. Ties are broken by the
// other one, then by id. Descending is the whole order backwards, ties
// included, so that a store can read it off its keys from the end.
func (q Query) compare(a, b Association) int {
	order := cmp.Or(
		strings.Compare(q.sortOn.of(a), q.sortOn.of(b)),
		strings.Compare(a.UserID, b.UserID),
		strings.Compare(string(a.Number), string(b.Number)),
		strings.Compare(a.ID, b.ID))
	if q.descending {
		return -order
	}
	return order
}
