package sam

import (
	"fmt"
	"slices"
	"strings"
)

// Statement is what a function's role allows.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
type Statement struct {
	Actions   []string // "dynamodb:PutItem"
	Resources []string // "Table.Arn", "Table.Arn/index/byDue", or as they are written
	Keys      []string // patterns of partition keys, * for any text; nil for all keys
	From      string   // the only sender of letters, "" for any
}

// Need is what a request asks of a role.
type Need struct {
	Action   string
	Resource string   // "" for one that is not looked at
	Keys     []string // the partition keys that it names
	From     string   // the sender of a letter
}

// Allows reports whether the statement alone allows what is needed: that of all
// keys of a request, as DynamoDB asks it.
func (s Statement) Allows(n Need) bool {
	return slices.Contains(s.Actions, n.Action) && (n.Resource == "" || slices.Contains(s.Resources, n.Resource)) &&
		(s.From == "" || s.From == n.From) &&
		(s.Keys == nil || !slices.ContainsFunc(n.Keys, func(key string) bool {
			return !slices.ContainsFunc(s.Keys, func(pattern string) bool { return matches(pattern, key) })
		}))
}

// matches knows the wildcard * alone.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	for _, part := range parts[1:last] {
		if ok {
			_, text, ok = strings.Cut(text, part)
		}
	}
	return ok && strings.HasSuffix(text, parts[last])
}

// list is a list in JSON, or one that is written as its only element.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return decodeText(text, (*[]T)(l))
	}
	*l = make(list[T], 1)
	return decodeText(text, &(*l)[0])
}

type policy struct {
	Version   string
	Statement list[struct {
		Effect           string
		Action, Resource list[string]
		Condition        map[string]map[string]list[string]
	}]
}

// statements reads what the role of a function allows: the policies that are
// written with it, or those of a role of its own.
func (d *document) statements(id string) ([]Statement, error) {
	var policies []policy
	if role := d.Resources[id].Properties["Role"]; !role.IsZero() {
		name := strings.TrimSuffix(role.Value, ".Arn")
		if d.Resources[name].Type != "AWS::IAM::Role" {
			return nil, fmt.Errorf("Role: %q is no role", role.Value)
		}
		var p struct {
			Policies []struct {
				PolicyName     string
				PolicyDocument policy
			}
		}
		if err := d.read(name, "", []string{"AssumeRolePolicyDocument"}, &p); err != nil {
			return nil, in(name, err)
		}
		for _, p := range p.Policies {
			policies = append(policies, p.PolicyDocument)
		}
	} else if node := d.Resources[id].Properties["Policies"]; !node.IsZero() {
		value, err := d.resolve(&node)
		if err == nil {
			err = decode(value, &policies)
		}
		if err != nil {
			return nil, fmt.Errorf("Policies: %w", err)
		}
	}
	var all []Statement
	for _, p := range policies {
		for _, s := range p.Statement {
			if s.Effect != "Allow" {
				return nil, fmt.Errorf("a role's statement must allow something, not %q", s.Effect)
			}
			one := Statement{Actions: s.Action, Resources: s.Resource}
			for operator, keys := range s.Condition {
				for key, values := range keys {
					switch {
					case operator == "ForAllValues:StringLike" && key == "dynamodb:LeadingKeys":
						one.Keys = values
					case operator == "StringEquals" && key == "ses:FromAddress" && len(values) == 1:
						one.From = values[0]
					default:
						return nil, fmt.Errorf("the condition %s of %s is not read here", operator, key)
					}
				}
			}
			all = append(all, one)
		}
	}
	return all, nil
}
