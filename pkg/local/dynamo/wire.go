package dynamo

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The JSON of items: {"name":{"S":"text"}}. It is read and written by hand, for it is most of what the engine does.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html

// MarshalJSON writes the item as the protocol and the stream events do.
func (it Item) MarshalJSON() ([]byte, error) { return it.appendMembers(nil), nil }

// UnmarshalJSON reads an item, key or map; a value that breaks a rule is a ValidationException.
func (it *Item) UnmarshalJSON(data []byte) error {
	read, err := parseItem(string(data), maxDepth)
	*it = read
	return err
}

func (it Item) appendMembers(b []byte) []byte {
	b = append(b, '{')
	for i, a := range it {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, a.name)
		b = append(b, ':')
		b = a.value.appendJSON(b)
	}
	return append(b, '}')
}

func (it Item) appendJSON(b []byte) []byte {
	return append(it.appendMembers(append(b, `{"M":`...)), '}')
}

func (v text) appendJSON(b []byte) []byte {
	return append(appendString(append(b, `{"S":`...), string(v)), '}')
}

func (n number) appendJSON(b []byte) []byte {
	return append(n.appendText(append(b, `{"N":"`...)), `"}`...)
}

func (v blob) appendJSON(b []byte) []byte {
	return append(v.appendText(append(b, `{"B":"`...)), `"}`...)
}

func (v blob) appendText(b []byte) []byte { return base64.StdEncoding.AppendEncode(b, []byte(v)) }

func (v boolean) appendJSON(b []byte) []byte {
	if v {
		return append(b, `{"BOOL":true}`...)
	}
	return append(b, `{"BOOL":false}`...)
}

func (v null) appendJSON(b []byte) []byte { return append(b, `{"NULL":true}`...) }

func (v list) appendJSON(b []byte) []byte {
	return appendList(b, "L", v, func(b []byte, e value) []byte { return e.appendJSON(b) })
}

func (v textSet) appendJSON(b []byte) []byte {
	return appendList(b, "SS", v, func(b []byte, e text) []byte { return appendString(b, string(e)) })
}

func (v numberSet) appendJSON(b []byte) []byte {
	return appendList(b, "NS", v, func(b []byte, e number) []byte { return append(e.appendText(append(b, '"')), '"') })
}

func (v blobSet) appendJSON(b []byte) []byte {
	return appendList(b, "BS", v, func(b []byte, e blob) []byte { return append(e.appendText(append(b, '"')), '"') })
}

func appendList[E any](b []byte, kind string, list []E, element func([]byte, E) []byte) []byte {
	b = append(b, `{"`...)
	b = append(b, kind...)
	b = append(b, `":[`...)
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(b, e)
	}
	return append(b, ']', '}')
}

const hexDigits = "0123456789abcdef"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		if c < ' ' {
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			b = append(b, '\\', c)
		}
		start = i + 1
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// maxDepth is how deep lists and maps may nest.
const maxDepth = 32

// reader takes items from JSON. The strings of what it reads are parts of its own. After the first error it reads on in
// vain: the error is what counts.
type reader struct {
	json  string
	at    int
	depth int // allowed
	err   error
}

func parseItem(json string, depth int) (Item, error) {
	if !utf8.ValidString(json) {
		return nil, malformed("the body is not UTF-8")
	}
	r := reader{json: json, depth: depth}
	it := r.item(0)
	if r.space(); r.err == nil && r.at != len(json) {
		r.fail("unexpected text after the item")
	}
	if r.err != nil {
		return nil, r.err
	}
	return it, nil
}

func (r *reader) fail(format string, args ...any) { r.refuse(malformed(format, args...)) }

func (r *reader) refuse(err error) {
	if r.err == nil {
		r.err = err
	}
	r.at = len(r.json)
}

func (r *reader) space() {
	for r.at < len(r.json) && strings.IndexByte(" \t\r\n", r.json[r.at]) >= 0 {
		r.at++
	}
}

// take steps over c where it comes next.
func (r *reader) take(c byte) bool {
	r.space()
	if r.at < len(r.json) && r.json[r.at] == c {
		r.at++
		return true
	}
	return false
}

func (r *reader) expect(c byte) {
	if !r.take(c) {
		r.fail("expected %q at byte %d", c, r.at)
	}
}

// begin and more go through what lies between open and close, parted by commas:
//
//	for more := r.begin('[', ']'); more; more = r.more(']') { … }
func (r *reader) begin(open, close byte) bool {
	r.expect(open)
	return r.err == nil && !r.take(close)
}

func (r *reader) more(close byte) bool {
	if r.take(',') {
		return r.err == nil
	}
	r.expect(close)
	return false
}

