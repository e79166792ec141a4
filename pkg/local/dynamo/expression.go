package dynamo

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The limits of one expression.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
const (
	maxExpression  = 4096 // bytes
	maxOperators   = 300  // operators and functions
	maxInOperands  = 100
	maxPlaceholder = 255 // bytes of a #name or :value
)

// scope is what the expressions of one request share: what #names and :values stand for, and which of them were used.
type scope struct {
	names      map[string]string
	values     map[string]value
	usedNames  map[string]bool
	usedValues map[string]bool
}

// placeholders are the two members of a request that give a scope.
type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues placeholderValues
}

type placeholderValues map[string]value

func (v *placeholderValues) UnmarshalJSON(data []byte) error {
	it, err := parseItem(string(data), maxDepth)
	if e, ok := err.(*Error); ok && e.Code == "ValidationException" {
		return invalid("ExpressionAttributeValues contains invalid value: %s", e.Message)
	} else if err != nil {
		return err
	}
	*v = placeholderValues{}
	for _, a := range it {
		(*v)[a.name] = a.value
	}
	return nil
}

// MarshalJSON writes what a transaction's fingerprint is taken of.
func (v placeholderValues) MarshalJSON() ([]byte, error) {
	all := make(map[string]json.RawMessage, len(v))
	for name, value := range v {
		all[name] = value.appendJSON(nil)
	}
	return json.Marshal(all)
}

// scope checks the placeholders; expressions are the request's, nil where it has none.
func (p placeholders) scope(expressions ...*string) (*scope, error) {
	present := slices.ContainsFunc(expressions, func(e *string) bool { return e != nil })
	for _, m := range []struct {
		member string
		names  []string
		is     bool
		sigil  byte
	}{
		{"ExpressionAttributeNames", sortedKeys(p.ExpressionAttributeNames), p.ExpressionAttributeNames != nil, '#'},
		{"ExpressionAttributeValues", sortedKeys(p.ExpressionAttributeValues), p.ExpressionAttributeValues != nil, ':'},
	} {
		switch {
		case m.is && !present:
			return nil, invalid("%s can only be specified when using expressions", m.member)
		case m.is && len(m.names) == 0:
			return nil, invalid("%s must not be empty", m.member)
		}
		for _, name := range m.names {
			if len(name) > maxPlaceholder {
				return nil, invalid("%s contains invalid key: The expression attribute map contains a key that is too long", m.member)
			}
			if len(name) < 2 || name[0] != m.sigil || wordLength(name[1:]) != len(name)-1 {
				return nil, invalid("%s contains invalid key: Syntax error; key: \"%s\"", m.member, name)
			}
		}
	}
	for _, key := range sortedKeys(p.ExpressionAttributeNames) {
		if p.ExpressionAttributeNames[key] == "" {
			return nil, invalid("ExpressionAttributeNames contains invalid value: Empty attribute name for key %s", key)
		}
	}
	return &scope{p.ExpressionAttributeNames, p.ExpressionAttributeValues, map[string]bool{}, map[string]bool{}}, nil
}

// allUsed refuses placeholders that no expression named.
func (s *scope) allUsed() error {
	if unused := unusedOf(s.names, s.usedNames); unused != "" {
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", unused)
	}
	if unused := unusedOf(s.values, s.usedValues); unused != "" {
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", unused)
	}
	return nil
}

