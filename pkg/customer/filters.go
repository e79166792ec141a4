package customer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"charter/pkg/fault"
	"charter/pkg/text"
)

const maxFilters = 10

var (
	strayFilter    = invalid("Must be one JSON array, or filters[0] to filters[9], each with field, operator and value.")
	missingFilter  = invalid("Is missing; filters are counted from 0 without gaps.")
	notAnArray     = invalid("Must be a JSON array of objects with field, operator and value.")
	notAnObject    = invalid("Must be an object of three texts: field, operator and value, each once.")
	tooManyFilters = invalid(fmt.Sprintf("Must be at most %d filters.", maxFilters))
	notAText       = invalid("Must be a text in UTF-8.")
	notAnOperator  = invalid("Must be one of " + operatorNames() + ".")
)

func operatorNames() string {
	var names []string
	for _, o := range operators {
		names = append(names, o.name)
	}
	return strings.Join(names, ", ")
}

// draft is a filter as it was sent: those of its parts that were given.
type draft map[string]string

var parts = []string{"field", "operator", "value"}

// filters reads the filters in either form. It takes all that begins with the
// name; whatever is left of that is a filter that nobody would see missing.
func (p *parameters) filters() (filters []filter) {
	if _, array, ok := p.take("filters"); ok {
		filters = p.array(array)
	} else {
		filters = p.single()
	}
	for name := range p.sent {
		if strings.HasPrefix(name, "filters") {
			p.check(false, "filters", strayFilter)
			break
		}
	}
	return filters
}

// single reads filters[0].field, filters[0][operator] and so on.
func (p *parameters) single() (filters []filter) {
	var missing []int
	for i := range maxFilters {
		d, names := draft{}, map[string]string{}
		for _, part := range parts {
			dotted, bracketed := fmt.Sprintf("filters[%d].%s", i, part), fmt.Sprintf("filters[%d][%s]", i, part)
			names[part] = dotted
			if name, value, ok := p.take(dotted, bracketed); ok {
				d[part], names[part] = value, name
			}
		}
		if len(d) == 0 {
			missing = append(missing, i)
			continue
		}
		for _, i := range missing {
			p.check(false, fmt.Sprintf("filters[%d]", i), missingFilter)
		}
		missing = nil
		filters = append(filters, d.parse(func(part string, f fault.Fault) { p.check(false, names[part], f) }))
	}
	return filters
}

// array reads a JSON array of filters.
func (p *parameters) array(array string) (filters []filter) {
	var items []json.RawMessage
	err := json.Unmarshal([]byte(array), &items)
	switch {
	case err != nil || items == nil || !utf8.ValidString(array) || text.LoneSurrogate([]byte(array)):
		p.check(false, "filters", notAnArray)
		return nil
	case len(items) > maxFilters:
		p.check(false, "filters", tooManyFilters)
		return nil
	}
	for i, item := range items {
		wrong := func(place string, f fault.Fault) {
			f.Message = fmt.Sprintf("filters[%d]%s: %s", i, place, f.Message)
			p.check(false, "filters", f)
		}
		if d, ok := object(item); ok {
			filters = append(filters, d.parse(func(part string, f fault.Fault) { wrong("."+part, f) }))
		} else {
			wrong("", notAnObject)
		}
	}
	return filters
}

// object reads one filter of an array, which is known to be JSON.
func object(item json.RawMessage) (draft, bool) {
	read := json.NewDecoder(bytes.NewReader(item))
	if open, _ := read.Token(); open != json.Delim('{') {
		return nil, false
	}
	d := draft{}
	for read.More() {
		name, _ := read.Token()
		member, _ := read.Token()
		part, _ := name.(string)
		value, isText := member.(string)
		_, twice := d[lower(part)]
		if !isText || twice || !slices.Contains(parts, lower(part)) {
			return nil, false
		}
		d[lower(part)] = value
	}
	return d, true
}

// parse checks a draft's parts, and says what is wrong with which.
func (d draft) parse(wrong func(part string, f fault.Fault)) (f filter) {
	for _, part := range parts {
		sent, ok := d[part]
		if !ok {
			wrong(part, text.Required)
			continue
		}
		switch part {
		case "field":
			if f.field, ok = fieldNamed(sent); !ok {
				wrong(part, notAField)
			}
		case "operator":
			if f.operator, ok = operatorNamed(sent); !ok {
				wrong(part, notAnOperator)
			}
		case "value":
			if f.value = sent; !utf8.ValidString(sent) {
				wrong(part, notAText)
			}
		}
	}
	return f
}

func operatorNamed(name string) (*operator, bool) {
	for _, o := range operators {
		if o.name == lower(name) {
			return o, true
		}
	}
	return nil, false
}
