package customer

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"charter/pkg/fault"
)

// must is the query of a query string that is right.
func must(t *testing.T, raw string) Query {
	t.Helper()
	sent, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	q, err := ParseQuery(sent)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return q
}

func TestParseQuery(t *testing.T) {
	array := func(json string) string { return "filters=" + url.QueryEscape(json) }
	for raw, want := range map[string]string{
		"":                                 "page 1 of 25 by UserId",
		"colour=red&filter=x&pageNumbers=": "page 1 of 25 by UserId",
		"pageNumber=2&pageSize=200&sortOn=CustomerNumber&sortDirection=desc": "page 2 of 200 by CustomerNumber backwards",
		"PAGE=3&PageSize=1&SORTBY=userid&SortDirection=DESC":                 "page 3 of 1 by UserId backwards",
		"sortDirection=Asc&sortOn=CUSTOMERNUMBER":                            "page 1 of 25 by CustomerNumber",
		"pageNumber=007":                 "page 7 of 25 by UserId",
		fmt.Sprint("page=", math.MaxInt): fmt.Sprint("page ", math.MaxInt, " of 25 by UserId"),

		array(`[]`): "page 1 of 25 by UserId",
		array(` [{"field":"UserId","operator":"equals","value":"kp_1"}] `):               `page 1 of 25 by UserId, UserId equals "kp_1"`,
		"Filters" + array(`[{"Value":"","FIELD":"userid","Operator":"StartsWith"}]`)[7:]: `page 1 of 25 by UserId, UserId startswith ""`,
		array(`[{"field":"CustomerNumber","operator":"gt","value":" é\u0000\ud83d\ude00\\ud800\ufffd "}]`): "page 1 of 25 by UserId, " +
			`CustomerNumber gt " é\x00😀\\ud800` + "\ufffd" + ` "`,
		"filters[0].field=CustomerNumber&filters[0].operator=NotEquals&filters[0].value=+a": "" +
			`page 1 of 25 by UserId, CustomerNumber notequals " a"`,
		"FILTERS[0][FIELD]=USERID&filters[0][operator]=LT&filters[0].Value=": `page 1 of 25 by UserId, UserId lt ""`,
		"filters[1][field]=UserId&filters[1][operator]=gte&filters[1][value]=b&" +
			"filters[0].field=UserId&filters[0].operator=lte&filters[0].value=a": `page 1 of 25 by UserId, UserId lte "a", UserId gte "b"`,
	} {
		if got := describe(must(t, raw)); got != want {
			t.Errorf("%s:\n%s; want\n%s", raw, got, want)
		}
	}
}

func TestTenFiltersAreNotTooMany(t *testing.T) {
	var singles, items []string
	for i := range 10 {
		singles = append(singles, fmt.Sprintf("filters[%d].field=UserId&filters[%d].operator=gt&filters[%d].value=%d", i, i, i, i))
		items = append(items, fmt.Sprintf(`{"field":"UserId","operator":"gt","value":"%d"}`, i))
	}
	single := must(t, strings.Join(singles, "&"))
	array := must(t, "filters="+url.QueryEscape("["+strings.Join(items, ",")+"]"))
	if len(single.filters) != 10 || !reflect.DeepEqual(single, array) {
		t.Errorf("one by one: %s\nas an array: %s", describe(single), describe(array))
	}
}

func describe(q Query) string {
	s := fmt.Sprintf("page %d of %d by %s", q.page, q.size, q.sortOn.name)
	if q.descending {
		s += " backwards"
	}
	for _, f := range q.filters {
		s += fmt.Sprintf(", %s %s %q", f.field.name, f.operator.name, f.value)
	}
	return s
}

