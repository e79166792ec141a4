package dynamo

import (
	"slices"
	"strings"
)

// Item is an item, a key or a map inside an item: attributes in the order of their names. Items are never changed once
// made, so that tables, indexes, stream records and answers share them.
type Item []attribute

type attribute struct {
	name  string
	value value
}

// Text is the string held by an attribute, "" when it is absent or of another type.
func (it Item) Text(name string) string {
	s, _ := it.get(name).(text)
	return string(s)
}

// get is nil when there is no such attribute.
func (it Item) get(name string) value {
	if i, found := it.find(name); found {
		return it[i].value
	}
	return nil
}

func (it Item) find(name string) (int, bool) {
	return slices.BinarySearchFunc(it, name, func(a attribute, name string) int { return strings.Compare(a.name, name) })
}

// with is a copy in which the attribute has the value; nil takes it away.
func (it Item) with(name string, v value) Item {
	i, found := it.find(name)
	switch {
	case !found && v == nil:
		return it
	case !found:
		return slices.Insert(slices.Clip(it), i, attribute{name, v})
	case v == nil:
		return slices.Delete(slices.Clone(it), i, i+1)
	}
	it = slices.Clone(it)
	it[i].value = v
	return it
}

// only is the item cut down to some attributes; names are sorted.
func (it Item) only(names []string) Item {
	cut := make(Item, 0, len(names))
	for _, name := range names {
		if v := it.get(name); v != nil {
			cut = append(cut, attribute{name, v})
		}
	}
	return cut
}

// bytes is the item's size as DynamoDB counts it: names in UTF-8 and values.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (it Item) bytes() int {
	n := 0
	for _, a := range it {
		n += len(a.name) + a.value.size()
	}
	return n
}

// depth is how many lists and maps lie in each other in a value, itself included.
func depth(v value) int {
	deepest := 0
	switch v := v.(type) {
	case Item:
		for _, a := range v {
			deepest = max(deepest, depth(a.value))
		}
	case list:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	default:
		return 0
	}
	return 1 + deepest
}

// maxItem is the largest item, in bytes.
const maxItem = 400 * 1024

// A value is what an attribute holds: one of the ten types below.
type value interface {
	kind() string // the type's name in the protocol
	size() int    // in bytes, as DynamoDB counts
	appendJSON(b []byte) []byte
}

type (
	text      string
	blob      string
	boolean   bool
	null      struct{}
	list      []value
	textSet   []text // sets are sorted, so that equal sets are equal slices
	numberSet []number
	blobSet   []blob
)

func (text) kind() string      { return "S" }
func (number) kind() string    { return "N" }
func (blob) kind() string      { return "B" }
func (boolean) kind() string   { return "BOOL" }
func (null) kind() string      { return "NULL" }
func (list) kind() string      { return "L" }
func (Item) kind() string      { return "M" }
func (textSet) kind() string   { return "SS" }
func (numberSet) kind() string { return "NS" }
func (blobSet) kind() string   { return "BS" }

func (v text) size() int    { return len(v) }
func (v blob) size() int    { return len(v) }
func (v boolean) size() int { return 1 }
func (v null) size() int    { return 1 }

// A number takes one byte for each two digits and one more, and one for a minus: the length of its own form but for one.
func (n number) size() int { return max(len(n)-1, 1) }

func (v list) size() int {
	n := 3
	for _, e := range v {
		n += 1 + e.size()
	}
	return n
}

func (it Item) size() int { return 3 + len(it) + it.bytes() }

func (v textSet) size() int   { return sizes(v) }
func (v numberSet) size() int { return sizes(v) }
func (v blobSet) size() int   { return sizes(v) }

func sizes[V value](set []V) int {
	n := 0
	for _, e := range set {
		n += e.size()
	}
	return n
}

// equal compares by value: 10 is 10.00, and a set has no order.
func equal(a, b value) bool {
	switch a := a.(type) {
	case Item:
		b, ok := b.(Item)
		return ok && slices.EqualFunc(a, b, func(x, y attribute) bool { return x.name == y.name && equal(x.value, y.value) })
	case list:
		b, ok := b.(list)
		return ok && slices.EqualFunc(a, b, equal)
	case textSet:
		b, ok := b.(textSet)
		return ok && slices.Equal(a, b)
	case numberSet:
		b, ok := b.(numberSet)
		return ok && slices.Equal(a, b)
	case blobSet:
		b, ok := b.(blobSet)
		return ok && slices.Equal(a, b)
	}
	if a == nil || b == nil {
		return false
	}
	return a.kind() == b.kind() && a == b
}

// compare orders two strings, two numbers or two binaries; nothing else has an order.
func compare(a, b value) (order int, ok bool) {
	if a == nil || b == nil || a.kind() != b.kind() {
		return 0, false
	}
	x, ok := sortable(a)
	if !ok {
		return 0, false
	}
	y, _ := sortable(b)
	return strings.Compare(x, y), true
}

// sortable is the bytes by which a string, a number or a binary sorts among its kind.
func sortable(v value) (string, bool) {
	switch v := v.(type) {
	case text:
		return string(v), true
	case number:
		return string(v), true
	case blob:
		return string(v), true
	}
	return "", false
}
