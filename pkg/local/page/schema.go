package page

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// schema is a JSON Schema (2020-12), as it is shown.
type schema struct {
	Name        string   // the component's, "" for one that is written in place
	Type        string   // in words, such as "array of string"
	Facts       []string // what else must hold
	Description []block
	Fields      []field // an object's, or those of the objects in an array
	Choices     []*schema
	Rule        string // "One of" or "Any of", over Choices
	Again       bool   // it is inside of itself: the outer one tells what it is

	pattern string
}

// Pattern is a pattern that is too long to stand among the facts, else "".
func (s *schema) Pattern() string {
	if len(s.pattern) <= maxFact {
		return ""
	}
	return s.pattern
}

// takesOrganization reports whether the schema is that of an organization's id,
// and takes this one.
func (s *schema) takesOrganization(id string) bool {
	if !strings.Contains(s.pattern, "org_") {
		return false
	}
	pattern, err := regexp.Compile(s.pattern)
	return err == nil && pattern.MatchString(id)
}

type field struct {
	Name     string
	Required bool
	Schema   *schema
}

func readSchema(v value) *schema { return schemaReader{}.read(v) }

// schemaReader holds the names of the components around what is read.
type schemaReader []string

func (r schemaReader) read(v value) *schema {
	to, name := v.resolve()
	s := &schema{Name: name}
	if name != "" && slices.Contains(r, name) {
		s.Type, s.Again = "object", true
	} else {
		if name != "" {
			r = append(slices.Clip(r), name)
		}
		r.add(s, to)
	}
	if to != v { // what stands beside a $ref holds, too
		if d := v.own("description"); d.there() {
			s.Description = prose(d.text())
		}
		s.Facts = append(s.Facts, facts(v)...)
	}
	s.Type = cmp.Or(s.Type, "any")
	return s
}

// add adds to s what a schema says in place.
func (r schemaReader) add(s *schema, v value) {
	if d := v.own("description"); d.there() && s.Description == nil {
		s.Description = prose(d.text())
	}
	s.Name, s.pattern = cmp.Or(s.Name, v.own("title").text()), cmp.Or(s.pattern, v.own("pattern").text())
	r.addType(s, v)
	s.Facts = append(s.Facts, facts(v)...)
	required := map[string]bool{}
	for name := range v.own("required").items() {
		required[name.text()] = true
	}
	for n := range s.Fields { // those of another part of allOf
		s.Fields[n].Required = s.Fields[n].Required || required[s.Fields[n].Name]
	}
	for name, p := range v.own("properties").members() {
		s.Fields = append(s.Fields, field{name, required[name], r.read(p)})
	}
	if more := v.own("additionalProperties"); more.there() && more.text() == "" {
		s.Fields = append(s.Fields, field{"any other name", false, r.read(more)})
	} else if more.text() == "false" {
		s.Facts = append(s.Facts, "no other fields")
	}
	for part := range v.own("allOf").items() {
		inner := r.read(part)
		if s.Type == "" && inner.Type != "any" {
			s.Type = inner.Type
		}
		if s.Description == nil {
			s.Description = inner.Description
		}
		s.Facts, s.Fields = append(s.Facts, inner.Facts...), append(s.Fields, inner.Fields...)
		s.Again = s.Again || inner.Again
		s.pattern = cmp.Or(s.pattern, inner.pattern)
		if inner.Choices != nil {
			s.Choices, s.Rule = append(s.Choices, inner.Choices...), inner.Rule
		}
	}
	for _, c := range []struct{ name, rule string }{{"oneOf", "One of"}, {"anyOf", "Any of"}} {
		for choice := range v.own(c.name).items() {
			s.Choices, s.Rule = append(s.Choices, r.read(choice)), c.rule
		}
	}
	if s.Type == "" && s.Fields != nil {
		s.Type = "object"
	}
	if s.Type == "" && s.Choices != nil {
		var types []string
		for _, c := range s.Choices {
			types = append(types, c.Type)
		}
		slices.Sort(types)
		s.Type = strings.Join(slices.Compact(types), " or ")
	}
}

func (r schemaReader) addType(s *schema, v value) {
	t := v.own("type")
	types := []string{}
	if t.text() != "" {
		types = append(types, t.text())
	}
	for one := range t.items() {
		types = append(types, one.text())
	}
	for n, name := range types {
		if items := v.own("items"); name == "array" && items.there() {
			inner := r.read(items)
			types[n] = "array of " + inner.Type
			if inner.Name != "" && inner.Fields != nil {
				types[n] += " " + inner.Name
			}
			s.Fields, s.Choices, s.Rule, s.Again = inner.Fields, inner.Choices, inner.Rule, inner.Again
			for _, f := range inner.Facts {
				s.Facts = append(s.Facts, "each: "+f)
			}
			if s.Description == nil {
				s.Description = inner.Description
			}
		}
	}
	if len(types) > 0 {
		s.Type = strings.Join(types, " or ")
	}
}

