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
	Current    int           // from 1
	Size       int           // 1 to 200
	TotalPages int           // 0 when nothing matches
}

// Page is the query's page of all the associations that match; it reorders them.
func (q Query) Page(matching []Association) Page {
	page := Page{
		Data: []Association{}, Total: len(matching), Current: q.page, Size: q.size,
		TotalPages: (len(matching) + q.size - 1) / q.size,
	}
	if page.Current > page.TotalPages {
		return page // and no page number is so high that the multiplication below overflows
	}
	slices.SortFunc(matching, q.compare)
	start := (page.Current - 1) * page.Size
	page.Data = matching[start:min(start+page.Size, page.Total)]
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
