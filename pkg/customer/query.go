package customer

import (
	"strings"
)

// Query asks for one page of an organization's associations. Only ParseQuery
// makes one. The reading is the store's: it opens the cursor, takes the keys of
// Plan, keeps what Match lets through and hands it all to Page. A store that
// knows how many match without having them all asks Place and calls Show.
type Query struct {
	page, size int
	sortOn     *field
	descending bool
	filters    []filter
	cursor     string       // as sent, "" for none
	after      *Association // what an opened cursor stands behind
}

// Filtered reports whether the query has filters.
func (q Query) Filtered() bool { return len(q.filters) > 0 }

// FiltersOn reports which fields of an association Match looks at.
func (q Query) FiltersOn() (user, customerNumber bool) {
	for _, f := range q.filters {
		user = user || f.field == userID
		customerNumber = customerNumber || f.field == number
	}
	return user, customerNumber
}

// field is a member of an association that can be sorted on and filtered.
type field struct {
	name string
	of   func(Association) string
}

var (
	userID = &field{"UserId", func(a Association) string { return a.UserID }}
	number = &field{"CustomerNumber", func(a Association) string { return string(a.Number) }}

	fields = []*field{userID, number}
)

// filter holds for the associations whose field is related to the value by the
// operator.
type filter struct {
	field    *field
	operator *operator
	value    string
}

// operator relates a member of an association to the value of a filter. Texts
// compare by Unicode code point, which is the order of the bytes of UTF-8.
type operator struct {
	name  string
	holds func(member, value string) bool
	span  func(limit) (Range, bool) // where the members are for which it can hold
}

var operators = []*operator{
	{"startswith", strings.HasPrefix, beginning},
	{"contains", strings.Contains, having},
	{"notcontains", func(member, value string) bool { return !strings.Contains(member, value) }, anywhere},
	{"endswith", strings.HasSuffix, having},
	{"equals", func(member, value string) bool { return member == value }, only},
	{"notequals", func(member, value string) bool { return member != value }, anywhere},
	{"gt", func(member, value string) bool { return member > value }, above},
	{"gte", func(member, value string) bool { return member >= value }, from},
	{"lt", func(member, value string) bool { return member < value }, below},
	{"lte", func(member, value string) bool { return member <= value }, upTo},
}

// Match reports whether all filters hold for the association.
func (q Query) Match(a Association) bool {
	for _, f := range q.filters {
		if !f.operator.holds(f.field.of(a), f.value) {
			return false
		}
	}
	return true
}
