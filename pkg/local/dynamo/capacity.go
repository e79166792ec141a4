package dynamo

import (
	"maps"
	"slices"
)

// Capacity units, as DynamoDB counts them.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html

const (
	readUnit  = 4096 // bytes of a strongly consistent read; an eventually consistent one costs half
	writeUnit = 1024 // bytes
)

// writeUnits is what it costs to write so many bytes; a write of nothing costs one unit.
func writeUnits(bytes int) float64 { return float64(max((bytes+writeUnit-1)/writeUnit, 1)) }

// consistency is what a read unit costs.
type consistency float64

const (
	eventual      consistency = 0.5
	strong        consistency = 1
	transactional consistency = 2
)

func consistencyOf(consistent bool) consistency {
	if consistent {
		return strong
	}
	return eventual
}

// units is what it costs to read so many bytes; a read of nothing costs one unit.
func (c consistency) units(bytes int) float64 {
	return float64(c) * float64(max((bytes+readUnit-1)/readUnit, 1))
}

// consumption adds up what one request costs a table and its indexes.
type consumption struct {
	table   float64
	indexes map[string]float64
}

// write adds what it costs to turn old into it, either of which may be nil. Transactions pay factor 2.
//
// An index pays for every entry it adds, changes or drops; one whose key changes is dropped and added.
func (c *consumption) write(s *schema, old, it Item, factor float64) {
	c.table += factor * writeUnits(max(old.bytes(), it.bytes()))
	if equalItems(old, it) {
		return
	}
	for _, ix := range s.indexes {
		before, had := ix.entry("", old)
		behind, has := ix.entry("", it)
		was, is := ix.project(old), ix.project(it)
		switch {
		case had && has && before == behind:
			if !equalItems(was, is) {
				c.index(ix.name, factor*writeUnits(max(was.bytes(), is.bytes())))
			}
			continue
		case had:
			c.index(ix.name, factor*writeUnits(was.bytes()))
		}
		if has {
			c.index(ix.name, factor*writeUnits(is.bytes()))
		}
	}
}

func (c *consumption) index(name string, units float64) {
	if c.indexes == nil {
		c.indexes = map[string]float64{}
	}
	c.indexes[name] += units
}

// detail is the parameter ReturnConsumedCapacity.
type detail string

func (d detail) check() error {
	switch d {
	case "", "NONE", "TOTAL", "INDEXES":
		return nil
	}
	return constraint(d, "returnConsumedCapacity", "Member must satisfy enum value set: [INDEXES, TOTAL, NONE]")
}

func (d detail) asked() bool { return d == "TOTAL" || d == "INDEXES" }

// report is the ConsumedCapacity of one table, nil when nobody asked. side is "Read" or "Write" for transactions, which
// say it, and "" for all others.
func (d detail) report(table string, c consumption, side string) answer {
	if !d.asked() {
		return nil
	}
	units := func(n float64) answer {
		a := answer{{"CapacityUnits", n}}
		if side != "" {
			a = append(a, field{side + "CapacityUnits", n})
		}
		return a
	}
	total := c.table
	indexes := answer{}
	for _, name := range slices.Sorted(maps.Keys(c.indexes)) {
		total += c.indexes[name]
		indexes = append(indexes, field{name, units(c.indexes[name])})
	}
	a := append(answer{{"TableName", table}}, units(total)...)
	if d == "INDEXES" {
		a = append(a, field{"Table", units(c.table)})
		if len(indexes) > 0 {
			a = append(a, field{"GlobalSecondaryIndexes", indexes})
		}
	}
	return a
}

// bill is what a request costs several tables.
type bill map[string]*consumption

func (b bill) table(name string) *consumption {
	if b[name] == nil {
		b[name] = &consumption{}
	}
	return b[name]
}

// report is the list of ConsumedCapacity, nil when nobody asked.
func (b bill) report(d detail, side string) any {
	if !d.asked() {
		return nil
	}
	all := []answer{}
	for _, name := range sortedKeys(b) {
		all = append(all, d.report(name, *b[name], side))
	}
	return all
}
