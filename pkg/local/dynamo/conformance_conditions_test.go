package dynamo_test

import (
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// truth evaluates a condition against item "c" through a conditional write.
func (c *checker) truth(expr string, names map[string]string, vals attributes) (bool, error) {
	in := &dynamodb.UpdateItemInput{TableName: &c.table, Key: c.k("c"), UpdateExpression: s("REMOVE zzzz"), ConditionExpression: &expr}
	if len(names) > 0 {
		in.ExpressionAttributeNames = names
	}
	if len(vals) > 0 {
		in.ExpressionAttributeValues = vals
	}
	_, err := c.db.UpdateItem(c.ctx, in)
	if err == nil {
		return true, nil
	}
	if gc, _ := code(err); gc == condEx {
		return false, nil
	}
	return false, err
}

// filter evaluates the same expression as a FilterExpression of a Query.
func (c *checker) filter(expr string, names map[string]string, vals attributes) (bool, error) {
	v := attributes{":zzpk": S(c.pk), ":zzsk": S("c")}
	maps.Copy(v, vals)
	in := &dynamodb.QueryInput{TableName: &c.table, KeyConditionExpression: s("pk = :zzpk AND sk = :zzsk"), FilterExpression: &expr, ExpressionAttributeValues: v}
	if len(names) > 0 {
		in.ExpressionAttributeNames = names
	}
	o, err := c.db.Query(c.ctx, in)
	if err != nil {
		return false, err
	}
	return o.Count == 1, nil
}

type tc struct {
	expr string
	want bool
	v    attributes
}

var matrixItem = attributes{"s": S("hello"), "n": N("10"), "m2": N("9"), "b": Bool(true), "nul": Null(), "l": L(S("a"), N("1")), "ss": SS("x", "y"), "ns": NS("1", "2"),
	"bin": B([]byte{1, 2, 3}), "m": M(attributes{"k": S("v"), "d": M(attributes{"e": N("5")})}), "status": S("ACTIVE"), "u": S("é☃")}

var matrix = []tc{
	{"attribute_exists(s)", true, nil}, {"attribute_exists(zz)", false, nil}, {"attribute_not_exists(m.k)", false, nil}, {"attribute_exists(m.d.e)", true, nil},
	{"attribute_exists(l[1])", true, nil}, {"attribute_exists(l[2])", false, nil},
	{"attribute_type(n, :t)", true, attributes{":t": S("N")}}, {"attribute_type(nul, :t)", true, attributes{":t": S("NULL")}}, {"attribute_type(m, :t)", true, attributes{":t": S("M")}}, {"attribute_type(ss, :t)", true, attributes{":t": S("SS")}},
	{"begins_with(s, :p)", true, attributes{":p": S("he")}}, {"begins_with(s, :p)", false, attributes{":p": S("lo")}}, {"begins_with(bin, :p)", true, attributes{":p": B([]byte{1, 2})}},
	{"contains(s, :p)", true, attributes{":p": S("ell")}}, {"contains(ss, :p)", true, attributes{":p": S("y")}}, {"contains(ns, :p)", true, attributes{":p": N("2.0")}}, {"contains(l, :p)", true, attributes{":p": N("1")}}, {"contains(l, :p)", false, attributes{":p": S("1")}}, {"contains(ss, :p)", false, attributes{":p": S("z")}},
	{"size(s) = :z", true, attributes{":z": N("5")}}, {"size(l) = :z", true, attributes{":z": N("2")}}, {"size(m) >= :z", true, attributes{":z": N("2")}}, {"size(bin) = :z", true, attributes{":z": N("3")}}, {"size(ss) < :z", true, attributes{":z": N("3")}}, {"size(zz) = :z", false, attributes{":z": N("0")}},
	{"n > m2", true, nil}, {"n = :v", true, attributes{":v": N("10.00")}}, {"n = :v", false, attributes{":v": S("10")}}, {"n <> :v", true, attributes{":v": S("10")}}, {"n < :v", false, attributes{":v": S("zzz")}}, {"zz = :v", false, attributes{":v": S("x")}}, {"zz <> :v", true, attributes{":v": S("x")}},
	{"n BETWEEN :a AND :b", true, attributes{":a": N("10"), ":b": N("11")}}, {"n BETWEEN m2 AND :b", true, attributes{":b": N("10")}}, {"s BETWEEN :a AND :b", true, attributes{":a": S("a"), ":b": S("i")}},
	{"s IN (:a, :b)", true, attributes{":a": S("x"), ":b": S("hello")}}, {"s IN (:a)", false, attributes{":a": S("x")}}, {"n IN (:a, m2)", false, attributes{":a": N("1")}},
	{"NOT s = :a", true, attributes{":a": S("x")}}, {"NOT (s = :a AND n = :b)", true, attributes{":a": S("hello"), ":b": N("1")}},
	{"s = :x OR n = :n AND b = :f", true, attributes{":x": S("hello"), ":n": N("10"), ":f": Bool(false)}}, {"(s = :x OR n = :n) AND b = :f", false, attributes{":x": S("hello"), ":n": N("10"), ":f": Bool(false)}},
	{"NOT s = :x OR n = :n", true, attributes{":x": S("hello"), ":n": N("10")}},
	{"l[0] = :a and m.d.e = :e", true, attributes{":a": S("a"), ":e": N("5")}}, {"b = :t", true, attributes{":t": Bool(true)}}, {"nul = :n", true, attributes{":n": Null()}}, {"ss = :s", true, attributes{":s": SS("y", "x")}}, {"m.d = :d", true, attributes{":d": M(attributes{"e": N("5.0")})}}, {"l = :l", true, attributes{":l": L(S("a"), N("1"))}},
}

var exprChecks = []check{
	{"expr", "condition_matrix", func(c *checker) error { return runMatrix(c, c.truth) }},
	{"expr", "filter_matrix", func(c *checker) error { return runMatrix(c, c.filter) }},
	{"expr", "unused_names_and_values_rejected", func(c *checker) error {
		_, e1 := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: c.k("a"), ConditionExpression: s("attribute_not_exists(pk)"), ExpressionAttributeNames: map[string]string{"#x": "x"}})
		_, e2 := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: c.k("a"), ConditionExpression: s("attribute_not_exists(pk)"), ExpressionAttributeValues: attributes{":x": S("x")}})
		_, e3 := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: c.k("a"), ExpressionAttributeNames: map[string]string{"#x": "x"}})
		return all(c.want(e1, valEx, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}"),
			c.want(e2, valEx, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}"),
			c.want(e3, valEx, "ExpressionAttributeNames can only be specified when using expressions"))
	}},
	{"expr", "undefined_names_and_values_rejected", func(c *checker) error {
		_, e1 := c.update("a", "SET a = :nope", "", nil, nil, "")
		_, e2 := c.update("a", "SET #nope = :v", "", nil, attributes{":v": S("x")}, "")
		_, e3 := c.update("a", "SET a = :v", "b = :nope", nil, attributes{":v": S("x")}, "")
		return all(c.want(e1, valEx, "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :nope"),
			c.want(e2, valEx, "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: #nope"),
			c.want(e3, valEx, "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :nope"))
	}},
	{"expr", "syntax_errors", func(c *checker) error {
		_, e1 := c.truth("a = ", nil, nil)
		_, e2 := c.truth("a = :v AND", nil, attributes{":v": S("x")})
		_, e3 := c.truth("foo(a)", nil, nil)
		_, e4 := c.truth("attribute_exists(a, b)", nil, nil)
		_, e5 := c.truth("((a = :v)", nil, attributes{":v": S("x")})
		return all(c.want(e1, valEx, `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="`), c.want(e2, valEx, "Invalid ConditionExpression: Syntax error"),
			c.want(e3, valEx, "Invalid ConditionExpression: Invalid function name; function: foo"),
			c.want(e4, valEx, "Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2"),
			c.want(e5, valEx, "Invalid ConditionExpression: Syntax error"))
	}},
	{"expr", "reserved_word_rejected", func(c *checker) error {
		_, e1 := c.update("a", "SET status = :v", "", nil, attributes{":v": S("x")}, "")
		_, e2 := c.truth("attribute_exists(name)", nil, nil)
		_, e3 := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: c.k("a"), ProjectionExpression: s("pk, ttl")})
		return all(c.want(e1, valEx, "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: status"),
			c.want(e2, valEx, "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: name"),
			c.want(e3, valEx, "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: ttl"))
	}},
	{"expr", "operand_type_errors", func(c *checker) error {
		_, e1 := c.truth("begins_with(a, :p)", nil, attributes{":p": N("1")})
		_, e2 := c.truth("a BETWEEN :h AND :l", nil, attributes{":h": N("9"), ":l": N("1")})
		_, e3 := c.truth("attribute_type(a, :t)", nil, attributes{":t": S("QQ")})
		_, e4 := c.truth("a < :m", nil, attributes{":m": M(attributes{})})
		return all(c.want(e1, valEx, "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"),
			c.want(e2, valEx, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"),
			c.want(e3, valEx, "Invalid attribute type name found"), c.want(e4, valEx, "Incorrect operand type for operator or function"))
	}},
	{"expr", "size_of_non_ascii_string_in_characters", func(c *checker) error {
		if err := c.put("c", matrixItem); err != nil {
			return err
		}
		ok, err := c.truth("size(u) = :z", nil, attributes{":z": N("2")})
		if err != nil || !ok {
			return fmt.Errorf("%v, %v", ok, err)
		}
		return nil
	}},
	{"expr", "attribute_names_with_dots_dashes", func(c *checker) error {
		if err := c.put("c", attributes{"a.b": S("x"), "a-b": S("y")}); err != nil {
			return err
		}
		ok, err := c.truth("#d = :x AND #m = :y", map[string]string{"#d": "a.b", "#m": "a-b"}, attributes{":x": S("x"), ":y": S("y")})
		if err != nil || !ok {
			return fmt.Errorf("%v, %v", ok, err)
		}
		return nil
	}},
	{"expr", "legacy_and_expression_mixed_rejected", func(c *checker) error {
		_, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: c.k("a"), ConditionExpression: s("attribute_not_exists(pk)"),
			Expected: map[string]types.ExpectedAttributeValue{"x": {Exists: aws.Bool(false)}}})
		return c.want(err, valEx, "Can not use both expression and non-expression parameters in the same request")
	}},
}

func runMatrix(c *checker, f func(string, map[string]string, attributes) (bool, error)) error {
	if err := c.put("c", matrixItem); err != nil {
		return err
	}
	var bad []string
	for _, t := range matrix {
		got, err := f(t.expr, nil, t.v)
		if err != nil {
			gc, gm := code(err)
			bad = append(bad, fmt.Sprintf("%q %s: %s %s", t.expr, showItem(t.v), gc, clip(gm)))
		} else if got != t.want {
			bad = append(bad, fmt.Sprintf("%q %s = %v", t.expr, showItem(t.v), got))
		}
	}
	if bad != nil {
		return fmt.Errorf("%d of %d wrong: %s", len(bad), len(matrix), strings.Join(bad, "; "))
	}
	return nil
}
