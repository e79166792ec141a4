package dynamo

import (
	"cmp"
	"slices"
)

// update is the tree of an update expression: its paths as an outline, an action at the end of each.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
type update struct{ paths *outline }

// action says what becomes of the value at a path.
type action struct {
	section string // SET, REMOVE, ADD or DELETE
	source  source // nil for REMOVE
}

// source gives the right side of an action, from the item as it was before the update.
type source interface{ from(old Item) (value, error) }

var (
	errPath        = invalid("The document path provided in the update expression is invalid for update")
	errOperandType = invalid("An operand in the update expression has an incorrect data type")
	errNoAttribute = invalid("The provided expression refers to an attribute that does not exist in the item")
	errUpdateSize  = invalid("Item size to update has exceeded the maximum allowed size")
)

func (l literal) from(Item) (value, error) { return l.value, nil }

func (p path) from(old Item) (value, error) {
	if v := p.in(old); v != nil {
		return v, nil
	}
	return nil, errNoAttribute
}

type (
	arithmetic struct {
		operator    string // + or -
		left, right source
	}
	ifNotExists struct {
		path     path
		fallback source
	}
	listAppend struct{ head, tail source }
)

func (a arithmetic) from(old Item) (value, error) {
	left, right, err := bothFrom[number](old, a.left, a.right)
	if err != nil {
		return nil, err
	}
	if a.operator == "+" {
		return left.add(right)
	}
	return left.subtract(right)
}

func (f ifNotExists) from(old Item) (value, error) {
	if v := f.path.in(old); v != nil {
		return v, nil
	}
	return f.fallback.from(old)
}

func (a listAppend) from(old Item) (value, error) {
	head, tail, err := bothFrom[list](old, a.head, a.tail)
	return slices.Concat(head, tail), err
}

// bothFrom takes two operands of one type.
func bothFrom[V value](old Item, left, right source) (l, r V, err error) {
	a, err := left.from(old)
	if err != nil {
		return l, r, err
	}
	b, err := right.from(old)
	if err != nil {
		return l, r, err
	}
	l, ok := a.(V)
	r, alike := b.(V)
	if !ok || !alike {
		return l, r, errOperandType
	}
	return l, r, nil
}

// update reads an update expression:
//
//	update  = section { section }
//	section = SET path = value { , … } | REMOVE path { , … } | ADD path :value { , … } | DELETE path :value { , … }
//	value   = operand [ (+ | -) operand ]
//	operand = path | :value | if_not_exists ( path , operand ) | list_append ( operand , operand ) | ( operand )
func (s *scope) update(text string) (*update, *parser, error) {
	root := &outline{}
	p, err := s.parse("UpdateExpression", text, func(p *parser) {
		seen := map[string]bool{}
		for {
			section := p.peek().kind
			switch section {
			case "SET", "REMOVE", "ADD", "DELETE":
				p.take()
			default:
				p.fail()
				return
			}
			if seen[section] {
				p.refuse("The \"%s\" section can only be used once in an update expression;", section)
			}
			seen[section] = true
			p.commas(func() {
				at := p.path()
				if err := root.add(at, p.action(section)); err != nil {
					p.refuse("%v", err)
				}
			})
			if p.peek().kind == "" {
				return
			}
		}
	})
	return &update{root}, p, err
}

func (p *parser) action(section string) *action {
	switch section {
	case "SET":
		p.expect("=")
		return &action{section, p.sum()}
	case "REMOVE":
		return &action{section, nil}
	}
	v := p.literal()
	if k := v.kind(); !(section == "ADD" && k == "N") && k != "SS" && k != "NS" && k != "BS" {
		p.refuse("Incorrect operand type for operator or function; operator: %s, operand type: %s, "+
			"typeSet: ALLOWED_FOR_%s_OPERAND", section, longKind[k], section)
	}
	return &action{section, v}
}

var longKind = map[string]string{
	"S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "NULL": "NULL", "L": "LIST", "M": "MAP",
}

func (p *parser) sum() source {
	left := p.source()
	t := p.peek()
	if !p.next("+") && !p.next("-") {
		return left
	}
	p.operators++
	right := p.source()
	p.checkKinds(t.kind, "N", left, right)
	return arithmetic{t.kind, left, right}
}

func (p *parser) source() source {
	switch t := p.peek(); {
	case t.kind == "(":
		p.take()
		inner := p.source()
		p.expect(")")
		return inner
	case t.kind == ":value":
		return p.literal()
	case t.kind == "name" && p.tokens[p.at+1].kind == "(":
		return p.function()
	}
	return p.path()
}

func (p *parser) function() source {
	name := p.take().text
	var args []source
	p.expect("(")
	p.commas(func() { args = append(args, p.source()) })
	p.expect(")")
	p.operators++
	_, isCondition := functionArguments[name]
	switch {
	case isCondition:
		p.refuse("The function is not allowed in an update expression; function: %s", name)
	case name != "if_not_exists" && name != "list_append":
		p.refuse("Invalid function name; function: %s", name)
	case len(args) != 2:
		p.wrongCount(name, len(args))
	case name == "list_append":
		p.checkKinds(name, "L", args...)
		return listAppend{args[0], args[1]}
	default:
		if at, ok := args[0].(path); ok {
			return ifNotExists{at, args[1]}
		}
		p.refuse("Operator or function requires a document path; operator or function: %s", name)
	}
	return path{}
}

