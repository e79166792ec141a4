package conversation

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// tree is a JSON value with its members in order. An expected one may have
// placeholders, one that was got has none.
type tree struct {
	kind    byte // '{', '[', '"', '<' for a placeholder, '0' for any other value
	text    text // of a string (decoded), a placeholder or another value
	members []member
}

// member is one of an object, or an element of an array, which has no name.
type member struct {
	name  text
	value tree
}

// parseTree reads an expected value, and nothing after it. Its error is a
// placed.
func parseTree(s string) (tree, error) { return readTree(s, true) }

var errNotJSON = errors.New("not JSON")

// parseGot reads a value that was got.
func parseGot(raw []byte) (tree, error) {
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return tree{}, errNotJSON
	}
	return readTree(string(raw), false)
}

func readTree(s string, expected bool) (tree, error) {
	r := reader{s: s, expected: expected}
	v, err := r.value()
	if err == nil && r.next() != 0 {
		err = fmt.Errorf("more after the value: %q", r.sight())
	}
	if err != nil {
		return tree{}, placed{strings.Count(s[:r.at], "\n"), err}
	}
	return v, nil
}

// placed is an error in a body, so many lines after its first.
type placed struct {
	lines int
	error
}

type reader struct {
	s        string
	at       int
	expected bool
}

// next skips white space and is the byte after it, 0 at the end.
func (r *reader) next() byte {
	for r.at < len(r.s) {
		if c := r.s[r.at]; !strings.ContainsRune(" \t\r\n", rune(c)) {
			return c
		}
		r.at++
	}
	return 0
}

// sight is a little of what comes, for messages.
func (r *reader) sight() string {
	rest, _, _ := strings.Cut(r.s[r.at:], "\n")
	return rest[:min(len(rest), 20)]
}

func (r *reader) value() (tree, error) {
	switch c := r.next(); {
	case c == '{':
		return r.members('{', '}')
	case c == '[':
		return r.members('[', ']')
	case c == '"':
		t, err := r.string()
		return tree{kind: '"', text: t}, err
	case c == '<' && r.expected:
		found := placeholder.FindStringIndex(r.s[r.at:])
		if found == nil || found[0] != 0 {
			return tree{}, fmt.Errorf("not a placeholder: %q", r.sight())
		}
		t, err := parseText(r.s[r.at:r.at+found[1]], true)
		r.at += found[1]
		return tree{kind: '<', text: t}, err
	}
	end := r.at
	for end < len(r.s) && !strings.ContainsRune(",]}: \t\r\n", rune(r.s[end])) {
		end++
	}
	word := r.s[r.at:end]
	if !json.Valid([]byte(word)) {
		return tree{}, fmt.Errorf("not a JSON value: %q", r.sight())
	}
	r.at = end
	return tree{kind: '0', text: text{{literal: word}}}, nil
}

func (r *reader) members(open, end byte) (tree, error) {
	v := tree{kind: open}
	r.at++
	if r.next() == end {
		r.at++
		return v, nil
	}
	for {
		var m member
		var err error
		if open == '{' {
			if r.next() != '"' {
				return v, fmt.Errorf("not a member's name: %q", r.sight())
			}
			if m.name, err = r.string(); err != nil {
				return v, err
			}
			if r.next() != ':' {
				return v, fmt.Errorf("no colon after a member's name: %q", r.sight())
			}
			r.at++
		}
		if m.value, err = r.value(); err != nil {
			return v, err
		}
		v.members = append(v.members, m)
		switch r.next() {
		case ',':
			r.at++
		case end:
			r.at++
			return v, nil
		default:
			return v, fmt.Errorf("neither a comma nor %q: %q", end, r.sight())
		}
	}
}

// string reads a string. Placeholders are found before escapes are undone, so
// that a regular expression stands in it as it is, and \u003c is a plain <.
func (r *reader) string() (text, error) {
	var t text
	r.at++
	start := r.at
	literal := func() error {
		var s string
		if err := json.Unmarshal([]byte(`"`+r.s[start:r.at]+`"`), &s); err != nil {
			return fmt.Errorf("not a JSON string: %q", r.s[start:r.at])
		}
		t = append(t, part{literal: s})
		return nil
	}
	for r.at < len(r.s) {
		switch r.s[r.at] {
		case '\\':
			r.at += 2
			continue
		case '"':
			if err := literal(); err != nil {
				return nil, err
			}
			r.at++
			return t, t.check()
		case '<':
			found := placeholder.FindStringIndex(r.s[r.at:])
			if !r.expected || found == nil || found[0] != 0 {
				break
			}
			if err := literal(); err != nil {
				return nil, err
			}
			p, err := parsePlaceholder(r.s[r.at:r.at+found[1]], true)
			if err != nil {
				return nil, err
			}
			t = append(t, p)
			r.at += found[1]
			start = r.at
			continue
		}
		r.at++
	}
	r.at = len(r.s)
	return nil, errors.New("a string without an end")
}

// match compares an expected value with one that was got, and adds what it
// captures to known. To show the difference it returns the expected value with
// got's in the place of every placeholder that fits.
func (v tree) match(got tree, known values) (filled tree, same bool, err error) {
	if v.kind == '<' {
		if same, err = v.text.match(got.compact(), known); same {
			v = got
		}
		return v, same, err
	}
	if v.kind != got.kind {
		return v, false, nil
	}
	if v.kind == '"' || v.kind == '0' {
		if same, err = v.text.match(got.text.String(), known); same {
			v = got
		}
		return v, same, err
	}
	same = len(v.members) == len(got.members)
	filled = tree{kind: v.kind}
	for i, m := range v.members {
		at, err := m.counterpart(i, got, known)
		if err != nil {
			return v, false, err
		}
		if at != i {
			same = false
		}
		if at >= 0 {
			other := got.members[at]
			value, equal, err := m.value.match(other.value, known)
			if err != nil {
				return v, false, err
			}
			m, same = member{other.name, value}, same && equal
		}
		filled.members = append(filled.members, m)
	}
	return filled, same, nil
}

// counterpart is where in got the expected member i is: at its own place, or
// else at the first of its name; -1 when it is nowhere.
func (m member) counterpart(i int, got tree, known values) (int, error) {
	if got.kind == '[' {
		if i < len(got.members) {
			return i, nil
		}
		return -1, nil
	}
	if i < len(got.members) {
		if is, err := m.name.match(got.members[i].name.String(), known); is || err != nil {
			return i, err
		}
	}
	for at, other := range got.members {
		if is, err := m.name.match(other.name.String(), known); is || err != nil {
			return at, err
		}
	}
	return -1, nil
}

// lines is v over several lines, for a person.
func (v tree) lines() []string { return strings.Split(v.write("\n"), "\n") }

// compact is v without white space.
func (v tree) compact() string { return v.write("") }

// write writes v; a line begins with lineEnd, which carries the indentation.
func (v tree) write(lineEnd string) string {
	switch v.kind {
	case '"':
		return v.text.quoted()
	case '{', '[':
	default:
		return v.text.String()
	}
	end := map[byte]string{'{': "}", '[': "]"}[v.kind]
	if len(v.members) == 0 {
		return string(v.kind) + end
	}
	inner, colon := lineEnd, ":"
	if lineEnd != "" {
		inner, colon = lineEnd+"  ", ": "
	}
	var b strings.Builder
	b.WriteByte(v.kind)
	for i, m := range v.members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(inner)
		if v.kind == '{' {
			b.WriteString(m.name.quoted() + colon)
		}
		b.WriteString(m.value.write(inner))
	}
	b.WriteString(lineEnd + end)
	return b.String()
}
