package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// members are one JSON object's, read so that no two parsers can disagree on
// it: valid UTF-8, one object and nothing after it, no name twice.
type members map[string]json.RawMessage

func (m members) hold(name string) bool {
	_, held := m[name]
	return held
}

// readMembers reads an object. Names are compared without regard to case when
// it looks for a second one, and a known name in another spelling is refused:
// "EXP" is not "exp", and there are parsers that think so. Objects inside are
// held to the same rule among themselves. RFC 8725, section 2.4; RFC 7519,
// section 4.
func readMembers(raw []byte, known []string) (members, error) {
	switch {
	case !utf8.Valid(raw):
		return nil, errors.New("not UTF-8")
	case !json.Valid(raw): // a Decoder reads token by token, and is laxer
		return nil, errors.New("not JSON")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	m, seen := members{}, map[string]bool{}
	for d.More() {
		name, err := memberName(d, seen)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(known, name) &&
			slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			return nil, errors.New("a known member in another case")
		}
		start := d.InputOffset()
		if err := walk(d, 1); err != nil {
			return nil, err
		}
		m[name] = bytes.TrimLeft(raw[start:d.InputOffset()], ": \t\r\n")
	}
	return m, nil
}

// maxDepth is deeper than any claim of ours and shallow enough to walk.
const maxDepth = 8

// walk reads one value to its end.
func walk(d *json.Decoder, depth int) error {
	open, err := d.Token()
	if err != nil {
		return err
	}
	if _, is := open.(json.Delim); !is {
		return nil
	}
	if depth == maxDepth {
		return errors.New("nested too deep")
	}
	seen := map[string]bool{}
	for d.More() {
		if open == json.Delim('{') {
			if _, err := memberName(d, seen); err != nil {
				return err
			}
		}
		if err := walk(d, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

func memberName(d *json.Decoder, seen map[string]bool) (string, error) {
	token, err := d.Token()
	if err != nil {
		return "", err
	}
	name := token.(string)
	folded := strings.Map(fold, name)
	if seen[folded] {
		return "", errors.New("a member twice")
	}
	seen[folded] = true
	return name, nil
}

// fold is the least rune that r equals without regard to case, so that equal
// folds are what strings.EqualFold calls equal.
func fold(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}
