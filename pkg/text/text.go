// Package text says what a text field may hold, and when two names are one.
package text

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"charter/pkg/fault"
)

// Refused is a field with a character that no field may hold.
var Refused = fault.Fault{Kind: fault.Invalid,
	Message: "Must not contain control, bidirectional or zero-width characters."}

// Clean trims surrounding white space. It refuses control characters (line and
// paragraph separators among them), bidirectional controls and zero-width
// characters: they let one name look like another, or break out of a line.
func Clean(s string) (string, error) {
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || strings.ContainsFunc(s, refused) {
		return "", Refused
	}
	return s, nil
}

func refused(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029':
		return true
	case r == '\u061c', r >= '\u200b' && r <= '\u200f', r >= '\u202a' && r <= '\u202e',
		r >= '\u2060' && r <= '\u2064', r >= '\u2066' && r <= '\u206f', r == '\u180e', r == '\ufeff':
		return true
	}
	return false
}

// Required is a field that is missing or blank.
var Required = fault.Fault{Kind: fault.Invalid, Message: "Is required."}

// Within refuses a text of fewer than lo or more than hi code points.
func Within(s string, lo, hi int) error {
	n := utf8.RuneCountInString(s)
	switch {
	case n == 0 && lo > 0:
		return Required
	case n < lo || n > hi:
		if lo <= 1 {
			return fault.Fault{Kind: fault.Invalid, Message: fmt.Sprintf("Must be at most %d characters.", hi)}
		}
		return fault.Fault{Kind: fault.Invalid, Message: fmt.Sprintf("Must be %d to %d characters.", lo, hi)}
	}
	return nil
}

// Parse is Clean, then Within.
func Parse(s string, lo, hi int) (string, error) {
	s, err := Clean(s)
	if err != nil {
		return "", err
	}
	return s, Within(s, lo, hi)
}

// NotURL is a field that is no web address.
var NotURL = fault.Fault{Kind: fault.Invalid, Message: "Must be an http or https URL with a host."}

// ParseURL is Parse for a web address of at most 2,048 characters; "" stays "".
func ParseURL(s string) (string, error) {
	s, err := Parse(s, 0, 2048)
	if err != nil || s == "" {
		return "", err
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return "", NotURL
	}
	return s, nil
}

// Fold is the form in which names are compared: NFKC, case folding and inner
// white space collapsed. It can be 18 times as long as the name.
// https://www.unicode.org/reports/tr15/ and https://www.unicode.org/Public/UCD/latest/ucd/CaseFolding.txt
func Fold(name string) string {
	folded := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))
	return strings.Join(strings.Fields(folded), " ")
}

// SameName reports whether two names are the same name.
func SameName(a, b string) bool { return Fold(a) == Fold(b) }
