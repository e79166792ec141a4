package customer

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"charter/pkg/fault"
)

const maxPageSize = 200

// ParseQuery reads the query of a list of associations:
//
//	pageNumber, page       1 or more; 1 unless given
//	pageSize               1 to 200; 25 unless given
//	sortOn, sortBy         UserId or CustomerNumber; UserId unless given
//	sortDirection          asc or desc; asc unless given
//	cursor                 the NextCursor of an earlier answer; pageNumber says nothing beside it
//	filters                a JSON array of at most 10 {"field", "operator", "value"}
//	filters[0].field       the same, counted from 0 without gaps; operator and
//	filters[0][field]      value likewise
//
// Names of parameters, fields, operators and directions are matched without
// regard to the case of ASCII letters; a filter's value is taken exactly as it
// was sent. A parameter is given once, under one of its names, and filters are
// given as JSON or one by one. Other parameters are ignored, unless their name
// begins with "filters": a misspelled filter must not show more than was asked.
//
// The error holds a fault of kind fault.Invalid for each thing that is wrong,
// in the parameter at fault by its name above; what is wrong inside of the JSON
// array is in "filters".
func ParseQuery(sent url.Values) (Query, error) {
	p := parameters{sent: map[string][]string{}}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		p.sent[lower(name)] = append(p.sent[lower(name)], sent[name]...)
	}
	q := Query{page: 1, size: 25, sortOn: userID}
	if name, value, ok := p.take("pageNumber", "page"); ok {
		q.page = p.count(name, value, math.MaxInt)
	}
	if name, value, ok := p.take("pageSize"); ok {
		q.size = p.count(name, value, maxPageSize)
	}
	if name, value, ok := p.take("sortOn", "sortBy"); ok {
		q.sortOn, ok = fieldNamed(value)
		p.check(ok, name, notAField)
	}
	if name, value, ok := p.take("sortDirection"); ok {
		q.descending = lower(value) == "desc"
		p.check(q.descending || lower(value) == "asc", name, notADirection)
	}
	if name, value, ok := p.take("cursor"); ok {
		q.cursor = value
		p.check(looksSealed(value), name, BadCursor)
	}
	q.filters = p.filters()
	if len(p.wrong) > 0 {
		return Query{}, errors.Join(p.wrong...)
	}
	return q, nil
}

func invalid(message string) fault.Fault { return fault.Fault{Kind: fault.Invalid, Message: message} }

var (
	givenTwice    = invalid("Must be given only once, under one name.")
	notAField     = invalid("Must be " + fields[0].name + " or " + fields[1].name + ".")
	notADirection = invalid("Must be asc or desc.")
)

// parameters are those of one query that were not read yet, by name in lower
// case, and what was wrong with those that were.
type parameters struct {
	sent  map[string][]string
	wrong []error
}

// check adds a fault in the parameter unless all is well.
func (p *parameters) check(well bool, name string, f fault.Fault) {
	if !well {
		p.wrong = append(p.wrong, f.In(name))
	}
}

// take reads the parameter that goes by these names, and tells which one it was
// sent under. ok is false when it was not sent.
func (p *parameters) take(names ...string) (name, value string, ok bool) {
	var values []string
	for _, n := range names {
		if sent := p.sent[lower(n)]; len(sent) > 0 && len(values) == 0 {
			name = n
		}
		values = append(values, p.sent[lower(n)]...)
		delete(p.sent, lower(n))
	}
	if len(values) == 0 {
		return "", "", false
	}
	p.check(len(values) == 1, name, givenTwice)
	return name, values[0], true
}

// count reads a whole number from 1 to most.
func (p *parameters) count(name, value string, most int) int {
	n, err := strconv.ParseUint(value, 10, strconv.IntSize-1)
	if err != nil || n < 1 || n > uint64(most) {
		p.wrong = append(p.wrong, invalid(fmt.Sprintf("Must be a whole number from 1 to %d.", most)).In(name))
	}
	return int(n)
}

func fieldNamed(name string) (*field, bool) {
	for _, f := range fields {
		if lower(f.name) == lower(name) {
			return f, true
		}
	}
	return nil, false
}

// lower is s with the ASCII letters in lower case: no other letter is one of
// them in disguise, as the Kelvin sign is a k to strings.ToLower.
func lower(s string) string {
	if !strings.ContainsAny(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}
