package dynamo

import (
	"encoding/binary"
	"hash/fnv"
	"strings"
)

// Keys of the trees. A partition lies where the hash of its key falls, as in DynamoDB: nobody can lean on the order in
// which a Scan meets partitions, and a segment of a parallel Scan is a range. Inside it items lie in the order of the
// sort key. Each part is escaped and closed, so that parts never run into each other and still sort by their bytes:
//
//	item:         hash(partition) partition [sort]
//	index entry:  hash(index partition) index partition [index sort] item
//
// The item's key behind an index entry keeps entries apart that share their index key.

// keySchema names the attributes of a primary key or of an index's; sort.Name is "" where there is none.
type keySchema struct {
	hash, sort keyAttribute
}

type keyAttribute struct {
	name, kind string
}

// attributes are the parts that there are, the partition key first.
func (s keySchema) attributes() []keyAttribute {
	if s.sort.name == "" {
		return []keyAttribute{s.hash}
	}
	return []keyAttribute{s.hash, s.sort}
}

func (s keySchema) has(name string) bool {
	return name == s.hash.name || name == s.sort.name && name != ""
}

// The largest keys, in bytes.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys
const (
	maxHashKey = 2048
	maxSortKey = 1024
)

// key is the tree key of an item whose key attributes are known to be there and good.
func (s keySchema) key(it Item) string {
	b := appendPartition(nil, it.get(s.hash.name))
	if s.sort.name != "" {
		b = appendPart(b, it.get(s.sort.name))
	}
	return string(b)
}

const hashBytes = 8

func appendPartition(b []byte, v value) []byte {
	part, _ := sortable(v)
	hash := fnv.New64a()
	hash.Write([]byte(part))
	b = binary.BigEndian.AppendUint64(b, hash.Sum64())
	return appendPart(b, v)
}

// appendPart appends a whole part: its bytes, and the mark that closes it and sorts below any that could follow.
func appendPart(b []byte, v value) []byte {
	return append(appendPrefix(b, v), 0, 1)
}

// appendPrefix appends the bytes by which every part with that prefix begins. A zero is escaped.
func appendPrefix(b []byte, v value) []byte {
	part, _ := sortable(v)
	for {
		i := strings.IndexByte(part, 0)
		if i < 0 {
			return append(b, part...)
		}
		b = append(append(b, part[:i]...), 0, 255)
		part = part[i+1:]
	}
}

// after is the first key behind all that begin with prefix, "" where there is none.
func after(prefix string) string {
	end := []byte(prefix)
	for len(end) > 0 && end[len(end)-1] == 255 {
		end = end[:len(end)-1]
	}
	if len(end) > 0 {
		end[len(end)-1]++
	}
	return string(end)
}

// checkKey says whether it is exactly a key of the table.
func (s keySchema) checkKey(it Item) error {
	mismatch := invalid("The provided key element does not match the schema")
	if len(it) != len(s.attributes()) {
		return mismatch
	}
	for _, a := range s.attributes() {
		switch v := it.get(a.name); {
		case v == nil:
			return mismatch
		case v.kind() != a.kind:
			return unfit("%s", mismatch.Message)
		}
	}
	return s.checkSizes(it)
}

// checkItem says whether an item carries a good key.
func (s keySchema) checkItem(it Item) error {
	for _, a := range s.attributes() {
		switch v := it.get(a.name); {
		case v == nil:
			return invalid("One or more parameter values were invalid: Missing the key %s in the item", a.name)
		case v.kind() != a.kind:
			return unfit("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s",
				a.name, a.kind, v.kind())
		}
	}
	return s.checkSizes(it)
}

func (s keySchema) checkSizes(it Item) error {
	for _, a := range s.attributes() {
		switch v := it.get(a.name); {
		case isEmpty(v):
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute "+
				"cannot contain an empty %s value. Key: %s", kindWord(v), a.name)
		case a == s.hash && v.size() > maxHashKey:
			return errHashKeyTooLong
		case a == s.sort && v.size() > maxSortKey:
			return errSortKeyTooLong
		}
	}
	return nil
}

var (
	errHashKeyTooLong = invalid("One or more parameter values were invalid: " +
		"Size of hashkey has exceeded the maximum size limit of 2048 bytes")
	errSortKeyTooLong = invalid("One or more parameter values were invalid: " +
		"Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
)

// isEmpty: a string or binary of no bytes, which no key may be.
func isEmpty(v value) bool { return v == text("") || v == blob("") }

func kindWord(v value) string {
	if v.kind() == "B" {
		return "binary"
	}
	return "string"
}

// cut is the key of an item: its key attributes alone.
func (s keySchema) cut(it Item) Item {
	key := make(Item, 0, 2)
	for _, a := range it {
		if s.has(a.name) {
			key = append(key, a)
		}
	}
	return key
}
