package org

import (
	"errors"
	"strings"
	"testing"

	"charter/pkg/fault"
)

func TestSlugs(t *testing.T) {
	for name, want := range map[string]string{
		"Acme Corp":                    "acme-corp",
		" --Acme  &  Söhne GmbH!":      "acme-s-hne-gmbh",
		"漢字":                           "org-0123456789a",
		strings.Repeat("ab", 40):       strings.Repeat("ab", 31) + "a",
		strings.Repeat("a", 62) + " b": strings.Repeat("a", 62),
	} {
		if got := SlugOf(name, "org_0123456789a"); got != want {
			t.Errorf("SlugOf(%q) = %q; want %q", name, got, want)
		}
	}
	for _, c := range []struct {
		slug string
		n    int
		want string
	}{
		{"acme", 1, "acme"}, {"acme", 2, "acme-2"}, {"acme", 10, "acme-10"},
		{strings.Repeat("a", 63), 2, strings.Repeat("a", 61) + "-2"},
		{strings.Repeat("a", 60) + "-bc", 2, strings.Repeat("a", 60) + "-2"},
	} {
		if got := SlugChoice(c.slug, c.n); got != c.want || len(got) > maxSlug {
			t.Errorf("SlugChoice(%q, %d) = %q; want %q", c.slug, c.n, got, c.want)
		}
	}
}

func TestParseSlug(t *testing.T) {
	for s, want := range map[string]string{
		"acme-kenya": "acme-kenya", "Acme Kenya!": "acme-kenya-", " --A  b-- ": "--a--b--", "Søhne & Co": "s-hne---co", "a😀b": "a-b",
		"K": "k", strings.Repeat("A", 63): strings.Repeat("a", 63), "0": "0", "-a": "-a",
	} {
		if got, err := ParseSlug(s); got != want || err != nil {
			t.Errorf("ParseSlug(%q) = %q, %v; want %q", s, got, err, want)
		}
	}
	for _, s := range []string{"", "  ", "-", "!!!", "漢字", strings.Repeat("a", 64), "a\x00b", "a\u202eb"} {
		if got, err := ParseSlug(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseSlug(%q) = %q, %v", s, got, err)
		}
	}
}

func FuzzSlug(f *testing.F) {
	f.Add("Acme Corp", 1)
	f.Add("漢字", 12)
	f.Add(strings.Repeat("x-", 100), 999)
	f.Fuzz(func(t *testing.T, name string, n int) {
		if n < 1 || n > 1e6 {
			return
		}
		slug := SlugChoice(SlugOf(name, "org_0123456789a"), n)
		if len(slug) < 1 || len(slug) > maxSlug || strings.Trim(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
			strings.HasPrefix(slug, "-") || strings.HasSuffix(slug, "-") || strings.Contains(slug, "--") {
			t.Errorf("%q, %d: %q", name, n, slug)
		}
		chosen, err := ParseSlug(name)
		if again, _ := ParseSlug(chosen); err == nil && (len(chosen) > maxSlug || strings.Trim(chosen, "-") == "" || again != chosen) {
			t.Errorf("ParseSlug(%q) = %q, and of that %q", name, chosen, again)
		}
	})
}