// ranges are keywords for the least and the most of something.
var ranges = []struct{ least, most, one, many string }{
	{"minLength", "maxLength", "character", "characters"},
	{"minimum", "maximum", "", ""},
	{"minItems", "maxItems", "item", "items"},
	{"minProperties", "maxProperties", "field", "fields"},
}

// limits are keywords and what stands before their value.
var limits = []struct{ keyword, before string }{
	{"format", "format"},
	{"pattern", "matches"},
	{"exclusiveMinimum", "more than"},
	{"exclusiveMaximum", "less than"},
	{"multipleOf", "a multiple of"},
	{"contentMediaType", "holds"},
	{"default", "default"},
	{"const", "always"},
}

// maxFact is how many bytes of a pattern stand among the facts.
const maxFact = 32

var marks = []struct{ keyword, fact string }{
	{"uniqueItems", "no item twice"}, {"deprecated", "deprecated"},
	{"readOnly", "in answers only"}, {"writeOnly", "in requests only"},
}

func facts(v value) (list []string) {
	for _, r := range ranges {
		least, most := v.own(r.least).plain(), v.own(r.most).plain()
		unit := r.many
		if most == "1" || most == "" && least == "1" {
			unit = r.one
		}
		switch {
		case least != "" && least == most:
			list = append(list, strings.TrimSpace("exactly "+least+" "+unit))
		case least != "" && most != "":
			list = append(list, strings.TrimSpace(least+" to "+most+" "+unit))
		case least != "":
			list = append(list, strings.TrimSpace("at least "+least+" "+unit))
		case most != "":
			list = append(list, strings.TrimSpace("at most "+most+" "+unit))
		}
	}
	for _, l := range limits {
		f := v.own(l.keyword)
		switch text := f.plain(); {
		case !f.there():
		case l.keyword == "default" || l.keyword == "const":
			list = append(list, l.before+" "+string(f.json()))
		case l.keyword == "pattern" && len(text) > maxFact: // it is shown where one asks for it
		default:
			list = append(list, l.before+" "+text)
		}
	}
	var allowed []string
	for e := range v.own("enum").items() {
		allowed = append(allowed, string(e.json()))
	}
	if allowed != nil {
		list = append(list, "one of "+strings.Join(allowed, ", "))
	}
	for _, l := range marks {
		if v.own(l.keyword).text() == "true" {
			list = append(list, l.fact)
		}
	}
	return list
}

// sampleOf makes an instance of a schema from the examples that it holds. ok
// is false where the schema says too little, or is inside of itself.
func sampleOf(v value, around []string) (sample []byte, ok bool) {
	v, name := v.resolve()
	if !v.there() || name != "" && slices.Contains(around, name) {
		return nil, false
	}
	if name != "" {
		around = append(slices.Clip(around), name)
	}
	for _, said := range []value{
		v.own("example"), first(v.own("examples")), v.own("default"), v.own("const"), first(v.own("enum")),
	} {
		if said.there() {
			return said.json(), true
		}
	}
	if members := sampleMembers(v, around); members != nil {
		return slices.Concat([]byte("{"), bytes.Join(members, []byte(",")), []byte("}")), true
	}
	for _, c := range []string{"oneOf", "anyOf", "allOf"} {
		for choice := range v.own(c).items() {
			if sample, ok := sampleOf(choice, around); ok {
				return sample, true
			}
		}
	}
	kind := v.own("type").text()
	if kind == "" {
		kind = first(v.own("type")).text()
	}
	if kind == "array" {
		if inner, ok := sampleOf(v.own("items"), around); ok {
			return slices.Concat([]byte("["), inner, []byte("]")), true
		}
	}
	if least := v.own("minimum"); least.there() {
		return least.json(), true
	}
	text, ok := map[string]string{"string": `""`, "integer": "0", "number": "0", "boolean": "false", "array": "[]",
		"object": "{}", "null": "null"}[kind]
	return []byte(text), ok
}

// sampleMembers are the members of an object, those of allOf too.
func sampleMembers(v value, around []string) (members [][]byte) {
	v, _ = v.resolve()
	for name, p := range v.own("properties").members() {
		if sample, ok := sampleOf(p, around); ok {
			members = append(members, append(append(quote(name), ':'), sample...))
		}
	}
	for part := range v.own("allOf").items() {
		members = append(members, sampleMembers(part, around)...)
	}
	return members
}
