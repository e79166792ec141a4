package roll

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"charter/pkg/customer"
)

// cabinet is sheets in memory.
type cabinet struct {
	keys, rest map[string][]byte
}

func (c *cabinet) keep(keys, rest []byte) (string, error) {
	name := "sheet " + strconv.Itoa(len(c.keys))
	c.keys[name], c.rest[name] = keys, rest
	return name, nil
}

func (c *cabinet) Counts(o customer.Order, spans []Span, q customer.Query) (counts []int, err error) {
	for _, s := range spans {
		k, err := Open(o, c.keys[s.Sheet])
		if err != nil {
			return nil, err
		}
		counts = append(counts, k.Count(q))
	}
	return counts, nil
}

func (c *cabinet) Rows(o customer.Order, spans []Span) (all [][]customer.Association, err error) {
	for _, s := range spans {
		k, err := Open(o, c.keys[s.Sheet])
		if err != nil {
			return nil, err
		}
		rows, err := k.Rows("org_1", c.rest[s.Sheet])
		if err != nil {
			return nil, err
		}
		all = append(all, rows)
	}
	return all, nil
}

func (c *cabinet) merge(contents Contents, fresh []customer.Association, size int) (next Contents, err error) {
	for _, o := range customer.Orders {
		most := Pieces(o, contents[o], fresh, size)
		before := len(c.keys)
		next[o], err = Merge(o, contents[o], fresh, size, func(s Span) ([]customer.Association, error) {
			all, err := c.Rows(o, []Span{s})
			if err != nil {
				return nil, err
			}
			return all[0], nil
		}, c.keep)
		if err == nil && len(c.keys)-before > most {
			err = fmt.Errorf("%d sheets were made; at most %d were promised", len(c.keys)-before, most)
		}
		if err != nil {
			return Contents{}, err
		}
	}
	return OpenContents(next.Encode())
}

var made = time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)

// members are few and close together, so that queries meet them.
func members() *rapid.Generator[string] {
	letter := rapid.SampledFrom([]rune{'!', 'a', 'b', 'é', '\ud7ff', '\ue000', '😀', '\U0010ffff'})
	return rapid.OneOf(rapid.StringOfN(letter, 1, 3, -1), rapid.Map(letter, func(r rune) string { return strings.Repeat(string(r), 64) }))
}

func drawRows(t *rapid.T) (rows []customer.Association) {
	seen := map[string]bool{}
	for range rapid.IntRange(0, 60).Draw(t, "rows") {
		a := customer.Association{UserID: members().Draw(t, "user"), Number: customer.Number(members().Draw(t, "number")), OrganizationID: "org_1",
			ID: fmt.Sprintf("01kdz9n3w6%016d", len(rows)), CreatedAt: made.Add(time.Duration(rapid.IntRange(-2, 5000).Draw(t, "ms")) * time.Millisecond)}
		if !seen[a.Key()] {
			seen[a.Key()] = true
			rows = append(rows, a)
		}
	}
	return rows
}

func drawQuery(t *rapid.T) url.Values {
	v := url.Values{
		"pageSize":      {strconv.Itoa(rapid.SampledFrom([]int{1, 2, 3, 7, 200}).Draw(t, "size"))},
		"sortOn":        {rapid.SampledFrom([]string{"UserId", "CustomerNumber"}).Draw(t, "sort on")},
		"sortDirection": {rapid.SampledFrom([]string{"asc", "desc"}).Draw(t, "direction")},
		"pageNumber":    {strconv.Itoa(rapid.SampledFrom([]int{1, 2, 3, 9, 1 << 62}).Draw(t, "page"))},
	}
	for i := range rapid.SampledFrom([]int{0, 0, 1, 1, 2, 3}).Draw(t, "filters") {
		name := fmt.Sprintf("filters[%d].", i)
		v.Set(name+"field", rapid.SampledFrom([]string{"UserId", "CustomerNumber"}).Draw(t, "field"))
		v.Set(name+"operator", rapid.SampledFrom(strings.Fields("startswith contains notcontains endswith equals notequals gt gte lt lte")).Draw(t, "operator"))
		v.Set(name+"value", rapid.OneOf(members(), rapid.Just("")).Draw(t, "value"))
	}
	return v
}

