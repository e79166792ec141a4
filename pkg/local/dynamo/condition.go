package dynamo

import (
	"slices"
	"strings"
	"unicode/utf16"
)

// condition is the tree of a condition, filter or key condition expression.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
type condition interface{ holds(Item) bool }

// operand is what a condition compares: a path, a :value or size().
type operand interface{ in(Item) value }

type (
	and        struct{ left, right condition }
	or         struct{ left, right condition }
	not        struct{ condition }
	comparison struct {
		operator    string
		left, right operand
	}
	between struct{ operand, low, high operand }
	oneOf   struct {
		operand operand
		list    []operand
	}
	call struct {
		name string
		args []operand
	}
	sizeOf struct{ operand }
)

func (c and) holds(it Item) bool { return c.left.holds(it) && c.right.holds(it) }
func (c or) holds(it Item) bool  { return c.left.holds(it) || c.right.holds(it) }
func (c not) holds(it Item) bool { return !c.condition.holds(it) }

// An attribute that is absent equals nothing and is unlike everything.
func (c comparison) holds(it Item) bool {
	a, b := c.left.in(it), c.right.in(it)
	switch c.operator {
	case "=":
		return equal(a, b)
	case "<>":
		return !equal(a, b)
	}
	order, ok := compare(a, b)
	if !ok {
		return false
	}
	switch c.operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func (c between) holds(it Item) bool {
	v := c.operand.in(it)
	low, ok := compare(c.low.in(it), v)
	high, alike := compare(v, c.high.in(it))
	return ok && alike && low <= 0 && high <= 0
}

func (c oneOf) holds(it Item) bool {
	v := c.operand.in(it)
	return slices.ContainsFunc(c.list, func(o operand) bool { return equal(v, o.in(it)) })
}

func (c call) holds(it Item) bool {
	v := c.args[0].in(it)
	switch c.name {
	case "attribute_exists":
		return v != nil
	case "attribute_not_exists":
		return v == nil
	}
	w := c.args[1].in(it)
	if v == nil || w == nil {
		return false
	}
	switch c.name {
	case "attribute_type":
		return w == value(text(v.kind()))
	case "begins_with":
		s, _ := sortable(v)
		prefix, _ := sortable(w)
		return v.kind() == w.kind() && isText(v) && strings.HasPrefix(s, prefix)
	}
	return contains(v, w)
}

// isText: a string or a binary.
func isText(v value) bool { return v.kind() == "S" || v.kind() == "B" }

func contains(v, w value) bool {
	switch v := v.(type) {
	case text:
		part, ok := w.(text)
		return ok && strings.Contains(string(v), string(part))
	case blob:
		part, ok := w.(blob)
		return ok && strings.Contains(string(v), string(part))
	case list:
		return slices.ContainsFunc(v, func(e value) bool { return equal(e, w) })
	case textSet:
		e, ok := w.(text)
		return ok && slices.Contains(v, e)
	case numberSet:
		e, ok := w.(number)
		return ok && slices.Contains(v, e)
	case blobSet:
		e, ok := w.(blob)
		return ok && slices.Contains(v, e)
	}
	return false
}

// size() counts a string in UTF-16 units, as the service's Java does, and everything else in elements or bytes.
func (s sizeOf) in(it Item) value {
	switch v := s.operand.in(it).(type) {
	case text:
		n := 0
		for _, r := range string(v) {
			n += utf16.RuneLen(r)
		}
		return numberOf(n)
	case blob:
		return numberOf(len(v))
	case list:
		return numberOf(len(v))
	case Item:
		return numberOf(len(v))
	case textSet:
		return numberOf(len(v))
	case numberSet:
		return numberOf(len(v))
	case blobSet:
		return numberOf(len(v))
	}
	return nil
}

// condition reads a whole condition:
//
//	or      = and { OR and }
//	and     = not { AND not }
//	not     = NOT not | test
//	test    = operand (= | <> | < | <= | > | >=) operand
//	        | operand BETWEEN operand AND operand
//	        | operand IN ( operand { , operand } )
//	        | primary
//	primary = function ( operand { , operand } ) | path | :value | ( or )
//
// A parenthesis may hold a condition or an operand: which, shows only behind it. So rules give whatever they read, and
// who needs the one or the other says so.
func (s *scope) condition(label, text string) (c condition, p *parser, err error) {
	p, err = s.parse(label, text, func(p *parser) { c = p.asCondition(p.or()) })
	return c, p, err
}

// group is what stood in parentheses.
type group struct{ inner any }

func (p *parser) or() any {
	left := p.and()
	for p.next("OR") {
		p.operators++
		left = or{p.asCondition(left), p.asCondition(p.and())}
	}
	return left
}

func (p *parser) and() any {
	left := p.not()
	for p.next("AND") {
		p.operators++
		left = and{p.asCondition(left), p.asCondition(p.not())}
	}
	return left
}

func (p *parser) not() any {
	if p.next("NOT") {
		p.operators++
		return not{p.asCondition(p.not())}
	}
	return p.test()
}

func (p *parser) test() any {
	left := p.primary()
	switch t := p.peek(); t.kind {
	case "=", "<>", "<", "<=", ">", ">=":
		p.take()
		c := comparison{t.kind, p.asOperand(left), p.asOperand(p.primary())}
		p.checkComparison(c)
		return c
	case "BETWEEN":
		p.take()
		c := between{operand: p.asOperand(left), low: p.asOperand(p.primary())}
		p.expect("AND")
		c.high = p.asOperand(p.primary())
		p.checkBetween(c)
		return c
	case "IN":
		p.take()
		c := oneOf{operand: p.asOperand(left)}
		p.expect("(")
		p.commas(func() { c.list = append(c.list, p.asOperand(p.primary())) })
		p.expect(")")
		p.operators++
		if len(c.list) > maxInOperands {
			p.refuse("The IN operator is provided with too many operands; number of operands: %d", len(c.list))
		}
		p.checkDistinct("IN", c.operand, c.list...)
		return c
	}
	return left
}

func (p *parser) primary() any {
	switch t := p.peek(); {
	case t.kind == "(":
		p.take()
		inner := p.or()
		p.expect(")")
		if _, twice := inner.(group); twice {
			p.refuse("The expression has redundant parentheses;")
		}
		return group{inner}
	case t.kind == ":value":
		return p.literal()
	case t.kind == "name" && p.tokens[p.at+1].kind == "(":
		return p.call()
	}
	return p.path()
}

// asCondition takes what was read for a condition.
func (p *parser) asCondition(node any) condition {
	for {
		switch n := node.(type) {
		case group:
			node = n.inner
			continue
		case condition:
			return n
		case sizeOf:
			p.misplaced("size")
		default:
			p.fail()
		}
		return not{}
	}
}

// asOperand takes what was read for an operand.
func (p *parser) asOperand(node any) operand {
	for {
		switch n := node.(type) {
		case group:
			node = n.inner
			continue
		case operand:
			return n
		case call:
			p.misplaced(n.name)
		default:
			p.fail()
		}
		return path{}
	}
}

func (p *parser) misplaced(function string) {
	p.refuse("The function is not allowed to be used this way in an expression; function: %s", function)
}

var functionArguments = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}

