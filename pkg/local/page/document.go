package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is an OpenAPI 3.1 document, as it is shown.
// https://spec.openapis.org/oas/v3.1.1.html
type document struct {
	Title, Version string
	Description    []block
	Groups         []group // in the order of the document's tags

	byID map[string]*operation
}

// group is a tag with its operations.
type group struct {
	Name        string
	Description []block
	Operations  []*operation
}

type operation struct {
	ID, Method, Path, Summary string
	Description               []block
	Deprecated, Public        bool
	Security                  []string // the schemes of which one is asked for
	Parameters                []parameter
	Body                      *body // nil for none
	Responses                 []response

	tag string
}

type parameter struct {
	Name, In    string
	Required    bool
	Description []block
	Schema      *schema
	Example     string // "" for none

	encoded bool // its value is a text of a media type, such as JSON
}

// Field is the name of the parameter's field in the form.
func (p parameter) Field() string { return p.In + "." + p.Name }

type body struct {
	Required    bool
	Description []block
	Media       []media
}

type media struct {
	Type     string
	Schema   *schema // nil where anything may come
	Examples []example
}

type example struct{ Name, Summary, Value string }

type response struct {
	Status, Text string
	Description  []block
	Headers      []parameter
	Media        []media
}

// Good reports whether it is an answer of success.
func (r response) Good() bool { return strings.HasPrefix(r.Status, "2") }

var errNoOpenAPI = errors.New("page: the document is not OpenAPI 3.1")

// readDocument reads a document. One that is not OpenAPI 3.1 is an error; what
// is wrong within it is left out.
func readDocument(text []byte) (*document, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("page: the OpenAPI document: %w", err)
	}
	if len(file.Content) == 0 {
		return nil, errNoOpenAPI
	}
	root := value{file.Content[0], file.Content[0]}
	if !strings.HasPrefix(root.get("openapi").text(), "3.1") {
		return nil, errNoOpenAPI
	}
	info := root.get("info")
	d := &document{Title: info.get("title").text(), Version: info.get("version").text(),
		Description: prose(info.get("description").text()), byID: map[string]*operation{}}
	for tag := range root.get("tags").items() {
		d.Groups = append(d.Groups, group{Name: tag.get("name").text(), Description: prose(tag.get("description").text())})
	}
	for path, item := range root.get("paths").members() {
		for _, method := range methods {
			if o := item.get(method); o.there() {
				d.add(readOperation(root, path, strings.ToUpper(method), item, o))
			}
		}
	}
	d.Groups = slices.DeleteFunc(d.Groups, func(g group) bool { return len(g.Operations) == 0 })
	return d, nil
}

var methods = []string{"get", "post", "put", "patch", "delete", "head", "options", "trace"}

func (d *document) add(o *operation) {
	for d.byID[o.ID] != nil { // it should be unique, and is a link
		o.ID += "-"
	}
	d.byID[o.ID] = o
	n := slices.IndexFunc(d.Groups, func(g group) bool { return g.Name == o.tag })
	if n < 0 {
		n = len(d.Groups)
		d.Groups = append(d.Groups, group{Name: o.tag})
	}
	d.Groups[n].Operations = append(d.Groups[n].Operations, o)
}

var notOfLinks = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

func readOperation(root value, path, method string, item, o value) *operation {
	op := &operation{
		ID: o.get("operationId").text(), Method: method, Path: path, Summary: o.get("summary").text(),
		Description: prose(o.get("description").text()), Deprecated: o.get("deprecated").text() == "true", tag: "Other",
	}
	if op.ID == "" {
		op.ID = method + " " + path
	}
	op.ID = strings.Trim(notOfLinks.ReplaceAllString(op.ID, "-"), "-")
	if op.Summary == "" {
		op.Summary = method + " " + path
	}
	for tag := range o.get("tags").items() {
		op.tag = tag.text()
		break
	}
	op.Public, op.Security = readSecurity(root, o)
	for _, from := range []value{o, item} { // the operation's own goes before the path's
		for p := range from.get("parameters").items() {
			read := readParameter(p, p.get("name").text(), p.get("in").text())
			if !slices.ContainsFunc(op.Parameters, func(q parameter) bool { return q.Field() == read.Field() }) {
				op.Parameters = append(op.Parameters, read)
			}
		}
	}
	places := []string{"path", "query", "header", "cookie"}
	slices.SortStableFunc(op.Parameters, func(a, b parameter) int {
		return slices.Index(places, a.In) - slices.Index(places, b.In)
	})
	if b := o.get("requestBody"); b.there() {
		op.Body = &body{Required: b.get("required").text() == "true", Description: prose(b.get("description").text()),
			Media: readMedia(b)}
	}
	for status, r := range o.get("responses").members() {
		out := response{Status: status, Description: prose(r.get("description").text()), Media: readMedia(r)}
		var code int
		if _, err := fmt.Sscanf(status, "%d", &code); err == nil {
			out.Text = http.StatusText(code)
		}
		for name, h := range r.get("headers").members() {
			out.Headers = append(out.Headers, readParameter(h, name, "header"))
		}
		op.Responses = append(op.Responses, out)
	}
	return op
}

// readSecurity says which schemes the operation asks for. An empty list, or an
// empty one among others, asks for none.
func readSecurity(root, o value) (public bool, schemes []string) {
	security := o.get("security")
	if !security.there() {
		security = root.get("security")
	}
	public = true
	for either := range security.items() {
		public = false
		var all []string
		for name := range either.members() {
			all = append(all, name)
		}
		if len(all) == 0 {
			return true, nil
		}
		schemes = append(schemes, strings.Join(all, " and "))
	}
	return public, schemes
}