func unusedOf[V any](given map[string]V, used map[string]bool) string {
	if len(given) == len(used) {
		return ""
	}
	return strings.Join(slices.DeleteFunc(sortedKeys(given), func(name string) bool { return used[name] }), ", ")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// path leads to a value inside an item: m.list[2].
type path []step

// step is a name, or an index where the name is "".
type step struct {
	name  string
	index int
}

func (s step) String() string {
	if s.name == "" {
		return fmt.Sprintf("[%d]", s.index)
	}
	return s.name
}

func (p path) String() string {
	steps := make([]string, len(p))
	for i, s := range p {
		steps[i] = s.String()
	}
	return "[" + strings.Join(steps, ", ") + "]"
}

// in is the value at the path, nil where there is none.
func (p path) in(it Item) value {
	var v value = it
	for _, s := range p {
		v = s.into(v)
	}
	return v
}

func (s step) into(v value) value {
	switch v := v.(type) {
	case Item:
		if s.name != "" {
			return v.get(s.name)
		}
	case list:
		if s.name == "" && s.index < len(v) {
			return v[s.index]
		}
	}
	return nil
}

// parser reads one expression by recursive descent. After a syntax error it is at the end of the tokens, so that every
// rule comes to its own end; any other problem is kept, for a syntax error that follows goes before it.
type parser struct {
	label     string // the request's member, for messages
	text      string
	tokens    []token
	at        int
	scope     *scope
	operators int
	paths     []path // all that the expression names
	syntax    error
	problem   error
}

// parse runs a rule over the whole of an expression.
func (s *scope) parse(label, text string, rule func(*parser)) (*parser, error) {
	p := &parser{label: label, text: text, scope: s}
	switch {
	case text == "":
		return nil, p.error("The expression can not be empty;")
	case len(text) > maxExpression:
		return nil, p.error("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	p.tokens = tokens(text)
	rule(p)
	if !p.next("") {
		p.fail()
	}
	if p.syntax != nil {
		return nil, p.syntax
	}
	if p.operators > maxOperators {
		p.refuse("The expression contains too many operators or functions; operator count: %d", p.operators)
	}
	if p.problem != nil {
		return nil, p.problem
	}
	return p, nil
}

func (p *parser) error(format string, args ...any) error {
	return invalid("Invalid %s: %s", p.label, fmt.Sprintf(format, args...))
}

func (p *parser) refuse(format string, args ...any) {
	if p.problem == nil {
		p.problem = p.error(format, args...)
	}
}

// fail reports the token at which the expression can't go on, with its neighbours.
func (p *parser) fail() {
	if p.syntax == nil {
		from, to := p.tokens[max(p.at-1, 0)], p.tokens[min(p.at+1, len(p.tokens)-1)]
		p.syntax = p.error("Syntax error; token: \"%s\", near: \"%s\"", p.tokens[p.at].text, p.text[from.start:to.end])
	}
	p.at = len(p.tokens) - 1
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	p.at = min(p.at+1, len(p.tokens)-1)
	return t
}

// next steps over a token of that kind, where it comes next.
func (p *parser) next(kind string) bool {
	if p.peek().kind != kind {
		return false
	}
	p.take()
	return true
}

func (p *parser) expect(kind string) token {
	t := p.peek()
	if !p.next(kind) {
		p.fail()
	}
	return t
}

// commas reads one or more of a rule.
func (p *parser) commas(rule func()) {
	rule()
	for p.next(",") {
		rule()
	}
}

func (p *parser) path() path {
	steps := path{{name: p.name()}}
	for {
		switch {
		case p.next("."):
			steps = append(steps, step{name: p.name()})
			continue
		case p.next("["):
			steps = append(steps, step{index: p.index()})
			p.expect("]")
			continue
		}
		break
	}
	if len(steps) > maxDepth {
		p.refuse("The document path has too many nesting levels; nesting levels: %d", len(steps))
	}
	p.paths = append(p.paths, steps)
	return steps
}

func (p *parser) name() string {
	switch t := p.peek(); t.kind {
	case "name":
		p.take()
		if isReserved(t.text) {
			p.refuse("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return t.text
	case "#name":
		p.take()
		name, ok := p.scope.names[t.text]
		if !ok {
			p.refuse("An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		} else {
			p.scope.usedNames[t.text] = true
		}
		return name
	}
	p.fail()
	return ""
}

func (p *parser) index() int {
	t := p.expect("index")
	n, err := strconv.ParseInt(t.text, 10, 32)
	if err != nil && p.syntax == nil {
		p.refuse("List index is not within the allowable range; index: [%s]", t.text)
	}
	return int(n)
}

// literal is a :value.
type literal struct{ value }

func (l literal) in(Item) value { return l.value }

func (p *parser) literal() literal {
	t := p.expect(":value")
	v, ok := p.scope.values[t.text]
	if !ok {
		p.refuse("An expression attribute value used in expression is not defined; attribute value: %s", t.text)
		return literal{null{}}
	}
	p.scope.usedValues[t.text] = true
	return literal{v}
}

func (p *parser) wrongOperand(operator, kind string) {
	p.refuse("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, kind)
}

// checkPaths refuses paths that lead into a key attribute, which is never a list or a map.
func (p *parser) checkPaths(key keySchema) error {
	for _, path := range p.paths {
		if len(path) > 1 && key.has(path[0].name) {
			return notScalar(path[0].name)
		}
	}
	return nil
}

func notScalar(key string) error {
	return invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %s", key)
}
