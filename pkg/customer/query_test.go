package customer

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// asked is a query as a client has it in mind.
type asked struct {
	page, size int
	sortOn     string
	descending bool
	filters    []askedFilter
}

type askedFilter struct {
	Field    string `json:"field"`
	Operator string `json:"operator"`
	Value    string `json:"value"`
}

// values is one of the ways to send the query.
func (q asked) values(form int) url.Values {
	v := url.Values{"pageNumber": {strconv.Itoa(q.page)}, "pageSize": {strconv.Itoa(q.size)}, "sortOn": {q.sortOn}}
	if q.descending {
		v.Set("sortDirection", "desc")
	}
	array, err := json.Marshal(q.filters)
	if err != nil {
		panic(err)
	}
	if form == 0 && q.filters != nil {
		v.Set("filters", string(array))
		return v
	}
	name := []string{"", "filters[%d].%s", "filters[%d][%s]"}[max(form, 1)]
	for i, f := range q.filters {
		v.Set(fmt.Sprintf(name, i, "field"), f.Field)
		v.Set(fmt.Sprintf(name, i, "operator"), f.Operator)
		v.Set(fmt.Sprintf(name, i, "value"), f.Value)
	}
	return v
}

// oracle answers a query by the letter of the contract, code point by code
// point, and deals the matches out page by page.
func (q asked) oracle(all []Association) Page {
	var matching []Association
	for _, a := range all {
		if !slices.ContainsFunc(q.filters, func(f askedFilter) bool { return !f.holds(a) }) {
			matching = append(matching, a)
		}
	}
	slices.SortFunc(matching, q.compare)
	page := Page{Total: len(matching), Current: q.page, Size: q.size}
	for data := range slices.Chunk(matching, q.size) {
		if page.TotalPages++; page.TotalPages == q.page {
			page.Data = data
		}
	}
	page.More = page.Data != nil && q.page < page.TotalPages
	return page
}

func (q asked) compare(a, b Association) int {
	if q.descending {
		a, b = b, a
	}
	first, second := []string{a.UserID, string(a.Number), a.ID}, []string{b.UserID, string(b.Number), b.ID}
	if q.sortOn == "CustomerNumber" {
		first[0], first[1] = first[1], first[0]
		second[0], second[1] = second[1], second[0]
	}
	for i := range first {
		if c := slices.Compare([]rune(first[i]), []rune(second[i])); c != 0 {
			return c
		}
	}
	return 0
}

func (f askedFilter) holds(a Association) bool {
	member, value := []rune(a.UserID), []rune(f.Value)
	if f.Field == "CustomerNumber" {
		member = []rune(string(a.Number))
	}
	at := func(i int) bool {
		return i >= 0 && i+len(value) <= len(member) && slices.Equal(member[i:i+len(value)], value)
	}
	contains := false
	for i := range len(member) + 1 {
		contains = contains || at(i)
	}
	order := slices.Compare(member, value)
	return map[string]bool{
		"startswith": at(0), "endswith": at(len(member) - len(value)), "contains": contains, "notcontains": !contains,
		"equals": order == 0, "notequals": order != 0, "gt": order > 0, "gte": order >= 0, "lt": order < 0, "lte": order <= 0,
	}[f.Operator]
}

// letters are at the edges of UTF-8, of UTF-16, of case and of normal forms.
var letters = []rune{'!', ' ', 'a', 'A', 'b', 'é', 'e', '\u0301', '\ud7ff', '\ue000', '\ufffd', '\uffff', '😀', '\U0010ffff'}

