package dynamo

import "slices"

// narrow sets the range that a key condition allows: the partition key's value, and at most one condition on the sort
// key, joined by AND.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
func (w *walk) narrow(c condition) error {
	tests, err := keyTests(c, nil)
	if err != nil {
		return err
	}
	var hash, sort *keyTest
	for i, t := range tests {
		slot := &hash
		switch {
		case t.name == "":
			return invalid("Query condition missed key schema element: %s", w.key.hash.name)
		case t.name == w.key.hash.name:
		case w.key.sort.name != "" && t.name == w.key.sort.name:
			slot = &sort
		default:
			return invalid("Query condition missed key schema element: %s", w.missing(tests))
		}
		if *slot != nil {
			return invalid("KeyConditionExpressions must only contain one condition per key")
		}
		*slot = &tests[i]
	}
	switch {
	case hash == nil:
		return invalid("Query condition missed key schema element: %s", w.key.hash.name)
	case hash.operator != "=":
		return invalid("Query key condition not supported")
	}
	if err := hash.check(w.key.hash, maxHashKey); err != nil {
		return err
	}
	prefix := string(appendPartition(nil, hash.values[0]))
	w.from, w.to = prefix, after(prefix)
	if sort == nil {
		return nil
	}
	if err := sort.check(w.key.sort, maxSortKey); err != nil {
		return err
	}
	w.from, w.to = sort.bounds(prefix)
	return nil
}

// missing is the key attribute that no test is about.
func (w *walk) missing(tests []keyTest) string {
	for _, a := range w.key.attributes() {
		if !slices.ContainsFunc(tests, func(t keyTest) bool { return t.name == a.name }) {
			return a.name
		}
	}
	return w.key.hash.name
}

// keyTest is one test of a key condition.
type keyTest struct {
	name     string // of the attribute
	operator string
	values   []value
}

// keyTests takes a key condition apart.
func keyTests(c condition, tests []keyTest) ([]keyTest, error) {
	banned := func(operator string) ([]keyTest, error) {
		return nil, invalid("Invalid operator used in KeyConditionExpression: %s", operator)
	}
	switch c := c.(type) {
	case and:
		tests, err := keyTests(c.left, tests)
		if err != nil {
			return nil, err
		}
		return keyTests(c.right, tests)
	case or:
		return banned("OR")
	case not:
		return banned("NOT")
	case oneOf:
		return banned("IN")
	case between:
		return appendTest(tests, "BETWEEN", c.operand, c.low, c.high)
	case call:
		if c.name != "begins_with" {
			return banned(c.name)
		}
		return appendTest(tests, c.name, c.args[0], c.args[1])
	case comparison:
		if c.operator == "<>" {
			return banned(c.operator)
		}
		if _, ok := c.left.(path); ok {
			return appendTest(tests, c.operator, c.left, c.right)
		}
		return appendTest(tests, mirrored[c.operator], c.right, c.left)
	}
	return nil, invalid("Query key condition not supported")
}

var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func appendTest(tests []keyTest, operator string, attribute operand, values ...operand) ([]keyTest, error) {
	t := keyTest{operator: operator}
	switch a := attribute.(type) {
	case path:
		if len(a) > 1 {
			return nil, notScalar(a[0].name)
		}
		t.name = a[0].name
	case sizeOf:
		return nil, invalid("KeyConditionExpressions cannot contain nested operations")
	}
	for _, v := range values {
		l, ok := v.(literal)
		if !ok {
			return nil, invalid("KeyConditionExpressions cannot contain nested operations")
		}
		t.values = append(t.values, l.value)
	}
	return append(tests, t), nil
}

func (t keyTest) check(a keyAttribute, limit int) error {
	for _, v := range t.values {
		switch {
		case v.kind() != a.kind:
			return parameter("Condition parameter type does not match schema type")
		case isEmpty(v) && t.operator != "begins_with":
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute "+
				"cannot contain an empty %s value. Key: %s", kindWord(v), a.name)
		case v.size() > limit && limit == maxHashKey:
			return errHashKeyTooLong
		case v.size() > limit:
			return errSortKeyTooLong
		}
	}
	if t.operator == "begins_with" && a.kind == "N" {
		return invalid("Invalid KeyConditionExpression: Incorrect operand type for operator or function; " +
			"operator or function: begins_with, operand type: N")
	}
	return nil
}

// bounds is the range of keys in a partition that pass the test of the sort key.
func (t keyTest) bounds(partition string) (from, to string) {
	part := func(i int) string { return string(appendPart([]byte(partition), t.values[i])) }
	from, to = partition, after(partition)
	switch t.operator {
	case "=":
		return part(0), after(part(0))
	case "<":
		return from, part(0)
	case "<=":
		return from, after(part(0))
	case ">":
		return after(part(0)), to
	case ">=":
		return part(0), to
	case "BETWEEN":
		return part(0), after(part(1))
	}
	prefix := string(appendPrefix([]byte(partition), t.values[0]))
	return prefix, after(prefix)
}
