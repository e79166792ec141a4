package contract

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Example is an example in components that a request body or an answer refers
// to: one example may stand in several places.
type Example struct {
	Name      string // in components
	Operation string // its id
	Status    int    // 0 for a request
	Media     string
	Value     any // nil where components have none of the name

	schema pointer
}

// Examples are those of all operations. An error is one that stands in its
// place and not in components.
func (c *Contract) Examples() ([]Example, error) {
	var all []Example
	for _, o := range c.Operations {
		places := map[int]pointer{0: o.at.to("requestBody")}
		for status := range c.object(o.at.to("responses")) {
			n, err := strconv.Atoi(status)
			if err != nil {
				return nil, fmt.Errorf("%s: status %q", o.ID, status)
			}
			places[n] = o.at.to("responses", status)
		}
		for _, status := range slices.Sorted(maps.Keys(places)) {
			content := c.follow(places[status]).to("content")
			for _, media := range slices.Sorted(maps.Keys(c.object(content))) {
				for _, key := range slices.Sorted(maps.Keys(c.object(content.to(media, "examples")))) {
					reference, _ := c.plain(content.to(media, "examples", key, "$ref")).(string)
					name, ok := strings.CutPrefix(reference, "#/components/examples/")
					if !ok {
						return nil, fmt.Errorf("%s %d: the example %s is not in components", o.ID, status, key)
					}
					all = append(all, Example{name, o.ID, status, media, c.value(pointer{"components", "examples", name, "value"}),
						content.to(media, "schema")})
				}
			}
		}
	}
	return all, nil
}

// With is the example with another value, a JSON text.
func (e Example) With(body string) Example {
	e.Value = nil
	if value, err := jsonschema.UnmarshalJSON(strings.NewReader(body)); err == nil {
		e.Value = value
	}
	return e
}

// CheckExample says what is wrong with an example by its schema. It names
// nothing that the schema does not.
func (c *Contract) CheckExample(e Example) error {
	if err := c.schema(e.schema, e.Value); err != nil {
		return err
	}
	return c.strange(e.schema, e.Value)
}

// strange is a member that the schema of an object does not name.
func (c *Contract) strange(schema pointer, value any) error {
	members, _ := value.(map[string]any)
	for name, v := range members {
		at := schema.to("properties", name)
		for n := range c.list(schema.to("anyOf")) {
			if c.value(at) == nil {
				at = schema.to("anyOf", strconv.Itoa(n), "properties", name)
			}
		}
		if c.value(at) == nil {
			if c.value(schema.to("additionalProperties")) != nil {
				continue
			}
			return fmt.Errorf("the schema names no %s", name)
		}
		if err := c.strange(at, v); err != nil {
			return err
		}
	}
	return nil
}

// Words are the description of an answer, and the names of its examples.
func (c *Contract) Words(o Operation, status int) string {
	at := c.follow(o.at.to("responses", strconv.Itoa(status)))
	words, _ := c.object(at)["description"].(string)
	for media := range c.object(at.to("content")) {
		for key := range c.object(at.to("content", media, "examples")) {
			words += " " + key
		}
	}
	return words
}
