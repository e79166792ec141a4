package page

import (
	"regexp"
	"slices"
	"strings"
)

// pattern is a way in which the service uses the table.
type pattern struct {
	What, View, Method, Trips string
	Requests                  []mention
}

// mention is a part of what a pattern asks for, with the kind of items that it
// names, if any.
type mention struct {
	Text string
	Kind *kind
}

// kind is a kind of items.
type kind struct {
	ID, What string
	PK, SK   []part // as they are shown
	pk, sk   []form
}

// part is a piece of a key's pattern: text, a separator, or a name for what
// stands there.
type part struct {
	Text      string
	Separator bool
	Name      bool
}

// form is a pattern of a key: fixed texts, and names of what varies, with a
// separator between all of them.
type form []part

var (
	tablesOf    = regexp.MustCompile(`(?m)(?:^//\t.*\n)+`)
	patternLine = regexp.MustCompile(`(?m)^(.*?) {2,}(\w+)\.(\w+) +([\dn]) +(.*)$`)
	kindLine    = regexp.MustCompile(`(?m)^(.*?) {2,}(\S+(?: \.\.\.)?) +(.*)$`)
	partOf      = regexp.MustCompile(`<[^>]*>|#|[^<#]+`)
	mentioned   = regexp.MustCompile(`[A-Z]*#[A-Z]*(?:<id>)?|\b(?:byDue|ROLL)\b`)
)

// readPatterns reads what the comment of pkg/table/keys.go says in its two
// tables: the access patterns, and the kinds of items.
func readPatterns(source string) (patterns []pattern, kinds []*kind) {
	tables := tablesOf.FindAllString(source, 2)
	if len(tables) < 2 {
		return nil, nil
	}
	first, second := strings.ReplaceAll(tables[0], "//\t", ""), strings.ReplaceAll(tables[1], "//\t", "")
	for _, m := range kindLine.FindAllStringSubmatch(second, -1) {
		k := &kind{ID: idOf(m[1]), What: m[1], PK: cutPattern(m[2]), SK: cutPattern(m[3])}
		for text := range strings.SplitSeq(m[3], ", ") {
			k.sk = append(k.sk, newForm(text))
		}
		if pk, several := strings.CutSuffix(m[2], " ..."); several {
			// One for each sort key, which is the first part of the partition key too.
			_, rest, _ := strings.Cut(pk, "#")
			for _, sk := range k.sk {
				k.pk = append(k.pk, newForm(sk[0].Text+"#"+rest))
			}
		} else {
			k.pk = []form{newForm(pk)}
		}
		kinds = append(kinds, k)
	}
	for _, m := range patternLine.FindAllStringSubmatch(first, -1) {
		patterns = append(patterns, pattern{m[1], m[2], m[3], m[4], mentions(m[5], kinds)})
	}
	return patterns, kinds
}

func idOf(what string) string {
	return strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(what), "-"), "-")
}

func cutPattern(text string) (list []part) {
	for _, piece := range partOf.FindAllString(text, -1) {
		if strings.HasPrefix(piece, "<") && len(list) > 0 && list[len(list)-1].Name {
			list = append(list, part{Text: "#", Separator: true}) // <a><b> are two parts
		}
		list = append(list, part{Text: piece, Separator: piece == "#", Name: strings.HasPrefix(piece, "<")})
	}
	return list
}

func newForm(text string) form {
	return slices.DeleteFunc(form(cutPattern(text)), func(p part) bool { return p.Separator })
}

// head is what all keys of the form begin with.
func (t form) head() string {
	var fixed []string
	for _, p := range t {
		if p.Name {
			return strings.Join(append(fixed, ""), separator)
		}
		fixed = append(fixed, p.Text)
	}
	return strings.Join(fixed, separator)
}

// tail is what all keys of the form end with, "" where that varies.
func (t form) tail() string {
	if last := t[len(t)-1]; !last.Name && len(t) > 1 {
		return separator + last.Text
	}
	return ""
}

// fits reports whether a key is one of the form.
func (t form) fits(key string) bool {
	parts := strings.Split(key, separator)
	if len(parts) != len(t) {
		return false
	}
	for n, p := range t {
		if p.Name && parts[n] == "" || !p.Name && parts[n] != p.Text {
			return false
		}
	}
	return true
}

func (k *kind) fits(pk, sk string) bool {
	for n, t := range k.pk {
		for m, u := range k.sk {
			if (len(k.pk) == 1 || n == m) && t.fits(pk) && u.fits(sk) {
				return true
			}
		}
	}
	return false
}

// mentions finds the kinds that a text such as "Query #AUDIT beside BatchGetItem
// ORG#<id>" names: by how their partition keys begin, or by how they end.
func mentions(text string, kinds []*kind) (list []mention) {
	for text != "" {
		at := mentioned.FindStringIndex(text)
		if at == nil {
			return append(list, mention{Text: text})
		}
		if at[0] > 0 {
			list = append(list, mention{Text: text[:at[0]]})
		}
		name := text[at[0]:at[1]]
		list = append(list, mention{name, kindOf(name, kinds)})
		text = text[at[1]:]
	}
	return list
}

func kindOf(name string, kinds []*kind) *kind {
	n := slices.IndexFunc(kinds, func(k *kind) bool {
		if name == "byDue" {
			return strings.Contains(k.What, name)
		}
		if end, ok := strings.CutPrefix(name, "#"); ok {
			return k.pk[0].tail() == separator+end
		}
		if start, _, ok := strings.Cut(name, "#"); ok {
			return slices.ContainsFunc(k.pk, func(t form) bool { return t[0].Text == start })
		}
		return k.pk[0].tail() == separator+name
	})
	if n < 0 {
		return nil
	}
	return kinds[n]
}