func (p *parser) checkKinds(operator, kind string, args ...source) {
	for _, a := range args {
		if l, ok := a.(literal); ok && l.kind() != kind {
			p.wrongOperand(operator, l.kind())
		}
	}
}

// apply makes the new item. Every right side reads the old one.
func (u *update) apply(old Item) (Item, error) {
	v, err := u.paths.rebuild(old, old)
	if err != nil {
		return nil, err
	}
	return v.(Item), nil
}

// rebuild makes the successor of a value inside the tree; nil takes it away.
func (o *outline) rebuild(v value, old Item) (value, error) {
	if o.action != nil {
		return o.action.result(v, old)
	}
	switch v := v.(type) {
	case Item:
		if o.branches[0].step.name != "" {
			return o.rebuildMap(v, old)
		}
	case list:
		if o.branches[0].step.name == "" {
			return o.rebuildList(v, old)
		}
	}
	return nil, errPath
}

func (o *outline) rebuildMap(it Item, old Item) (value, error) {
	for _, b := range o.branches {
		v, err := b.rebuild(it.get(b.step.name), old)
		if err != nil {
			return nil, err
		}
		it = it.with(b.step.name, v)
	}
	return it, nil
}

// rebuildList keeps the old indexes throughout: what is removed leaves only at the end, and what is set behind the last
// element is appended in the order of its index.
func (o *outline) rebuildList(l list, old Item) (value, error) {
	branches := slices.SortedFunc(slices.Values(o.branches), func(a, b *outline) int {
		return cmp.Compare(a.step.index, b.step.index)
	})
	changed := slices.Clone(l)
	for _, b := range branches {
		v, err := b.rebuild(b.step.into(l), old)
		if err != nil {
			return nil, err
		}
		if b.step.index < len(l) {
			changed[b.step.index] = v
		} else if v != nil {
			changed = append(changed, v)
		}
	}
	return slices.DeleteFunc(changed, func(v value) bool { return v == nil }), nil
}

// result is what an action makes of the value it finds, nil where there is none.
func (a *action) result(v value, old Item) (value, error) {
	if a.section == "REMOVE" {
		return nil, nil
	}
	operand, err := a.source.from(old)
	if err != nil || a.section == "SET" {
		return operand, err
	}
	if a.section == "ADD" {
		return added(v, operand)
	}
	return deleted(v, operand)
}

func added(v, operand value) (value, error) {
	if v == nil {
		return operand, nil
	}
	switch o := operand.(type) {
	case number:
		if n, ok := v.(number); ok {
			return n.add(o)
		}
	case textSet:
		if set, ok := v.(textSet); ok {
			return union(set, o), nil
		}
	case numberSet:
		if set, ok := v.(numberSet); ok {
			return union(set, o), nil
		}
	case blobSet:
		if set, ok := v.(blobSet); ok {
			return union(set, o), nil
		}
	}
	return nil, errOperandType
}

// deleted takes elements from a set; a set without elements is no attribute.
func deleted(v, operand value) (value, error) {
	if v == nil {
		return nil, nil
	}
	switch o := operand.(type) {
	case textSet:
		if set, ok := v.(textSet); ok {
			return orNothing(difference(set, o)), nil
		}
	case numberSet:
		if set, ok := v.(numberSet); ok {
			return orNothing(difference(set, o)), nil
		}
	case blobSet:
		if set, ok := v.(blobSet); ok {
			return orNothing(difference(set, o)), nil
		}
	}
	return nil, errOperandType
}

func union[S ~[]E, E cmp.Ordered](a, b S) S {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func difference[S ~[]E, E cmp.Ordered](a, b S) S {
	return slices.DeleteFunc(slices.Clone(a), func(e E) bool { return slices.Contains(b, e) })
}

func orNothing[S interface {
	~[]E
	value
}, E any](set S) value {
	if len(set) == 0 {
		return nil
	}
	return set
}

// onlyTakes: an update that adds nothing makes no item where there was none.
func (u *update) onlyTakes() bool {
	return !slices.ContainsFunc(u.paths.branches, (*outline).gives)
}

func (o *outline) gives() bool {
	if o.action != nil {
		return o.action.section == "SET" || o.action.section == "ADD"
	}
	return slices.ContainsFunc(o.branches, (*outline).gives)
}

// touches refuses an update of a key attribute.
func (u *update) touches(key keySchema) error {
	for _, b := range u.paths.branches {
		if key.has(b.step.name) {
			return unfit("One or more parameter values were invalid: Cannot update attribute %s. "+
				"This attribute is part of the key", b.step.name)
		}
	}
	return nil
}
