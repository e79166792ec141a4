package org

import (
	"strconv"
	"strings"

	"charter/pkg/fault"
	"charter/pkg/text"
)

const maxSlug = 63 // a DNS label, RFC 1035 2.3.4

var unfitSlug = fault.Fault{Kind: fault.Invalid, Message: "Must be at most 63 characters, not only hyphens."}

// ParseSlug reads the slug that the platform dialect lets its callers choose:
// lower-cased, then one hyphen for each character but a-z, 0-9 and the hyphen,
// none joined or trimmed.
func ParseSlug(s string) (string, error) {
	s, err := text.Clean(s)
	switch {
	case err != nil:
		return "", err
	case s == "":
		return "", text.Required
	}
	slug := strings.Map(func(r rune) rune {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return '-'
		}
		return r
	}, strings.ToLower(s))
	if len(slug) > maxSlug || strings.Trim(slug, "-") == "" {
		return "", unfitSlug
	}
	return slug, nil
}

// SlugOf makes the slug of a name: lower case, each run of anything but a-z
// and 0-9 one hyphen, ends trimmed, within 63 characters. A name with no such
// letter takes the organization's code.
func SlugOf(name, code string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	if len(parts) == 0 {
		return strings.ReplaceAll(code, "_", "-")
	}
	return cut(strings.Join(parts, "-"), maxSlug)
}

// SlugChoice is the n-th choice, from 1, for a slug that may be taken: the
// slug itself, then with -2, -3 and so on, cut to stay within 63 characters.
func SlugChoice(slug string, n int) string {
	if n == 1 {
		return slug
	}
	suffix := "-" + strconv.Itoa(n)
	return cut(slug, maxSlug-len(suffix)) + suffix
}

func cut(slug string, most int) string {
	if len(slug) > most {
		slug = slug[:most]
	}
	return strings.Trim(slug, "-")
}
