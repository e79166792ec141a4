package org

import (
	"strconv"
	"strings"
)

const maxSlug = 63 // a DNS label, RFC 1035 2.3.4

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