func readParameter(p value, name, in string) parameter {
	out := parameter{Name: name, In: in, Required: p.get("required").text() == "true",
		Description: prose(p.get("description").text())}
	s := p.get("schema")
	for _, m := range readMedia(p) { // its value may be written as of a media type
		out.Schema, out.encoded = m.Schema, true
		for _, e := range m.Examples {
			out.Example = e.Value
			break
		}
	}
	if s.there() {
		out.Schema = readSchema(s)
	}
	for _, e := range p.get("examples").members() {
		out.Example = e.get("value").plain()
		break
	}
	for _, from := range []value{p.get("example"), s.get("example"), first(s.get("examples")), s.get("default")} {
		if out.Example == "" {
			out.Example = from.plain()
		}
	}
	return out
}

func first(list value) value {
	for v := range list.items() {
		return v
	}
	return value{}
}

func readMedia(of value) (list []media) {
	for kind, m := range of.get("content").members() {
		out := media{Type: kind}
		if s := m.get("schema"); s.there() {
			out.Schema = readSchema(s)
		}
		for name, e := range m.get("examples").members() {
			out.Examples = append(out.Examples, example{name, e.get("summary").text(), e.get("value").pretty()})
		}
		if e := m.get("example"); e.there() {
			out.Examples = append(out.Examples, example{"example", "", e.pretty()})
		}
		if sample, ok := sampleOf(m.get("schema"), nil); len(out.Examples) == 0 && ok {
			out.Examples = append(out.Examples, example{"example", "", indent(sample)})
		}
		list = append(list, out)
	}
	return list
}

// value is a place in the document. The zero value is nowhere: there is
// nothing in it.
type value struct{ root, node *yaml.Node }

func (v value) there() bool { return v.node != nil }

// get is the member of a mapping, wherever a $ref leads.
func (v value) get(name string) value {
	v, _ = v.resolve()
	return v.own(name)
}

// own is the member that is written in place.
func (v value) own(name string) value {
	if v.node != nil && v.node.Kind == yaml.MappingNode {
		for n := 0; n+1 < len(v.node.Content); n += 2 {
			if v.node.Content[n].Value == name {
				return v.at(v.node.Content[n+1])
			}
		}
	}
	return value{}
}

func (v value) at(node *yaml.Node) value {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return value{v.root, node}
}

// resolve follows $ref within the document, and names what it leads to. A
// reference that leads nowhere, or in a circle, ends nowhere.
func (v value) resolve() (to value, name string) {
	for range 20 {
		ref := v.own("$ref").text()
		if ref == "" {
			return v, name
		}
		pointer, ok := strings.CutPrefix(ref, "#/")
		if !ok {
			return value{}, ref
		}
		v = value{v.root, v.root}
		for part := range strings.SplitSeq(pointer, "/") {
			name = strings.NewReplacer("~1", "/", "~0", "~").Replace(part) // RFC 6901, section 4
			v = v.own(name)
		}
	}
	return value{}, name
}

// members are those of a mapping, in the document's order.
func (v value) members() iter.Seq2[string, value] {
	v, _ = v.resolve()
	return func(yield func(string, value) bool) {
		if v.node == nil || v.node.Kind != yaml.MappingNode {
			return
		}
		for n := 0; n+1 < len(v.node.Content); n += 2 {
			if !yield(v.node.Content[n].Value, v.at(v.node.Content[n+1])) {
				return
			}
		}
	}
}

// items are those of a sequence.
func (v value) items() iter.Seq[value] {
	v, _ = v.resolve()
	return func(yield func(value) bool) {
		if v.node == nil || v.node.Kind != yaml.SequenceNode {
			return
		}
		for _, n := range v.node.Content {
			if !yield(v.at(n)) {
				return
			}
		}
	}
}

// text is a scalar as it is written.
func (v value) text() string {
	if v.node == nil || v.node.Kind != yaml.ScalarNode {
		return ""
	}
	return v.node.Value
}

// plain is a scalar as it is written, and anything else as JSON.
func (v value) plain() string {
	if v.node == nil || v.node.Kind == yaml.ScalarNode {
		return v.text()
	}
	return string(v.json())
}

// pretty is the value as indented JSON, but a text, which may be of any type,
// as it is.
func (v value) pretty() string {
	if v.node != nil && v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!str" {
		return v.node.Value
	}
	return indent(v.json())
}

// json is the value with its members in the document's order.
func (v value) json() []byte {
	if v.node == nil {
		return []byte("null")
	}
	switch v.node.Kind {
	case yaml.MappingNode:
		var members [][]byte
		for name, m := range v.members() {
			members = append(members, append(append(quote(name), ':'), m.json()...))
		}
		return slices.Concat([]byte("{"), bytes.Join(members, []byte(",")), []byte("}"))
	case yaml.SequenceNode:
		var items [][]byte
		for i := range v.items() {
			items = append(items, i.json())
		}
		return slices.Concat([]byte("["), bytes.Join(items, []byte(",")), []byte("]"))
	}
	if v.node.Tag != "!!str" && json.Valid([]byte(v.node.Value)) {
		return []byte(v.node.Value)
	}
	if v.node.Tag == "!!null" {
		return []byte("null")
	}
	return quote(v.node.Value)
}

func quote(text string) []byte {
	var b bytes.Buffer
	encode := json.NewEncoder(&b)
	encode.SetEscapeHTML(false)
	_ = encode.Encode(text) // a text can be encoded
	return bytes.TrimSpace(b.Bytes())
}

func indent(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}