func TestWhatIsWrongWithAQuery(t *testing.T) {
	const (
		pageRange = "Must be a whole number from 1 to 9223372036854775807."
		sizeRange = "Must be a whole number from 1 to 200."
		field     = "Must be UserId or CustomerNumber."
		operator  = "Must be one of startswith, contains, notcontains, endswith, equals, notequals, gt, gte, lt, lte."
		twice     = "Must be given only once, under one name."
		stray     = "Must be one JSON array, or filters[0] to filters[9], each with field, operator and value."
		array     = "Must be a JSON array of objects with field, operator and value."
		object    = "Must be an object of three texts: field, operator and value, each once."
	)
	json := func(json string) string { return "filters=" + url.QueryEscape(json) }
	const right = "filters[0].field=UserId&filters[0].operator=equals&filters[0].value=a"
	for _, c := range []struct {
		raw  string
		want []string
	}{
		{"pageNumber=0", []string{"pageNumber: " + pageRange}},
		{"pageNumber=", []string{"pageNumber: " + pageRange}},
		{"pageNumber=-1", []string{"pageNumber: " + pageRange}},
		{"pageNumber=%2B1", []string{"pageNumber: " + pageRange}},
		{"pageNumber=1.0", []string{"pageNumber: " + pageRange}},
		{"pageNumber=1e3", []string{"pageNumber: " + pageRange}},
		{"pageNumber=0x1", []string{"pageNumber: " + pageRange}},
		{"pageNumber=1_0", []string{"pageNumber: " + pageRange}},
		{"pageNumber=%D9%A1", []string{"pageNumber: " + pageRange}}, // an Arabic 1
		{"pageNumber=9223372036854775808", []string{"pageNumber: " + pageRange}},
		{"pageNumber=99999999999999999999999", []string{"pageNumber: " + pageRange}},
		{"PAGE=0", []string{"page: " + pageRange}},
		{"pageSize=0", []string{"pageSize: " + sizeRange}},
		{"pageSize=201", []string{"pageSize: " + sizeRange}},
		{"pageSize=all", []string{"pageSize: " + sizeRange}},
		{"sortOn=CreatedAt", []string{"sortOn: " + field}},
		{"sortBy=", []string{"sortBy: " + field}},
		{"sortDirection=descending", []string{"sortDirection: Must be asc or desc."}},
		{"sortDirection=", []string{"sortDirection: Must be asc or desc."}},
		{"sortOn=U\u017FerId", []string{"sortOn: " + field}}, // a long s, which folds to s

		{"pageNumber=1&pageNumber=1", []string{"pageNumber: " + twice}},
		{"pageNumber=1&PAGENUMBER=1", []string{"pageNumber: " + twice}},
		{"pageNumber=1&page=1", []string{"pageNumber: " + twice}},
		{"page=1&page=2", []string{"page: " + twice}},
		{"sortOn=UserId&sortBy=UserId", []string{"sortOn: " + twice}},
		{"sortDirection=asc&sortDirection=desc", []string{"sortDirection: " + twice}},
		{"filters=[]&filters=[]", []string{"filters: " + twice}},
		{right + "&filters[0].value=a", []string{"filters[0].value: " + twice}},
		{right + "&filters[0][value]=b", []string{"filters[0].value: " + twice}},

		{"pageNumber=0&pageSize=0&sortOn=x&sortDirection=x&filters=x", []string{"pageNumber: " + pageRange,
			"pageSize: " + sizeRange, "sortOn: " + field, "sortDirection: Must be asc or desc.", "filters: " + array}},

		{"filters=", []string{"filters: " + array}},
		{json(`null`), []string{"filters: " + array}},
		{json(`{"field":"UserId","operator":"equals","value":"a"}`), []string{"filters: " + array}},
		{json(`[] []`), []string{"filters: " + array}},
		{json(`[{]`), []string{"filters: " + array}},
		{"filters=[{%22value%22:%22%ff%22}]", []string{"filters: " + array}},
		{json(`[{"field":"UserId","operator":"equals","value":"\ud800"}]`), []string{"filters: " + array}},
		{json(`[{"field":"UserId","operator":"equals","value":"\udc00\ud800"}]`), []string{"filters: " + array}},
		{json(`[{"field":"UserId","operator":"equals","value":"\ud83d\u0041"}]`), []string{"filters: " + array}},
		{json(`[{"field":"UserId","operator":"equals","value":"\ud83d\n\ude00"}]`), []string{"filters: " + array}},
		{json(strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)), []string{"filters: " + array}},
		{json(`[null, 1, "a", []]`), []string{"filters: filters[0]: " + object, "filters: filters[1]: " + object,
			"filters: filters[2]: " + object, "filters: filters[3]: " + object}},
		{json(`[{"field":"UserId","operator":"equals","value":1}]`), []string{"filters: filters[0]: " + object}},
		{json(`[{"field":"UserId","operator":"equals","value":null}]`), []string{"filters: filters[0]: " + object}},
		{json(`[{"field":["UserId"],"operator":"equals","value":"a"}]`), []string{"filters: filters[0]: " + object}},
		{json(`[{"field":"UserId","operator":"equals","value":"a","Value":"b"}]`), []string{"filters: filters[0]: " + object}},
		{json(`[{"field":"UserId","operator":"equals","value":"a","or":"b"}]`), []string{"filters: filters[0]: " + object}},
		{json(`[{"field":"UserId","operator":"equals","value":"a"},{}]`), []string{"filters: filters[1].field: Is required.",
			"filters: filters[1].operator: Is required.", "filters: filters[1].value: Is required."}},
		{json(`[{"field":"Id","operator":"like","value":"a"}]`),
			[]string{"filters: filters[0].field: " + field, "filters: filters[0].operator: " + operator}},
		{json("[" + strings.Repeat(`{"field":"UserId","operator":"gt","value":"a"},`, 10) + `{}]`),
			[]string{"filters: Must be at most 10 filters."}},

		{"filters[0].field=x&filters[0].operator=&filters[0].value=%ff", []string{"filters[0].field: " + field,
			"filters[0].operator: " + operator, "filters[0].value: Must be a text in UTF-8."}},
		{"filters[0][field]=x", []string{"filters[0][field]: " + field,
			"filters[0].operator: Is required.", "filters[0].value: Is required."}},
		{strings.ReplaceAll(right, "[0]", "[1]"), []string{"filters[0]: Is missing; filters are counted from 0 without gaps."}},
		{right + "&" + strings.ReplaceAll(right, "[0]", "[3]"), []string{
			"filters[1]: Is missing; filters are counted from 0 without gaps.",
			"filters[2]: Is missing; filters are counted from 0 without gaps."}},
		{right + "&filters=[]", []string{"filters: " + stray}},
		{right + "&filters[10].field=UserId", []string{"filters: " + stray}},
		{right + "&filters[00].field=UserId&filters[-1].field=UserId", []string{"filters: " + stray}},
		{right + "&filters[1]=a", []string{"filters: " + stray}},
		{right + "&filters.1.field=UserId", []string{"filters: " + stray}},
		{right + "&filters[0].values=a", []string{"filters: " + stray}},
		{"filters[]=a", []string{"filters: " + stray}},
	} {
		sent, err := url.ParseQuery(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseQuery(sent)
		faults, ok := fault.All(err)
		var got []string
		for _, f := range faults {
			got = append(got, f.Error())
			if f.Kind != fault.Invalid {
				t.Errorf("%s: %v is %s", c.raw, f, f.Kind)
			}
		}
		if !ok || !slices.Equal(got, c.want) {
			t.Errorf("%.300s:\n%s; want\n%s", c.raw, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// Whatever is sent is a query within its limits, which the case of its names
// does not change, or is refused for parameters that are named.
func FuzzParseQuery(f *testing.F) {
	f.Add("pageNumber=2&pageSize=200&sortOn=CustomerNumber&sortDirection=desc")
	f.Add("page=9223372036854775807&sortBy=userid")
	f.Fuzz(func(t *testing.T, raw string) {
		sent, err := url.ParseQuery(raw)
		if err != nil {
			t.Skip()
		}
		q, err := ParseQuery(sent)
		faults, ok := fault.All(err)
		if !ok {
			t.Fatalf("an error that is no fault: %v", err)
		}
		for _, f := range faults {
			if f.Kind != fault.Invalid || f.Field == "" || f.Message == "" {
				t.Fatalf("a fault that does not say what is wrong: %+v", f)
			}
		}
		again, sameErr := ParseQuery(upper(sent))
		if fmt.Sprint(sameErr) != fmt.Sprint(err) || !reflect.DeepEqual(again, q) {
			t.Fatalf("in upper case: %v, %v; was %v, %v", again, sameErr, q, err)
		}
		if err != nil {
			return
		}
		if q.page < 1 || q.size < 1 || q.size > 200 || len(q.filters) > 10 {
			t.Fatalf("over the limits: %s", describe(q))
		}
		a := Association{UserID: "kp_1", Number: "C-1"}
		r, ok := q.Plan()
		if key := a.Key(); q.Match(a) && (!ok || key < r.From || r.Before != "" && key >= r.Before) {
			t.Fatalf("%s matches and is not in %q", describe(q), r)
		}
		if len(r.From) > 600 || len(r.Before) > 600 {
			t.Fatalf("%s: a key that no table takes: %q", describe(q), r)
		}
		if p := q.Page([]Association{a}); p.Total != 1 || p.TotalPages != 1 || (len(p.Data) == 1) != (q.page == 1) {
			t.Fatalf("%s: %+v", describe(q), p)
		}
	})
}

// upper is the same parameters with the ASCII letters of their names in upper case.
func upper(sent url.Values) url.Values {
	up := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		loud := strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' {
				return r - ('a' - 'A')
			}
			return r
		}, name)
		up[loud] = append(up[loud], sent[name]...)
	}
	return up
}
