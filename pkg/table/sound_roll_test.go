package table

import (
	"maps"
	"strings"

	"charter/pkg/customer"
	"charter/pkg/customer/roll"
)

// soundRolls checks the rolls of all organizations against their links.
func (d *desk) soundRolls() {
	d.t.Helper()
	s := survey{desk: d, all: d.all()}
	for k, i := range s.all {
		parts := strings.Split(k.pk, sep)
		switch {
		case parts[0] != "ORG" || len(parts) != 3:
		case kindOf(parts, strings.Split(k.sk, sep)) == "ORG END":
			standing := readRoll(s.all[rollKey(parts[1])])
			s.must(i.number("Version") == standing.version, k, "ends with version %d of %d", i.number("Version"), standing.version)
		case parts[2] == "LOG":
			a := readLog(parts[1], i)
			s.must(readAssociation(s.all[associationKey(a)]) == a && logKey(a) == k, k, "logs an association that is not there")
		case parts[2] == "ROLL":
			s.roll(k, parts[1], readRoll(i))
		}
	}
}

type survey struct {
	*desk
	all map[key]item
}

func (s survey) must(holds bool, k key, format string, args ...any) {
	s.t.Helper()
	if !holds {
		s.t.Errorf(strings.ReplaceAll(k.pk+" | "+k.sk, sep, "#")+": "+format, args...)
	}
}

// roll checks that every association is on one sheet of each order or, once
// for all, on the loose sheet or in the log; and that nothing is left over which
// is not noted as trash.
func (s survey) roll(k key, id string, standing standingRoll) {
	part := func(name, part string) []byte { return s.all[partKey(id, name, part)].bytes("Part") }
	rows := func(o customer.Order, name string, n int) (rows []customer.Association) {
		keys, err := roll.Open(o, part(name, keysPart))
		if err == nil {
			rows, err = keys.Rows(id, part(name, restPart))
		}
		s.must(err == nil && len(rows) == n, k, "sheet %s has %d rows, not %d: %v", name, len(rows), n, err)
		return rows
	}
	known := map[string]bool{standing.contents: true, standing.loose: true}
	elsewhere := map[string]int{}
	if standing.loose != "" {
		for _, a := range rows(customer.ByUser, standing.loose, standing.looseRows) {
			elsewhere[a.Key()]++
		}
	}
	links := map[string]customer.Association{}
	for other, i := range s.all {
		switch other.pk {
		case logPartition(id):
			if _, key, ok := strings.Cut(other.sk, sep); ok {
				elsewhere[key]++
			}
		case associationsPartition(id):
			links[other.sk] = readAssociation(i)
		}
	}
	var contents roll.Contents
	if standing.contents != "" {
		var err error
		contents, err = roll.OpenContents(part(standing.contents, contentsPart))
		s.must(err == nil, k, "contents: %v", err)
	}
	for o, spans := range contents {
		found := maps.Clone(elsewhere)
		for n, span := range spans {
			known[span.Sheet] = true
			for _, a := range rows(customer.Order(o), span.Sheet, span.Rows) {
				key := customer.Order(o).Key(a)
				s.must((n == 0 || key >= span.First) && (n == len(spans)-1 || key < spans[n+1].First), k, "%q is on the wrong sheet", key)
				s.must(links[a.Key()] == a, k, "%v is not %v", a, links[a.Key()])
				found[a.Key()]++
			}
		}
		for key := range links {
			s.must(standing.version == 0 || found[key] == 1, k, "%q is found %d times", key, found[key])
		}
		s.must(standing.version == 0 || len(found) == len(links), k, "%d of %d are found", len(found), len(links))
	}
	drafts := map[string]bool{standing.draft: true}
	for _, trash := range standing.trash {
		parts := strings.Split(trash, sep)
		switch parts[0] {
		case "draft":
			drafts[parts[1]] = true
		case "contents":
			known[parts[1]] = true
			if old, err := roll.OpenContents(part(parts[1], contentsPart)); err == nil { // or it is swept
				for name := range old.Sheets() {
					known[name] = true
				}
			}
		default:
			known[parts[1]] = true
		}
	}
	for other := range s.all {
		if pk := strings.Split(other.pk, sep); pk[0] == "ROLL" && pk[1] == id {
			draft, _, _ := strings.Cut(pk[2], ".")
			s.must(known[pk[2]] || drafts[draft], other, "nobody knows of it")
		}
	}
}
