package sam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is the template as it is written, its intrinsic functions not yet
// resolved: what nobody reads needs no values.
type document struct {
	Metadata struct {
		PublicRoutes []string `yaml:"PublicRoutes"`
	} `yaml:"Metadata"`
	Parameters map[string]struct {
		Default *string `yaml:"Default"`
	} `yaml:"Parameters"`
	Conditions map[string]yaml.Node            `yaml:"Conditions"`
	Globals    map[string]map[string]yaml.Node `yaml:"Globals"`
	Resources  map[string]struct {
		Type       string               `yaml:"Type"`
		Properties map[string]yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`

	values map[string]string
}

// pseudo are CloudFormation's pseudo parameters, as they are on a laptop.
var pseudo = map[string]string{
	"AWS::AccountId": "000000000000",
	"AWS::Partition": "aws",
	"AWS::Region":    "us-east-1",
	"AWS::StackName": "charter",
	"AWS::URLSuffix": "amazonaws.com",
}

// noValue is what AWS::NoValue stands for: the property is not there.
type noValue struct{}

// checkValues refuses values for what the template does not have.
func (d *document) checkValues() error {
	for name := range d.values {
		_, isParameter := d.Parameters[name]
		_, isPseudo := pseudo[name]
		_, isResource := d.Resources[name]
		if !isParameter && !isPseudo && !isResource {
			return fmt.Errorf("there is a value for %s, which the template does not have", name)
		}
	}
	return nil
}

// read resolves the properties of a resource, with those of its Globals
// section under them, and decodes them into what v points to. Properties in
// unread are left alone; any other that v has no field for is an error.
func (d *document) read(id, globals string, unread []string, v any) error {
	merged := map[string]any{}
	for _, properties := range []map[string]yaml.Node{d.Globals[globals], d.Resources[id].Properties} {
		for name, node := range properties {
			if slices.Contains(unread, name) {
				continue
			}
			value, err := d.resolve(&node)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			merge(merged, name, value)
		}
	}
	return decode(merged, v)
}

// merge puts value over what is there, as SAM does with Globals: maps member
// by member, lists one after the other, all else replaced.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
func merge(into map[string]any, name string, value any) {
	switch value := value.(type) {
	case noValue:
		return
	case map[string]any:
		if under, ok := into[name].(map[string]any); ok {
			for member, v := range value {
				merge(under, member, v)
			}
			return
		}
	case []any:
		if under, ok := into[name].([]any); ok {
			into[name] = slices.Concat(under, value)
			return
		}
	}
	into[name] = value
}

func decode(from, into any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return decodeText(text, into)
}

func decodeText(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// resolve gives a node as maps, lists and scalars, or noValue.
func (d *document) resolve(n *yaml.Node) (any, error) {
	switch tag := n.ShortTag(); tag {
	case "!Ref":
		return d.ref(n.Value)
	case "!GetAtt":
		if !d.isAttribute(n.Value) {
			return nil, fmt.Errorf("line %d: !GetAtt of %q, which is no resource", n.Line, n.Value)
		}
		return n.Value, nil
	case "!Sub":
		return d.sub(n)
	case "!If":
		return d.choose(n)
	default:
		if !strings.HasPrefix(tag, "!!") {
			return nil, fmt.Errorf("line %d: %s is not read here", n.Line, tag)
		}
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if name == "Ref" || strings.HasPrefix(name, "Fn::") {
				return nil, fmt.Errorf("line %d: write %s in its short form", n.Line, name)
			}
			v, err := d.resolve(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			if v != (noValue{}) {
				m[name] = v
			}
		}
		return m, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			v, err := d.resolve(item)
			if err != nil {
				return nil, err
			}
			if v != (noValue{}) {
				list = append(list, v)
			}
		}
		return list, nil
	case yaml.ScalarNode:
		var v any
		return v, n.Decode(&v)
	}
	return nil, fmt.Errorf("line %d: CloudFormation takes no YAML aliases", n.Line)
}

// isAttribute reports whether a text is <resource>.<attribute>. An attribute
// stands for itself.
func (d *document) isAttribute(text string) bool {
	id, _, ok := strings.Cut(text, ".")
	return ok && d.Resources[id].Type != ""
}

// ref is what !Ref name stands for.
func (d *document) ref(name string) (any, error) {
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if value, ok := d.values[name]; ok {
		return value, nil
	}
	if value, ok := pseudo[name]; ok {
		return value, nil
	}
	if p, ok := d.Parameters[name]; ok {
		if p.Default == nil {
			return nil, fmt.Errorf("the parameter %s has no value", name)
		}
		return *p.Default, nil
	}
	if _, ok := d.Resources[name]; ok || d.isAttribute(name) {
		return name, nil
	}
	return nil, fmt.Errorf("!Ref %s: neither a parameter nor a resource", name)
}

var placeholder = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

// sub replaces each ${name}. The form with a map of its own is not read.
func (d *document) sub(n *yaml.Node) (any, error) {
	if n.Kind != yaml.ScalarNode {
		return nil, fmt.Errorf("line %d: !Sub with a list is not read here", n.Line)
	}
	var failed error
	text := placeholder.ReplaceAllStringFunc(n.Value, func(found string) string {
		value, err := d.ref(found[2 : len(found)-1])
		if text, ok := value.(string); ok {
			return text
		}
		failed = errors.Join(failed, err)
		return ""
	})
	if failed != nil {
		return nil, fmt.Errorf("line %d: %w", n.Line, failed)
	}
	return strings.ReplaceAll(text, "${!", "${"), nil
}

// choose is !If [condition, then, else].
func (d *document) choose(n *yaml.Node) (any, error) {
	if len(n.Content) != 3 {
		return nil, fmt.Errorf("line %d: !If takes a condition and two values", n.Line)
	}
	name := n.Content[0].Value
	condition, ok := d.Conditions[name]
	if !ok {
		return nil, fmt.Errorf("line %d: there is no condition %q", n.Line, name)
	}
	holds, err := d.holds(&condition)
	if err != nil {
		return nil, fmt.Errorf("condition %s: %w", name, err)
	}
	if holds {
		return d.resolve(n.Content[1])
	}
	return d.resolve(n.Content[2])
}

// holds evaluates a condition.
func (d *document) holds(n *yaml.Node) (bool, error) {
	switch tag := n.ShortTag(); {
	case tag == "!Not" && len(n.Content) == 1:
		holds, err := d.holds(n.Content[0])
		return !holds, err
	case tag == "!Equals" && len(n.Content) == 2:
		a, errA := d.resolve(n.Content[0])
		b, errB := d.resolve(n.Content[1])
		return fmt.Sprint(a) == fmt.Sprint(b), errors.Join(errA, errB)
	default:
		return false, fmt.Errorf("line %d: only !Not and !Equals are read here", n.Line)
	}
}
