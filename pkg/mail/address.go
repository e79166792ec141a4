// Package mail holds e-mail addresses and letters as data.
package mail

import (
	"strings"
	"unicode"

	"charter/pkg/fault"
)

// Address is one e-mail address. Only ParseAddress makes one, so an Address
// that is not empty can stand in a header, and SES can deliver to it.
type Address struct{ text string }

// String is the address as it was given.
func (a Address) String() string { return a.text }

// Folded is the form in which addresses are compared: two addresses are the
// same when their folded forms are. Case is ignored on both sides of the "@";
// every address is ASCII, so no Unicode folding can make two strangers one.
func (a Address) Folded() string { return strings.ToLower(a.text) }

// IsZero reports whether there is no address.
func (a Address) IsZero() bool { return a.text == "" }

var (
	errNoAddress   = bad("An e-mail address is required.")
	errLong        = bad("An e-mail address has at most 254 octets, and at most 64 before the @.")
	errInvisible   = bad("An e-mail address must not contain control, bidirectional or zero-width characters.")
	errNotASCII    = bad("An e-mail address must be ASCII; write an international domain in its xn-- form.")
	errNotOne      = bad("Must be one e-mail address of the form local@domain.")
	errEncodedWord = bad("An e-mail address must not contain an encoded word.")
)

func bad(message string) fault.Fault { return fault.Fault{Kind: fault.Invalid, Message: message} }

// ParseAddress returns the one local@domain address that text is, without the
// white space around it. There is no display name, comment, quoting, route or
// address literal: the local part is an RFC 5321 Dot-string of at most 64
// octets, the domain two or more RFC 1123 labels, the last not a number, and
// the whole at most 254 octets (RFC 3696, erratum 1690).
//
// It is ASCII, as the HTML standard's valid e-mail address is: SES sends to no
// other local part and wants a domain in its xn-- form, and a domain that has
// one spelling needs no second look when addresses are compared.
// https://docs.aws.amazon.com/ses/latest/APIReference/API_SendEmail.html
//
// The error is a fault.Fault of kind fault.Invalid without a field.
func ParseAddress(text string) (Address, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Address{}, errNoAddress
	}
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			return Address{}, errInvisible
		case r > unicode.MaxASCII:
			return Address{}, errNotASCII
		}
	}
	local, domain, found := strings.Cut(text, "@")
	switch {
	case !found || !isDotString(local) || !isDomain(domain):
		return Address{}, errNotOne
	case len(text) > 254 || len(local) > 64:
		return Address{}, errLong
	case strings.Contains(text, "=?"): // RFC 2047: a reader of mail would decode it
		return Address{}, errEncodedWord
	}
	return Address{text}, nil
}

// isDotString: atoms, parted by single dots (RFC 5321, 4.1.2).
func isDotString(local string) bool {
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return false
		}
		for _, c := range []byte(atom) {
			if !isLetterOrDigit(c) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", rune(c)) {
				return false
			}
		}
	}
	return true
}

// isDomain: letters, digits and inner hyphens (RFC 1123, 2.1), and a top level
// that is not a number, which would be an IPv4 address.
func isDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if len(label) < 1 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !isLetterOrDigit(c) && c != '-' {
				return false
			}
		}
	}
	top := labels[len(labels)-1]
	return len(labels) > 1 && strings.Trim(top, "0123456789") != ""
}

func isLetterOrDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
