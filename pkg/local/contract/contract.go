// Package contract holds requests and answers against an OpenAPI 3.1 document.
package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// Contract is a document that was read. It is safe for concurrent use.
type Contract struct {
	Operations []Operation // by path
	root       any
	foldBelow  string // x-fold-names
	compiling  sync.Mutex
	schemas    *jsonschema.Compiler // keeps what it has compiled
}

// Operation is what a method does to a path.
type Operation struct {
	ID, Method, Path string
	Public           bool // it asks for no token
	at               pointer
	pattern          *regexp.Regexp
	names            []string // of the path's parameters
}

// Route is the operation as template.yaml names it.
func (o Operation) Route() string { return o.Method + " " + o.Path }

var (
	methods   = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}
	parameter = regexp.MustCompile(`\\\{([^}]*)\\\}`)
)

// location is what schemas are found under; nothing is read from there.
const location = "https://charter.example/openapi.yaml"

// New reads a document, YAML or JSON.
func New(document []byte) (*Contract, error) {
	var tree any
	if err := yaml.Unmarshal(document, &tree); err != nil {
		return nil, err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := &Contract{root: root, schemas: jsonschema.NewCompiler()}
	c.foldBelow, _ = c.value(pointer{"x-fold-names"}).(string)
	c.schemas.DefaultDraft(jsonschema.Draft2020)
	c.schemas.AssertFormat()
	c.schemas.UseRegexpEngine(compileECMA)
	if err := c.schemas.AddResource(location, root); err != nil {
		return nil, err
	}
	paths := c.object(pointer{"paths"})
	// Fixed text comes before a parameter: "{" is after all that paths are made of.
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range methods {
			at := pointer{"paths", path, method}
			if c.value(at) == nil {
				continue
			}
			o := Operation{Method: strings.ToUpper(method), Path: path, at: at}
			o.ID, _ = c.value(at.to("operationId")).(string)
			security, said := c.value(at.to("security")).([]any)
			o.Public = said && len(security) == 0
			quoted := regexp.QuoteMeta(path)
			for _, m := range parameter.FindAllStringSubmatch(quoted, -1) {
				o.names = append(o.names, m[1])
			}
			o.pattern = regexp.MustCompile("^" + parameter.ReplaceAllString(quoted, "([^/]+)") + "/?$")
			c.Operations = append(c.Operations, o)
		}
	}
	return c, nil
}

// Find is the operation of a request, and its path parameters, decoded.
func (c *Contract) Find(method, escapedPath string) (o Operation, parameters map[string]string, ok bool) {
	for _, o := range c.Operations {
		found := o.pattern.FindStringSubmatch(escapedPath)
		if o.Method != method || found == nil {
			continue
		}
		parameters := map[string]string{}
		for n, name := range o.names {
			value, err := url.PathUnescape(found[n+1])
			if err != nil {
				value = found[n+1]
			}
			parameters[name] = value
		}
		return o, parameters, true
	}
	return Operation{}, nil, false
}

// pointer is a place in the document (RFC 6901).
type pointer []string

func (p pointer) to(names ...string) pointer { return append(slices.Clip(p), names...) }

func (p pointer) String() string {
	var b strings.Builder
	for _, name := range p {
		b.WriteString("/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name)))
	}
	return b.String()
}

// follow is the place that p leads to, through every $ref on the way.
func (c *Contract) follow(p pointer) pointer {
	at := pointer{}
	for _, name := range append(slices.Clip(p), "") {
		for {
			object, _ := c.plain(at).(map[string]any)
			reference, ok := object["$ref"].(string)
			if !ok {
				break
			}
			at = pointer{}
			for part := range strings.SplitSeq(strings.TrimPrefix(reference, "#/"), "/") {
				at = at.to(strings.NewReplacer("~1", "/", "~0", "~").Replace(part))
			}
		}
		if name != "" {
			at = at.to(name)
		}
	}
	return at
}

// value is what stands at p, nil for nothing.
func (c *Contract) value(p pointer) any { return c.plain(c.follow(p)) }

func (c *Contract) plain(p pointer) any {
	v := c.root
	for _, name := range p {
		object, ok := v.(map[string]any)
		if list, is := v.([]any); is {
			var n int
			if _, err := fmt.Sscan(name, &n); err != nil || n < 0 || n >= len(list) {
				return nil
			}
			v, ok = list[n], true
		} else if ok {
			v, ok = object[name]
		}
		if !ok {
			return nil
		}
	}
	return v
}

// Enum lists what a schema of components can be.
func (c *Contract) Enum(name string) []string {
	var texts []string
	for _, v := range c.list(pointer{"components", "schemas", name, "enum"}) {
		texts = append(texts, fmt.Sprint(v))
	}
	return texts
}

func (c *Contract) object(p pointer) map[string]any {
	object, _ := c.value(p).(map[string]any)
	return object
}

// schema checks a value.
func (c *Contract) schema(p pointer, value any) error {
	c.compiling.Lock()
	s, err := c.schemas.Compile(location + "#" + c.follow(p).String())
	c.compiling.Unlock()
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// expression is a regular expression as ECMA-262 has it, which JSON Schema
// asks for: \uXXXX, which Go writes otherwise.
type expression struct{ *regexp.Regexp }

var codeUnit = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

func compileECMA(s string) (jsonschema.Regexp, error) {
	e, err := regexp.Compile(codeUnit.ReplaceAllString(s, `\x{$1}`))
	return expression{e}, err
}
