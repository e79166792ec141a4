package customer

import (
	"unicode/utf8"
)

// Key is the place of an association in the order by UserId.
func (a Association) Key() string { return ByUser.Key(a) }

const (
	parting = "\x01"
	beyond  = "\x02" // a text and this come right after the text and all keys that it begins
)

// Range is the keys at or after From and before Before, "" for no end. Both
// are shorter than 600 bytes.
type Range struct{ From, Before string }

// Holds reports whether the key is in the range.
func (r Range) Holds(key string) bool { return key >= r.From && (r.Before == "" || key < r.Before) }

// Plan is PlanBy the order of UserId.
func (q Query) Plan() (r Range, ok bool) { return q.PlanBy(ByUser) }

// PlanBy is where in the order all associations are that can match; others are
// there too, for Match to sort out. ok is false when nothing can match.
//
// Filters on the order's field narrow it. Once they leave a single value of it,
// so do those on the other field.
func (q Query) PlanBy(o Order) (r Range, ok bool) {
	first, second := userID, number
	if o == ByNumber {
		first, second = number, userID
	}
	outer, ok := q.span(first)
	inner, alsoOK := q.span(second)
	if !ok || !alsoOK {
		return Range{}, false
	}
	value, single := outer.single()
	if !single {
		return outer, true
	}
	r = Range{value + parting + inner.From, value + parting + inner.Before}
	if inner.Before == "" {
		r.Before = value + beyond
	}
	return r, true
}

// span is where the filters on one field can all hold.
func (q Query) span(on *field) (r Range, ok bool) {
	for _, f := range q.filters {
		if f.field != on {
			continue
		}
		s, ok := f.operator.span(limitOf(f.value))
		if !ok {
			return Range{}, false
		}
		if r, ok = r.and(s); !ok {
			return Range{}, false
		}
	}
	if member, single := r.single(); single {
		for _, f := range q.filters {
			if f.field == on && !f.operator.holds(member, f.value) {
				return Range{}, false
			}
		}
	}
	return r, true
}

func (r Range) and(s Range) (both Range, ok bool) {
	r.From = max(r.From, s.From)
	if r.Before == "" || s.Before != "" && s.Before < r.Before {
		r.Before = s.Before
	}
	return r, r.Before == "" || r.From < r.Before
}

// single is the only member in the range, when there is but one.
func (r Range) single() (member string, ok bool) { return r.From, r.Before == r.From+beyond }

// limit is a filter's value as far as a member can agree with it: up to its
// first control character, and no longer than a member can be. whole is false
// when there was more: then no member is the value, begins with it or has it in
// it, and those that agree up to the limit are all before the value, too.
type limit struct {
	text  string
	whole bool
}

// limitOf cuts the value. A user's id is shorter than the longest number.
func limitOf(value string) limit {
	count := 0
	for i, r := range value {
		if r < ' ' || count == maxNumber {
			return limit{value[:i], false}
		}
		count++
	}
	return limit{value, true}
}

func anywhere(limit) (Range, bool) { return Range{}, true }
func having(v limit) (Range, bool) { return Range{}, v.whole }
func only(v limit) (Range, bool)   { return Range{v.text, v.text + beyond}, v.whole }
func above(v limit) (Range, bool)  { return Range{v.text + beyond, ""}, true }
func upTo(v limit) (Range, bool)   { return Range{"", v.text + beyond}, true }

func beginning(v limit) (Range, bool) { return Range{v.text, following(v.text)}, v.whole }

func from(v limit) (Range, bool) {
	if !v.whole {
		return above(v)
	}
	return Range{v.text, ""}, true
}

func below(v limit) (Range, bool) {
	if !v.whole {
		return upTo(v)
	}
	return Range{"", v.text}, v.text != ""
}

// following is the first text after all that begin with prefix, "" when there
// is none: the prefix with its last code point that can be raised raised by one.
func following(prefix string) string {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch last {
		case utf8.MaxRune:
		case 0xd7ff:
			return prefix + "\ue000" // what is between is no text: surrogates
		default:
			return prefix + string(last+1)
		}
	}
	return ""
}
