package conversation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// text is text with placeholders in it.
type text []part

// part is a piece of text: literal when name is "".
type part struct {
	literal string
	name    string
	expr    string // for a capture: what it matches
	written string // a placeholder as it was written
}

// values are what the names stand for.
type values map[string]string

const anything = "*"

var placeholder = regexp.MustCompile(`<(?:(\*)|([A-Za-z][A-Za-z0-9_]*)(?:: *([^>]*))?)>`)

// parseText finds the placeholders in s: all kinds in an answer, names alone in
// a request.
func parseText(s string, inAnswer bool) (text, error) {
	var t text
	at := 0
	for _, m := range placeholder.FindAllStringIndex(s, -1) {
		p, err := parsePlaceholder(s[m[0]:m[1]], inAnswer)
		if err != nil {
			return nil, err
		}
		t, at = append(t, part{literal: s[at:m[0]]}, p), m[1]
	}
	t = append(t, part{literal: s[at:]})
	return t, t.check()
}

// check refuses a name that is captured twice.
func (t text) check() error {
	captured := map[string]bool{}
	for _, p := range t {
		if p.expr != "" && captured[p.name] {
			return fmt.Errorf("%s is captured twice in one text", p.name)
		}
		captured[p.name] = captured[p.name] || p.expr != ""
	}
	return nil
}

func parsePlaceholder(written string, inAnswer bool) (part, error) {
	m := placeholder.FindStringSubmatch(written)
	p := part{name: m[1] + m[2], expr: m[3], written: written}
	switch {
	case p.name == "lt" && p.expr == "":
		return part{literal: "<"}, nil
	case p.name == "lt", p.name == "absent":
		return part{}, fmt.Errorf("%s cannot stand here: the name is taken", written)
	case !inAnswer && (p.name == anything || p.expr != ""):
		return part{}, fmt.Errorf("%s in a request: only an answer can match; a plain < is <lt>", written)
	case p.name != anything && p.expr == "" && strings.Contains(written, ":"):
		return part{}, fmt.Errorf("%s matches nothing: its expression is empty", written)
	}
	if _, err := regexp.Compile(p.expr); err != nil {
		return part{}, fmt.Errorf("%s: %w", written, err)
	}
	return p, nil
}

// String is t with its placeholders as they were written.
func (t text) String() string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.literal + p.written)
	}
	return b.String()
}

// quoted is t as a JSON string, placeholders as they were written.
func (t text) quoted() string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(escape(p.literal) + p.written)
	}
	return `"` + b.String() + `"`
}

// escape is s for the inside of a JSON string, with <, > and & as they are.
func escape(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string can always be written
	}
	return b.String()[1 : b.Len()-2]
}

// fill puts values in the place of names, each through escape.
func (t text) fill(known values, escape func(before, value string) string) (string, error) {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.literal)
		if p.name == "" {
			continue
		}
		value, held := known[p.name]
		if !held {
			return "", Unknown(p.name)
		}
		b.WriteString(escape(b.String(), value))
	}
	return b.String(), nil
}

// Unknown is a name without a value.
type Unknown string

func (u Unknown) Error() string {
	return fmt.Sprintf("nothing is called %s; a plain < is <lt>", string(u))
}

// verbatim is the escape of places that have none.
func verbatim(_, value string) string { return value }

// pattern is t as a regular expression for the whole of a string.
func (t text) pattern(known values) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`\A`)
	for _, p := range t {
		switch {
		case p.name == "":
			b.WriteString(regexp.QuoteMeta(p.literal))
		case p.name == anything:
			b.WriteString(`(?s:.*)`)
		case p.expr != "":
			fmt.Fprintf(&b, `(?P<%s>%s)`, p.name, p.expr)
		default:
			value, held := known[p.name]
			if !held {
				return nil, Unknown(p.name)
			}
			b.WriteString(regexp.QuoteMeta(value))
		}
	}
	b.WriteString(`\z`)
	return regexp.Compile(b.String())
}

// match reports whether the whole of got is what t says, and adds what it
// captures to known.
func (t text) match(got string, known values) (bool, error) {
	if len(t) == 1 && t[0].name == "" {
		return t[0].literal == got, nil
	}
	re, err := t.pattern(known)
	if err != nil {
		return false, err
	}
	found := re.FindStringSubmatch(got)
	if found == nil {
		return false, nil
	}
	for _, p := range t {
		if p.expr != "" {
			known[p.name] = found[re.SubexpIndex(p.name)]
		}
	}
	return true, nil
}

// and is a copy of v with more values.
func (v values) and(more values) values {
	all := values{}
	maps.Copy(all, v)
	maps.Copy(all, more)
	return all
}
