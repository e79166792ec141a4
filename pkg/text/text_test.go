package text

import (
	"errors"
	"strings"
	"testing"

	"charter/pkg/fault"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{" Acme\u00a0", "Acme"}, {"", ""}, {"\u3000 \t", ""}, {"Ünï 漢字 😀", "Ünï 漢字 😀"},
	} {
		if got, err := Clean(c.in); err != nil || got != c.want {
			t.Errorf("Clean(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{"a\x00b", "a\nb", "a\u0085b", "a\u2028b", "a\u2029b", "a\u202eb", "a\u200db", "a\ufeffb",
		"\u200f", "a\u2066b", "a\u061cb", "a\x7fb", "a\xffb"} {
		if got, err := Clean(in); !errors.Is(err, Refused) {
			t.Errorf("Clean(%q) = %q, %v; want it refused", in, got, err)
		}
	}
}

func TestParseCountsCodePoints(t *testing.T) {
	if _, err := Parse(strings.Repeat("😀", 200), 1, 200); err != nil {
		t.Errorf("200 code points: %v", err)
	}
	for _, in := range []string{strings.Repeat("a", 201), "", "   "} {
		if _, err := Parse(in, 1, 200); !errors.Is(err, fault.Invalid) {
			t.Errorf("Parse(%.10q) = %v; want it refused", in, err)
		}
	}
}

func TestParseURL(t *testing.T) {
	for _, in := range []string{"", "https://www.acmecorp.com", "http://a.example:8080/x?y=z", "HTTPS://EXAMPLE.COM"} {
		if _, err := ParseURL(in); err != nil {
			t.Errorf("ParseURL(%q): %v", in, err)
		}
	}
	for _, in := range []string{"acme.com", "ftp://acme.com", "javascript:alert(1)", "https://", "https://:80/", "//acme.com",
		"http://user:pw@acme.com", "https://a b.com", "https://" + strings.Repeat("a", 2048)} {
		if _, err := ParseURL(in); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseURL(%q) = %v; want it refused", in, err)
		}
	}
}

func TestSameName(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"Acme Corp", "ACME  corp", true},
		{"Straße", "STRASSE", true},
		{"ﬁne", "Fine", true},
		{"Ａｃｍｅ", "acme", true},
		{"A\u030angström", "Ångstro\u0308m", true},
		{"a\u00a0b", "A B", true},
		{"Acme", "Acme 2", false},
		{"résumé", "resume", false},
	} {
		if got := SameName(c.a, c.b); got != c.want {
			t.Errorf("SameName(%q, %q) = %v", c.a, c.b, got)
		}
	}
}
