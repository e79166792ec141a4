package dynamo_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var updateChecks = []check{
	{"update", "set_remove_add_delete_together", func(c *checker) error {
		if err := c.put("a", attributes{"x": S("old"), "r": S("gone"), "n": N("5"), "ss": SS("a", "b", "c"), "keep": S("k")}); err != nil {
			return err
		}
		o, err := c.update("a", "SET x = :x, y = :y REMOVE r ADD n :i, tags :t DELETE ss :d", "", nil,
			attributes{":x": S("new"), ":y": Bool(true), ":i": N("-2"), ":t": SS("t1"), ":d": SS("b", "zz")}, types.ReturnValueAllNew)
		if err != nil {
			return err
		}
		return eq("ALL_NEW", showItem(attrs(o.Attributes)), `{keep:S("k") n:N(3) ss:SS["a" "c"] tags:SS["t1"] x:S("new") y:BOOL(true)}`)
	}},
	{"update", "return_values_modes", func(c *checker) error {
		var e []error
		for _, t := range []struct {
			rv   types.ReturnValue
			want string
		}{
			{types.ReturnValueNone, "{}"}, {types.ReturnValueAllOld, "{a:N(1) b:N(2)}"}, {types.ReturnValueUpdatedOld, "{a:N(1)}"},
			{types.ReturnValueUpdatedNew, "{a:N(9) c:N(3)}"}, {types.ReturnValueAllNew, "{a:N(9) b:N(2) c:N(3)}"},
		} {
			if err := c.put("a", attributes{"a": N("1"), "b": N("2")}); err != nil {
				return err
			}
			o, err := c.update("a", "SET a = :a, c = :c", "", nil, attributes{":a": N("9"), ":c": N("3")}, t.rv)
			if err != nil {
				return err
			}
			e = append(e, eq(string(t.rv), showItem(attrs(o.Attributes)), t.want))
		}
		return all(e...)
	}},
	{"update", "if_not_exists_list_append_arithmetic", func(c *checker) error {
		if err := c.put("a", attributes{"l": L(N("1")), "n": N("10")}); err != nil {
			return err
		}
		o, err := c.update("a", "SET l = list_append(l, :x), p = list_append(:x, l), n = n + :one, c = if_not_exists(c, :zero) + :one, q = if_not_exists(n, :zero), l2 = list_append(if_not_exists(l2, :empty), :x)", "", nil,
			attributes{":x": L(N("2")), ":one": N("1"), ":zero": N("0"), ":empty": L()}, types.ReturnValueAllNew)
		if err != nil {
			return err
		}
		return eq("new", showItem(attrs(o.Attributes)), "{c:N(1) l:L[N(1) N(2)] l2:L[N(2)] n:N(11) p:L[N(2) N(1)] q:N(10)}")
	}},
	{"update", "right_side_reads_old_item", func(c *checker) error {
		if err := c.put("a", attributes{"a": N("1"), "b": N("2")}); err != nil {
			return err
		}
		o, err := c.update("a", "SET a = b, b = a REMOVE z", "", nil, nil, types.ReturnValueAllNew)
		if err != nil {
			return err
		}
		return eq("swap", showItem(attrs(o.Attributes)), "{a:N(2) b:N(1)}")
	}},
	{"update", "nested_paths", func(c *checker) error {
		if err := c.put("a", attributes{"m": M(attributes{"k": N("1"), "in": M(attributes{"z": L(S("a"), S("b"), S("c"))})}), "l": L(N("0"), N("1"), N("2"))}); err != nil {
			return err
		}
		o, err := c.update("a", "SET m.#k = :v, m.#in.z[1] = :v, l[9] = :v, m.newk = :v REMOVE l[0], m.#in.z[0] ADD m.cnt :one", "", map[string]string{"#k": "k", "#in": "in"},
			attributes{":v": S("V"), ":one": N("1")}, types.ReturnValueAllNew)
		if err != nil {
			return err
		}
		return eq("new", showItem(attrs(o.Attributes)), `{l:L[N(1) N(2) S("V")] m:{cnt:N(1) in:{z:L[S("V") S("c")]} k:S("V") newk:S("V")}}`)
	}},
	{"update", "nested_missing_parent_rejected", func(c *checker) error {
		if err := c.put("a", attributes{"x": S("1")}); err != nil {
			return err
		}
		_, err := c.update("a", "SET m.k = :v", "", nil, attributes{":v": S("V")}, "")
		return c.want(err, valEx, "The document path provided in the update expression is invalid for update")
	}},
	{"update", "upsert", func(c *checker) error {
		o, err := c.update("new", "ADD n :i SET a = :a", "", nil, attributes{":i": N("3"), ":a": S("x")}, types.ReturnValueAllNew)
		if err != nil {
			return err
		}
		if e := eq("ALL_NEW", showItem(o.Attributes), showItem(c.item("new", attributes{"n": N("3"), "a": S("x")}))); e != nil {
			return e
		}
		_, err = c.update("absent", "SET a = :a", "attribute_exists(pk)", nil, attributes{":a": S("x")}, "")
		if e := c.want(err, condEx, ""); e != nil {
			return e
		}
		got, err := c.get("absent")
		if err != nil || got != nil {
			return fmt.Errorf("failed condition left %v, %v", got, err)
		}
		return nil
	}},
	{"update", "no_expression_touches_item", func(c *checker) error {
		if _, err := c.db.UpdateItem(c.ctx, &dynamodb.UpdateItemInput{TableName: &c.table, Key: c.k("t")}); err != nil {
			return err
		}
		got, err := c.get("t")
		if err != nil {
			return err
		}
		return eq("item", showItem(got), showItem(c.k("t")))
	}},
	{"update", "key_attribute_rejected", func(c *checker) error {
		_, err := c.update("a", "SET sk = :v", "", nil, attributes{":v": S("V")}, "")
		return c.want(err, valEx, "One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the key")
	}},
	{"update", "overlapping_paths_rejected", func(c *checker) error {
		_, err := c.update("a", "SET m = :v, m.a = :v", "", nil, attributes{":v": S("V")}, "")
		return c.want(err, valEx, "Two document paths overlap with each other")
	}},
	{"update", "operand_type_errors", func(c *checker) error {
		if err := c.put("a", attributes{"x": S("1")}); err != nil {
			return err
		}
		_, e1 := c.update("a", "ADD x :i", "", nil, attributes{":i": N("1")}, "")
		_, e2 := c.update("a", "SET x = x + :i", "", nil, attributes{":i": N("1")}, "")
		_, e3 := c.update("a", "SET x = nosuch + :i", "", nil, attributes{":i": N("1")}, "")
		_, e4 := c.update("a", "ADD y :i", "", nil, attributes{":i": S("1")}, "")
		_, e5 := c.update("a", "SET x = nosuch", "", nil, nil, "")
		return all(c.want(e1, valEx, "An operand in the update expression has an incorrect data type"),
			c.want(e2, valEx, "An operand in the update expression has an incorrect data type"),
			c.want(e3, valEx, "The provided expression refers to an attribute that does not exist in the item"),
			c.want(e4, valEx, "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"),
			c.want(e5, valEx, "The provided expression refers to an attribute that does not exist in the item"))
	}},
	{"update", "what_is_in_nothing_cannot_be_removed", func(c *checker) error {
		if err := c.put("a", attributes{"m": M(nil), "l": L(), "v": N("1")}); err != nil {
			return err
		}
		var errs []error
		for _, there := range []string{"REMOVE x", "REMOVE m.x", "REMOVE l[3]"} {
			_, err := c.update("a", there, "", nil, nil, "")
			errs = append(errs, err)
		}
		for _, nowhere := range []string{"REMOVE x.y", "REMOVE x[0]", "REMOVE m.x.y", "REMOVE m[0]", "REMOVE l.x", "REMOVE v.x"} {
			_, err := c.update("a", nowhere, "", nil, nil, "")
			errs = append(errs, c.want(err, valEx, "The document path provided in the update expression is invalid for update"))
		}
		_, err := c.update("b", "REMOVE x.y", "", nil, nil, "") // no item, no x
		return all(append(errs, c.want(err, valEx, "The document path provided in the update expression is invalid for update"))...)
	}},
	{"update", "delete_last_set_element_removes_attribute", func(c *checker) error {
		if err := c.put("a", attributes{"ss": SS("x"), "v": N("1")}); err != nil {
			return err
		}
		o, err := c.update("a", "DELETE ss :d", "", nil, attributes{":d": SS("x")}, types.ReturnValueAllNew)
		if err != nil {
			return err
		}
		return eq("new", showItem(attrs(o.Attributes)), "{v:N(1)}")
	}},
	{"update", "syntax_errors", func(c *checker) error {
		_, e1 := c.update("a", "SET a :v", "", nil, attributes{":v": S("V")}, "")
		_, e2 := c.update("a", "SET a = :v SET b = :v", "", nil, attributes{":v": S("V")}, "")
		_, e3 := c.update("a", "FOO a = :v", "", nil, attributes{":v": S("V")}, "")
		_, e4 := c.update("a", "", "", nil, nil, "")
		return all(c.want(e1, valEx, `Invalid UpdateExpression: Syntax error; token: ":v", near: "a :v"`),
			c.want(e2, valEx, `Invalid UpdateExpression: The "SET" section can only be used once in an update expression`),
			c.want(e3, valEx, `Invalid UpdateExpression: Syntax error`),
			c.want(e4, valEx, `Invalid UpdateExpression: The expression can not be empty`))
	}},
}