// A page read off a roll is the page of all rows in one list, whichever of them
// are on sheets, in whichever sheets, and so is every page of a walk.
func TestReadProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		size := rapid.SampledFrom([]int{1, 2, 5, SheetRows}).Draw(t, "sheet")
		c := &cabinet{map[string][]byte{}, map[string][]byte{}}
		var contents Contents
		fresh := rows
		for range rapid.IntRange(0, 4).Draw(t, "merges") {
			n := rapid.IntRange(0, len(fresh)).Draw(t, "merged")
			var err error
			if contents, err = c.merge(contents, fresh[:n], size); err != nil {
				t.Fatal(err)
			}
			fresh = fresh[n:]
			if contents.Rows() != len(rows)-len(fresh) {
				t.Fatalf("%d rows in sheets, %d were merged", contents.Rows(), len(rows)-len(fresh))
			}
			for o, spans := range contents {
				for _, s := range spans {
					if s.Rows < 1 || s.Rows > size {
						t.Fatalf("order %d has a sheet of %d rows", o, s.Rows)
					}
				}
			}
		}
		for range 10 {
			sent := drawQuery(t)
			for range len(rows) + 2 {
				q, err := customer.ParseQuery(sent)
				if err == nil {
					q, err = q.Open([]byte("key"), "org_1")
				}
				if err != nil {
					t.Fatalf("%v: %v", sent, err)
				}
				got, err := Read(q, contents, fresh, c)
				if err != nil {
					t.Fatal(err)
				}
				var matching []customer.Association
				for _, a := range rows {
					if q.Match(a) {
						matching = append(matching, a)
					}
				}
				want := q.Page(matching)
				if !slices.Equal(got.Data, want.Data) || got.Data == nil {
					t.Fatalf("%v:\n%v; want\n%v", sent, got.Data, want.Data)
				}
				data := got.Data
				if got.Data, want.Data = nil, nil; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("%v: %+v; want %+v", sent, got, want)
				}
				if !got.More {
					break
				}
				sent.Set("cursor", q.Seal([]byte("key"), "org_1", data[len(data)-1]))
			}
		}
	})
}

// What Encode makes is read again as it was.
func TestSheetProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := customer.Orders[rapid.IntRange(0, 1).Draw(t, "order")]
		rows := drawRows(t)
		Sort(o, rows)
		if len(rows) > 0 && rapid.Bool().Draw(t, "odd id") {
			rows[0].ID = rapid.String().Draw(t, "id")
		}
		keys, rest := Encode(o, rows)
		k, err := Open(o, keys)
		if err != nil {
			t.Fatal(err)
		}
		got, err := k.Rows("org_1", rest)
		if err != nil || !slices.Equal(got, rows) || k.Len() != len(rows) {
			t.Fatalf("%v (%v); want %v", got, err, rows)
		}
	})
}

// A million associations take what the arithmetic of the package comment says.
func TestSheetSize(t *testing.T) {
	rows := make([]customer.Association, SheetRows)
	for i := range rows {
		id := fmt.Sprintf("01k%07d%016x", i*31%9999999, uint64(i)*0x9e3779b97f4a7c15)
		rows[i] = customer.Association{UserID: "kp_" + id, Number: customer.Number(fmt.Sprintf("C-%07d", i*7919%9999991)), ID: id, CreatedAt: made}
	}
	for _, o := range customer.Orders {
		Sort(o, rows)
		keys, rest := Encode(o, rows)
		k, err := Open(o, keys)
		if err != nil {
			t.Fatal(err)
		}
		if len(keys) > 20*SheetRows || len(rest) > 20*SheetRows || k.Size() > 35*SheetRows {
			t.Errorf("order %d: %.1f and %.1f bytes a row, %.1f in memory", o, float64(len(keys))/SheetRows, float64(len(rest))/SheetRows, float64(k.Size())/SheetRows)
		}
	}
}

func FuzzOpen(f *testing.F) {
	rows := []customer.Association{{ID: "01kdz9n3w60000000000000000", UserID: "kp_1", Number: "C-1", CreatedAt: made},
		{ID: "", UserID: "kp_1", Number: "é", CreatedAt: made}}
	for _, o := range customer.Orders {
		Sort(o, rows)
		keys, rest := Encode(o, rows)
		f.Add(keys, rest)
		f.Add(keys[:len(keys)-2], rest[:3])
		f.Add(rest, keys)
	}
	f.Add([]byte{}, []byte{format})
	f.Fuzz(func(t *testing.T, keys, rest []byte) {
		k, err := Open(customer.ByUser, keys)
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Fatal(err)
			}
			return
		}
		rows, err := k.Rows("org_1", rest)
		if err != nil {
			return
		}
		// What could be read means the same when it is written again.
		again, more := Encode(customer.ByUser, rows)
		k, err = Open(customer.ByUser, again)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := k.Rows("org_1", more); err != nil || !slices.Equal(same, rows) {
			t.Fatalf("%v, %v (%v)", rows, same, err)
		}
	})
}

func FuzzOpenContents(f *testing.F) {
	c := Contents{{{"a.1", "kp_1\x01C-1", 3}, {"a.2", "kp_2\x01C-1", 2048}}, {{"a.3", "C-1\x01kp_1", 2051}}}
	f.Add(c.Encode())
	f.Add(Contents{}.Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := OpenContents(text)
		if err != nil {
			return
		}
		if again, err := OpenContents(c.Encode()); err != nil || fmt.Sprint(again) != fmt.Sprint(c) {
			t.Fatalf("%v, %v (%v)", c, again, err)
		}
	})
}