func drawQuery(t *rapid.T, letter *rapid.Generator[rune]) asked {
	q := asked{
		page:       rapid.SampledFrom([]int{1, 1, 2, 3, 4, math.MaxInt/200 + 1, math.MaxInt}).Draw(t, "page"),
		size:       rapid.SampledFrom([]int{1, 2, 3, 25, 200}).Draw(t, "size"),
		sortOn:     rapid.SampledFrom([]string{"UserId", "CustomerNumber"}).Draw(t, "sort on"),
		descending: rapid.Bool().Draw(t, "descending"),
	}
	values := rapid.OneOf(
		rapid.StringOfN(letter, 0, 2, -1),
		rapid.StringOfN(rapid.OneOf(letter, rapid.SampledFrom([]rune{0, 1, 2, 0x1f})), 1, 3, -1),
		rapid.Map(letter, func(r rune) string { return strings.Repeat(string(r), 65) }))
	for range rapid.SampledFrom([]int{0, 1, 1, 2, 2, 3, 4}).Draw(t, "filters") {
		q.filters = append(q.filters, askedFilter{
			Field:    rapid.SampledFrom([]string{"UserId", "CustomerNumber"}).Draw(t, "field"),
			Operator: rapid.SampledFrom(operators).Draw(t, "operator").name,
			Value:    values.Draw(t, "value"),
		})
	}
	return q
}

// A query finds what the contract says, in its order, and its plan leaves
// nothing out. Each check has two letters, so that members and values meet.
func TestQueryProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letter := rapid.SampledFrom([]rune{
			rapid.SampledFrom(letters).Draw(t, "letter"), rapid.SampledFrom(letters).Draw(t, "letter")})
		member := rapid.OneOf(
			rapid.StringOfN(letter, 1, 3, -1),
			rapid.Map(letter, func(r rune) string { return strings.Repeat(string(r), 64) }))
		rows := make([]Association, rapid.SampledFrom([]int{0, 1, 30}).Draw(t, "rows"))
		for i := range rows {
			rows[i] = Association{
				ID:     rapid.StringOfN(letter, 1, 2, -1).Draw(t, "id") + strconv.Itoa(i),
				UserID: member.Draw(t, "user"),
				Number: Number(member.Draw(t, "number")),
			}
		}
		for range 10 {
			check(t, rows, drawQuery(t, letter), rapid.IntRange(0, 2).Draw(t, "form"))
		}
	})
}

// The same for as many associations as a list may have to sort.
func TestQueriesOverTenThousandAssociations(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	member := func() string {
		s := ""
		for range 1 + random.IntN(3) {
			s += string(letters[random.IntN(len(letters))])
		}
		return s
	}
	rows := make([]Association, 10_000)
	for i := range rows {
		rows[i] = Association{ID: strconv.Itoa(i), UserID: member(), Number: Number(member())}
	}
	for i, q := range []asked{
		{page: 1, size: 200, sortOn: "UserId"},
		{page: 50, size: 200, sortOn: "CustomerNumber", descending: true},
		{page: 51, size: 200, sortOn: "UserId"},
		{page: 2, size: 25, sortOn: "CustomerNumber", filters: []askedFilter{{"UserId", "startswith", "e\u0301"}}},
		{page: 1, size: 1, sortOn: "UserId", descending: true, filters: []askedFilter{
			{"UserId", "gte", "\ue000"}, {"UserId", "lt", "😀"}, {"CustomerNumber", "notcontains", "a"}}},
	} {
		check(t, rows, q, i%3)
	}
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func check(t failer, rows []Association, asked asked, form int) {
	t.Helper()
	q, err := ParseQuery(asked.values(form))
	if err != nil {
		t.Fatalf("%+v: %v", asked, err)
	}
	r, some := q.Plan()
	if len(r.From) > 600 || len(r.Before) > 600 {
		t.Fatalf("%s: a key that no table takes: %q", describe(q), r)
	}
	var matching []Association
	for _, a := range rows {
		if !q.Match(a) {
			continue
		}
		matching = append(matching, a)
		if key := a.Key(); !some || key < r.From || r.Before != "" && key >= r.Before {
			t.Fatalf("%s matches %q, which is not in %q (%v)", describe(q), key, r, some)
		}
	}
	got, want := q.Page(matching), asked.oracle(rows)
	if got.Data == nil || !slices.Equal(got.Data, want.Data) {
		t.Fatalf("%s over %d:\n%+v; want\n%+v", describe(q), len(rows), got.Data, want.Data)
	}
	if got.Data, want.Data = nil, nil; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s over %d: %+v; want %+v", describe(q), len(rows), got, want)
	}
}
