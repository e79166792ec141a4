package customer

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestPlan(t *testing.T) {
	nothing := Range{"none", "none"}
	long := strings.Repeat("é", 64)
	for _, c := range []struct {
		filters string // field operator value, parted by ";"
		want    Range
	}{
		{"", Range{}},
		{"UserId equals u", Range{"u\x01", "u\x02"}},
		{"UserId equals u; CustomerNumber equals n", Range{"u\x01n", "u\x01n\x02"}},
		{"UserId equals u; CustomerNumber startswith n", Range{"u\x01n", "u\x01o"}},
		{"UserId equals u; CustomerNumber gte n", Range{"u\x01n", "u\x02"}},
		{"UserId equals u; CustomerNumber gt n; CustomerNumber lte p", Range{"u\x01n\x02", "u\x01p\x02"}},
		{"UserId equals u; CustomerNumber contains n", Range{"u\x01", "u\x02"}},
		{"UserId gte u; UserId lte u; CustomerNumber lt n", Range{"u\x01", "u\x01n"}},
		{"UserId startswith u", Range{"u", "v"}},
		{"UserId startswith u\U0010ffff", Range{"u\U0010ffff", "v"}},
		{"UserId startswith \U0010ffff", Range{"\U0010ffff", ""}},
		{"UserId startswith \ud7ff", Range{"\ud7ff", "\ue000"}},
		{"UserId gt u; UserId lt w", Range{"u\x02", "w"}},
		{"UserId gte u; CustomerNumber equals n", Range{"u", ""}},
		{"UserId notequals u; UserId contains u; UserId endswith u; UserId notcontains v", Range{}},
		{"CustomerNumber equals n", Range{}},
		{"UserId gte " + long + "é", Range{long + "\x02", ""}},
		{"UserId lt " + long + "é", Range{"", long + "\x02"}},
		{"UserId gte u\x00u", Range{"u\x02", ""}},
		{"UserId lt u\x00u", Range{"", "u\x02"}},

		{"UserId equals u; UserId equals v", nothing},
		{"UserId equals u; UserId notequals u", nothing},
		{"UserId equals u; UserId endswith v", nothing},
		{"UserId equals u; CustomerNumber equals n; CustomerNumber contains m", nothing},
		{"UserId gt u; UserId lte u", nothing},
		{"UserId lt ", nothing},
		{"CustomerNumber startswith n; CustomerNumber gte o", nothing},
		{"UserId equals " + long + "é", nothing},
		{"UserId startswith u\x01", nothing},
		{"CustomerNumber contains \x00", nothing},
	} {
		values := url.Values{}
		if c.filters != "" {
			for i, f := range strings.Split(c.filters, "; ") {
				parts := strings.SplitN(f, " ", 3)
				for j, name := range []string{"field", "operator", "value"} {
					values.Set("filters["+strconv.Itoa(i)+"]."+name, parts[j])
				}
			}
		}
		q, err := ParseQuery(values)
		if err != nil {
			t.Fatalf("%q: %v", c.filters, err)
		}
		got, ok := q.Plan()
		if !ok {
			got = nothing
		}
		if got != c.want {
			t.Errorf("%q: %q; want %q", c.filters, got, c.want)
		}
	}
}