func (r *reader) item(depth int) Item {
	if depth > r.depth {
		r.refuse(errTooDeep)
	}
	var scratch [16]attribute
	read := scratch[:0]
	for more := r.begin('{', '}'); more; more = r.more('}') {
		name := r.string()
		r.expect(':')
		read = append(read, attribute{name, r.value(depth)})
	}
	if !slices.IsSortedFunc(read, byName) {
		slices.SortStableFunc(read, byName)
	}
	for i := 1; i < len(read); i++ {
		if read[i].name == read[i-1].name {
			r.fail("the attribute %s comes twice", read[i].name)
		}
	}
	it := make(Item, len(read))
	copy(it, read)
	return it
}

var errTooDeep = invalid("Nesting Levels have exceeded supported limits")

func byName(a, b attribute) int { return strings.Compare(a.name, b.name) }

func (r *reader) value(depth int) value {
	var v value
	n := 0
	for more := r.begin('{', '}'); more; more = r.more('}') {
		kind := r.string()
		r.expect(':')
		v = r.content(kind, depth)
		n++
	}
	switch {
	case n == 0:
		r.refuse(invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"))
	case n > 1:
		r.refuse(invalid("Supplied AttributeValue has more than one datatypes set, " +
			"must contain exactly one of the supported datatypes"))
	}
	return v
}

func (r *reader) content(kind string, depth int) value {
	switch kind {
	case "S":
		return text(r.string())
	case "N":
		return r.number()
	case "B":
		return r.blob()
	case "BOOL":
		return boolean(r.boolean())
	case "NULL":
		if !r.boolean() {
			r.refuse(invalid("One or more parameter values were invalid: " +
				"Null attribute value types must have the value of true"))
		}
		return null{}
	case "L":
		if depth >= r.depth {
			r.refuse(errTooDeep)
		}
		l := list{}
		for more := r.begin('[', ']'); more; more = r.more(']') {
			l = append(l, r.value(depth+1))
		}
		return l
	case "M":
		return r.item(depth + 1)
	case "SS":
		return textSet(readSet(r, "An string set  may not be empty", func() text { return text(r.string()) }))
	case "NS":
		return numberSet(readSet(r, "An number set  may not be empty", r.number))
	case "BS":
		return blobSet(readSet(r, "Binary sets should not be empty", r.blob))
	}
	r.fail("%q is no type of an attribute", kind)
	return nil
}

// readSet sorts what it reads and refuses a set that is empty or names an element twice.
func readSet[E interface {
	text | number | blob
	value
}](r *reader, empty string, element func() E) []E {
	var set []E
	for more := r.begin('[', ']'); more; more = r.more(']') {
		set = append(set, element())
	}
	if r.err != nil {
		return nil
	}
	if len(set) == 0 {
		r.refuse(invalid("One or more parameter values were invalid: %s", empty))
		return nil
	}
	sorted := slices.Sorted(slices.Values(set))
	if len(slices.Compact(slices.Clone(sorted))) < len(set) {
		r.refuse(invalid("One or more parameter values were invalid: Input collection [%s] contains duplicates", joined(set)))
	}
	return sorted
}

func joined[E any](set []E) string {
	names := make([]string, len(set))
	for i, e := range set {
		names[i] = fmt.Sprint(e)
	}
	return strings.Join(names, ", ")
}

func (r *reader) number() number {
	s := r.string()
	if r.err != nil {
		return zero
	}
	n, err := parseNumber(s)
	if err != nil {
		r.refuse(err)
		return zero
	}
	return n
}

func (r *reader) blob() blob {
	b, err := base64.StdEncoding.DecodeString(r.string())
	if err != nil {
		r.fail("a binary is not of base64")
	}
	return blob(b)
}

func (r *reader) boolean() bool {
	r.space()
	for _, word := range []string{"true", "false"} {
		if strings.HasPrefix(r.json[r.at:], word) {
			r.at += len(word)
			return word == "true"
		}
	}
	r.fail("expected true or false at byte %d", r.at)
	return false
}

func (r *reader) string() string {
	r.expect('"')
	if r.err != nil {
		return ""
	}
	start := r.at
	for ; r.at < len(r.json); r.at++ {
		switch c := r.json[r.at]; {
		case c == '"':
			r.at++
			return r.json[start : r.at-1]
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			r.fail("a control character in a string")
			return ""
		}
	}
	r.fail("a string has no end")
	return ""
}

// escaped reads the string that begins at start and has an escape at r.at.
func (r *reader) escaped(start int) string {
	for ; r.at < len(r.json); r.at++ {
		switch r.json[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			var s string
			if err := json.Unmarshal([]byte(r.json[start-1:r.at]), &s); err != nil {
				r.fail("%v", err)
			}
			return s
		}
	}
	r.fail("a string has no end")
	return ""
}