func (p *parser) call() any {
	c := call{name: p.take().text}
	p.expect("(")
	p.commas(func() { c.args = append(c.args, p.asOperand(p.primary())) })
	p.expect(")")
	p.operators++
	want, known := functionArguments[c.name]
	switch {
	case c.name == "if_not_exists" || c.name == "list_append":
		p.refuse("The function is not allowed in a condition expression; function: %s", c.name)
	case !known:
		p.refuse("Invalid function name; function: %s", c.name)
	case len(c.args) != want:
		p.wrongCount(c.name, len(c.args))
	default:
		p.checkCall(c)
	}
	if c.name == "size" {
		return sizeOf{c.args[0]}
	}
	return c
}

func (p *parser) wrongCount(function string, n int) {
	p.refuse("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d",
		function, n)
}

func (p *parser) checkCall(c call) {
	_, isPath := c.args[0].(path)
	switch c.name {
	case "attribute_exists", "attribute_not_exists", "attribute_type":
		if !isPath {
			p.refuse("Operator or function requires a document path; operator or function: %s", c.name)
		}
	case "size":
		if k := knownKind(c.args[0]); k == "N" || k == "BOOL" || k == "NULL" {
			p.wrongOperand(c.name, k)
		}
	case "begins_with":
		for _, o := range c.args {
			if k := knownKind(o); k != "" && k != "S" && k != "B" {
				p.wrongOperand(c.name, k)
			}
		}
	}
	if c.name == "attribute_type" {
		p.checkTypeName(c.args[1])
	}
	p.checkDistinct(c.name, c.args[0], c.args[1:]...)
}

func (p *parser) checkTypeName(o operand) {
	const kinds = "S N B SS NS BS M L NULL BOOL"
	switch name, ok := o.(literal); {
	case !ok:
		p.wrongOperand("attribute_type", "{"+strings.ReplaceAll(kinds, " ", ",")+"}")
	case name.kind() != "S":
		p.wrongOperand("attribute_type", name.kind())
	case !slices.Contains(strings.Fields(kinds), string(name.value.(text))):
		p.refuse("Invalid attribute type name found; type: %s, valid types: {%s}",
			name.value, strings.ReplaceAll(kinds, " ", ","))
	}
}

func (p *parser) checkComparison(c comparison) {
	p.operators++
	if c.operator != "=" && c.operator != "<>" {
		p.checkOrdered(c.operator, c.left, c.right)
	}
	p.checkDistinct(c.operator, c.left, c.right)
}

func (p *parser) checkBetween(c between) {
	p.operators++
	p.checkOrdered("BETWEEN", c.operand, c.low, c.high)
	p.checkDistinct("BETWEEN", c.operand, c.low, c.high)
	low, ok := c.low.(literal)
	high, alike := c.high.(literal)
	if !ok || !alike {
		return
	}
	order, ok := compare(low.value, high.value)
	rule := "upper bound to be greater than or equal to lower bound"
	if !ok {
		rule = "same data type for lower and upper bounds"
	} else if order <= 0 {
		return
	}
	p.refuse("The BETWEEN operator requires %s; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s",
		rule, low.appendJSON(nil), high.appendJSON(nil))
}

func (p *parser) checkOrdered(operator string, operands ...operand) {
	for _, o := range operands {
		if k := knownKind(o); k != "" && k != "S" && k != "N" && k != "B" {
			p.wrongOperand(operator, k)
		}
	}
}

func (p *parser) checkDistinct(operator string, first operand, rest ...operand) {
	name, ok := first.(path)
	if !ok {
		return
	}
	for _, o := range rest {
		if other, ok := o.(path); ok && slices.Equal(name, other) {
			p.refuse("The first operand must be distinct from the remaining operands for this operator or function; "+
				"operator: %s, first operand: %s", operator, name)
		}
	}
}

// knownKind is the type that an operand has in every item, "" when that is for the item to say.
func knownKind(o operand) string {
	switch o := o.(type) {
	case literal:
		return o.kind()
	case sizeOf:
		return "N"
	}
	return ""
}
