package roll

import (
	"encoding/binary"
	"sort"

	"charter/pkg/customer"
)

// Span is a sheet and its place in an order: the keys from First on, up to the First of the next. The first span of an
// order also has all keys before.
type Span struct {
	Sheet string // its name
	First string // the key of its first row, when it was made
	Rows  int
}

// Contents are the spans of each order. All orders have the same rows.
type Contents [len(customer.Orders)][]Span

// Rows is how many there are in sheets.
func (c Contents) Rows() (rows int) {
	for _, s := range c[customer.ByUser] {
		rows += s.Rows
	}
	return rows
}

// Sheets are the names of all sheets.
func (c Contents) Sheets() map[string]bool {
	names := map[string]bool{}
	for _, spans := range c {
		for _, s := range spans {
			names[s.Sheet] = true
		}
	}
	return names
}

// Encode makes a text of the contents.
func (c Contents) Encode() []byte {
	var parts [][]byte
	for _, spans := range c {
		sheets, firsts, rows := column{}, column{}, []byte(nil)
		for _, s := range spans {
			sheets.add(s.Sheet)
			firsts.add(s.First)
			rows = binary.AppendUvarint(rows, uint64(s.Rows))
		}
		parts = append(parts, binary.AppendUvarint(nil, uint64(len(spans))), sheets.marks, sheets.tails, firsts.marks, firsts.tails, rows)
	}
	return deflate(parts...)
}

// OpenContents reads what Contents.Encode made. Its error says only that it is damaged.
func OpenContents(text []byte) (c Contents, err error) {
	r, err := inflate(text)
	if err != nil {
		return c, err
	}
	for o := range c {
		n, ok := r.count()
		sheets, alsoOK := r.column(n)
		firsts, firstsOK := r.column(n)
		if !ok || !alsoOK || !firstsOK {
			return Contents{}, errDamaged
		}
		names, keys := sheets.texts(n), firsts.texts(n)
		for i := range n {
			rows, ok := r.count()
			if !ok {
				return Contents{}, errDamaged
			}
			c[o] = append(c[o], Span{names.at(i), keys.at(i), rows})
		}
	}
	if len(r) > 0 {
		return Contents{}, errDamaged
	}
	return c, nil
}

// find is the span of a key, -1 where there are none.
func find(spans []Span, key string) int {
	return max(sort.Search(len(spans), func(i int) bool { return spans[i].First > key })-1, min(len(spans), 1)-1)
}

// within are the spans that hold keys of the range: from from on, before to.
func within(spans []Span, r customer.Range) (from, to int) {
	to = len(spans)
	if r.Before != "" {
		to = sort.Search(len(spans), func(i int) bool { return spans[i].First >= r.Before })
		to = max(to, min(len(spans), 1)) // the first span has all keys before, too
	}
	return max(find(spans, r.From), 0), to
}
