package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Exchange is a request and its answer, with their bodies.
type Exchange struct {
	Request *http.Request // its body is not read
	Sent    []byte
	Status  int
	Header  http.Header
	Got     []byte
}

// Check names all that an exchange does not keep: its status, media type,
// headers or body are not those that the document promises, or a request that
// the document does not allow was granted. What no operation is for has to be
// refused with 404.
func (c *Contract) Check(x Exchange) error {
	o, parameters, ok := c.Find(x.Request.Method, x.Request.URL.EscapedPath())
	if !ok {
		if x.Status != http.StatusNotFound {
			return fmt.Errorf("%s %s is no operation, and answered with %d", x.Request.Method, x.Request.URL.Path, x.Status)
		}
		return nil
	}
	errs := []error{c.answer(o, x)}
	if x.Status < 300 {
		errs = append(errs, c.request(o, parameters, x))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", o.ID, err)
	}
	return nil
}

func (c *Contract) answer(o Operation, x Exchange) error {
	at := o.at.to("responses", strconv.Itoa(x.Status))
	if c.value(at) == nil {
		return fmt.Errorf("status %d is not in the document", x.Status)
	}
	var errs []error
	for name := range c.object(at.to("headers")) {
		errs = append(errs, c.header(at.to("headers", name), name, x.Header))
	}
	return errors.Join(append(errs, c.body("answer", at, x.Header, x.Got))...)
}

func (c *Contract) header(at pointer, name string, h http.Header) error {
	values := h.Values(name)
	if len(values) == 0 {
		if c.object(at)["required"] == true {
			return fmt.Errorf("header %s is missing", name)
		}
		return nil
	}
	return c.text(at.to("schema"), "header "+name, values[0])
}

// text checks a value that is sent as text.
func (c *Contract) text(schema pointer, what, text string) error {
	var value any = text
	if kind := c.object(schema)["type"]; kind == "integer" {
		value = json.Number(text)
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("%s: %q is no integer", what, text)
		}
	}
	if err := c.schema(schema, value); err != nil {
		return fmt.Errorf("%s %q: %w", what, text, err)
	}
	return nil
}

// body checks the body of a request body or response that stands at the place.
func (c *Contract) body(what string, at pointer, h http.Header, body []byte) error {
	content := c.object(at.to("content"))
	switch {
	case len(body) == 0 && (len(content) == 0 || what == "request" && c.object(at)["required"] != true):
		return nil
	case len(content) == 0:
		return fmt.Errorf("the %s has a body", what)
	}
	media := mediaType(content, h.Get("Content-Type"))
	if media == "" {
		return fmt.Errorf("%s: Content-Type %q is not in the document", what, h.Get("Content-Type"))
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	schema := at.to("content", media, "schema")
	if what == "request" {
		value = c.canonical(schema, value, c.foldBelow != "" && strings.HasPrefix(at[1], c.foldBelow))
	}
	if err := c.schema(schema, value); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// mediaType is the key of a content object that a Content-Type is one of, "" for
// none: it may have parameters that the key has not.
func mediaType(content map[string]any, sent string) string {
	media, parameters, err := mime.ParseMediaType(sent)
	if err != nil {
		return ""
	}
	for key := range content {
		wanted, fixed, err := mime.ParseMediaType(key)
		if err != nil || wanted != media {
			continue
		}
		for name, value := range fixed {
			if !strings.EqualFold(parameters[name], value) {
				return ""
			}
		}
		return key
	}
	return ""
}

func (c *Contract) request(o Operation, parameters map[string]string, x Exchange) error {
	var errs []error
	list, _ := c.value(o.at.to("parameters")).([]any)
	query := x.Request.URL.Query()
	for n := range list {
		at := o.at.to("parameters", strconv.Itoa(n))
		p := c.object(at)
		name, _ := p["name"].(string)
		var values []string
		switch p["in"] {
		case "path":
			values = []string{parameters[name]}
		case "header":
			values = x.Request.Header.Values(name)
		case "query":
			values = named(query, c.names(at, name))
		}
		switch {
		case len(values) == 0 && p["required"] == true:
			errs = append(errs, fmt.Errorf("parameter %s is missing", name))
		case len(values) > 0 && p["content"] != nil:
			errs = append(errs, c.body("request", at, http.Header{"Content-Type": {"application/json"}}, []byte(values[0])))
		case len(values) > 0:
			errs = append(errs, c.text(at.to("schema"), "parameter "+name, c.canonicalText(at.to("schema"), values[0])))
		}
	}
	if c.value(o.at.to("requestBody")) != nil {
		errs = append(errs, c.body("request", o.at.to("requestBody"), x.Request.Header, x.Sent))
	}
	return errors.Join(errs...)
}

func named(query url.Values, names []string) (values []string) {
	for name, sent := range query {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			values = append(values, sent...)
		}
	}
	return values
}

// names are all by which a member or parameter goes.
func (c *Contract) names(at pointer, name string) []string {
	names := []string{name}
	aliases, _ := c.object(at)["x-alias"].([]any)
	for _, a := range aliases {
		names = append(names, a.(string))
	}
	return names
}

// canonical is a value as a client has it that does what the document says and
// no more: members go by the document's names, white space around texts is gone,
// and what may be written in any case is written as the document does.
func (c *Contract) canonical(schema pointer, value any, fold bool) any {
	switch value := value.(type) {
	case string:
		return c.canonicalText(schema, value)
	case []any:
		items := make([]any, len(value))
		for n, item := range value {
			items[n] = c.canonical(schema.to("items"), item, fold)
		}
		return items
	case map[string]any:
		for n := range c.list(schema.to("anyOf")) {
			value = c.canonical(schema.to("anyOf", strconv.Itoa(n)), value, fold).(map[string]any)
		}
		members := map[string]any{}
		for member, v := range value {
			name := c.member(schema, member, fold)
			members[name] = c.canonical(schema.to("properties", name), v, fold)
		}
		return members
	}
	return value
}

// canonicalText leaves alone what is taken exactly as it is sent.
func (c *Contract) canonicalText(schema pointer, text string) string {
	s := c.object(schema)
	if s["format"] != "password" {
		text = strings.TrimSpace(text)
	}
	if s["x-fold-values"] == true {
		for _, v := range c.list(schema.to("enum")) {
			if strings.EqualFold(v.(string), text) {
				return v.(string)
			}
		}
	}
	return text
}

// member is the document's name of a member of an object.
func (c *Contract) member(schema pointer, sent string, fold bool) string {
	properties := c.object(schema.to("properties"))
	if _, ok := properties[sent]; ok {
		return sent
	}
	for name := range properties {
		for _, n := range c.names(schema.to("properties", name), name) {
			if n == sent || fold && strings.EqualFold(n, sent) {
				return name
			}
		}
	}
	return sent
}

func (c *Contract) list(p pointer) []any {
	list, _ := c.value(p).([]any)
	return list
}
