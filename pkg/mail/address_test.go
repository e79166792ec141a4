package mail_test

import (
	"errors"
	netmail "net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"charter/pkg/fault"
	"charter/pkg/mail"
)

func domain(octets int) string {
	return strings.Repeat(strings.Repeat("d", 61)+".", 4)[:octets-4] + "e.io"
}

var goodAddresses = []string{
	"ada@example.com",
	"Ada.Lovelace+charter@Sub.Example.co.uk",
	"o'brien@example.ie",
	"!#$%&'*+-/=^_`{|}~@example.com",
	"a?b@example.com",
	"user=tag@example.com",
	"1@2.io",
	"x@xn--mnchen-3ya.de",
	"x@xn--p1ai.xn--p1ai",
	"x@a-b.c-d",
	strings.Repeat("l", 64) + "@example.com",
	"x@" + strings.Repeat("d", 63) + ".com",
	strings.Repeat("l", 64) + "@" + domain(189), // 254 octets
}

var badAddresses = map[string][]string{
	"An e-mail address is required.": {"", " ", "\t\r\n", "\u2003"},
	"Must be one e-mail address of the form local@domain.": {
		"ada", "@", "ada@", "@example.com", "a@b@example.com", "a@example.com, b@example.com",
		"Ada <ada@example.com>", "<ada@example.com>", "ada(comment)@example.com", "ada@example.com (Ada)",
		`"ada"@example.com`, `"a b"@example.com`, "a b@example.com", "ada @example.com", "ada@ example.com",
		".ada@example.com", "ada.@example.com", "a..b@example.com", "a,b@example.com", "a;b@example.com", "a:b@example.com",
		`a\b@example.com`, "a[b]@example.com", "mailto:ada@example.com", "@relay.example:ada@example.com",
		"ada@localhost", "ada@example", "ada@example.com.", "ada@.example.com", "ada@example..com", "ada@-example.com",
		"ada@example-.com", "ada@exam_ple.com", "ada@127.0.0.1", "ada@[127.0.0.1]", "ada@[IPv6:::1]", "ada@example.123",
		"ada@" + strings.Repeat("d", 64) + ".com", "ada@example.com%00", "ada@exa/mple.com",
	},
	"An e-mail address has at most 254 octets, and at most 64 before the @.": {
		strings.Repeat("l", 65) + "@example.com",
		strings.Repeat("l", 64) + "@" + domain(190), // 255 octets
	},
	"An e-mail address must not contain control, bidirectional or zero-width characters.": {
		"ada@example.com\r\nBcc: eve@example.com", "ada\n@example.com", "ada@example.com\x00x", "a\tda@example.com",
		"ada\u2028@example.com", "ada\u2029@example.com", "ada\u202e@example.com", "ada\u2066@example.com",
		"ada\u200b@example.com", "ada\ufeff@example.com",
		"\u200eada@example.com", "ada@example.com\u200d", "ada\u0085b@example.com",
		"ada\x7f@example.com", "ada\u00ad@example.com",
	},
	"An e-mail address must be ASCII; write an international domain in its xn-- form.": {
		"ädä@example.com", "ada@münchen.de", "ada@пример.рф", "\u212aen@example.com",
		"ada\u00a0b@example.com", "ada＠example.com",
		"ada\xff@example.com", "ada@\xc3\x28.com",
	},
	"An e-mail address must not contain an encoded word.": {"=?utf-8?q?ada?=@example.com", "x=?@example.com"},
}

func TestParseAddress(t *testing.T) {
	for _, text := range goodAddresses {
		for _, around := range []string{"", " ", "\r\n\t", "\u3000"} {
			a, err := mail.ParseAddress(around + text + around)
			if err != nil || a.String() != text || a.IsZero() {
				t.Errorf("ParseAddress(%q) = %q, %v", around+text+around, a, err)
			}
		}
	}
	for want, texts := range badAddresses {
		for _, text := range texts {
			a, err := mail.ParseAddress(text)
			if !a.IsZero() || !errors.Is(err, fault.Fault{Kind: fault.Invalid, Message: want}) {
				t.Errorf("ParseAddress(%q) = %q, %v; want %s", text, a, err, want)
			}
		}
	}
}

func TestFolded(t *testing.T) {
	parse := func(text string) mail.Address {
		a, err := mail.ParseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a, b, other := parse("Ada.L@Example.COM"), parse("aDA.l@eXAMPLE.com"), parse("adal@example.com")
	if a.Folded() != b.Folded() || a.Folded() != "ada.l@example.com" {
		t.Errorf("%q and %q must be the same", a.Folded(), b.Folded())
	}
	if a.Folded() == other.Folded() {
		t.Error("dots in the local part count")
	}
	if a.String() != "Ada.L@Example.COM" {
		t.Errorf("String() = %q: an address is shown as given", a)
	}
}

// FuzzParseAddress holds an accepted address to what a header and net/mail need.
func FuzzParseAddress(f *testing.F) {
	for _, text := range goodAddresses {
		f.Add(text)
	}
	for _, texts := range badAddresses {
		for _, text := range texts {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := mail.ParseAddress(text)
		if err != nil {
			if !a.IsZero() || !errors.Is(err, fault.Invalid) {
				t.Fatalf("%q, %v", a, err)
			}
			var refused fault.Fault
			if !errors.As(err, &refused) || refused.Field != "" || refused.Message == "" {
				t.Fatalf("%#v is no fault with a message and without a field", err)
			}
			return
		}
		given := a.String()
		if !strings.Contains(text, given) || len(given) > 254 || !utf8.ValidString(given) {
			t.Fatalf("%q from %q", given, text)
		}
		if strings.ContainsFunc(given, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || strings.Contains(given, "=?") {
			t.Fatalf("%q cannot stand in a header", given)
		}
		read, err := netmail.ParseAddress(given)
		if err != nil || read.Address != given || read.Name != "" {
			t.Fatalf("net/mail reads %q as %v, %v", given, read, err)
		}
		again, err := mail.ParseAddress(given)
		if err != nil || again != a {
			t.Fatalf("%q becomes %q, %v", given, again, err)
		}
		folded, err := mail.ParseAddress(a.Folded())
		if err != nil || folded.Folded() != a.Folded() || !strings.EqualFold(given, a.Folded()) {
			t.Fatalf("%q folds to %q, %v", given, a.Folded(), err)
		}
	})
}
