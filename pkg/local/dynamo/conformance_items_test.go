package dynamo_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var itemChecks = []check{
	{"item", "put_get_all_types", func(c *checker) error {
		want := c.item("a", attributes{
			"s": S("héllo ☃ \"q\" <&>"), "empty": S(""), "n": N("42"), "neg": N("-0.5"), "b": B([]byte{0, 1, 255}), "t": Bool(true), "f": Bool(false),
			"nul": Null(), "ss": SS("b", "a"), "ns": NS("2", "10", "1"), "bs": BS([]byte{1}, []byte{2}),
			"l": L(S("x"), N("1"), L(), M(attributes{})), "m": M(attributes{"a": M(attributes{"b": L(Bool(true))})}),
		})
		if _, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: want}); err != nil {
			return err
		}
		got, err := c.get("a")
		if err != nil {
			return err
		}
		return eq("item", showItem(got), showItem(want))
	}},
	{"item", "get_missing_is_nil", func(c *checker) error {
		got, err := c.get("nope")
		if err != nil {
			return err
		}
		if got != nil {
			return fmt.Errorf("Item is %v, want nil", got)
		}
		return nil
	}},
	{"item", "put_replaces_whole_item", func(c *checker) error {
		if err := all(c.put("a", attributes{"x": S("1"), "y": S("2")}), c.put("a", attributes{"z": S("3")})); err != nil {
			return err
		}
		got, err := c.get("a")
		if err != nil {
			return err
		}
		return eq("item", showItem(attrs(got)), `{z:S("3")}`)
	}},
	{"item", "put_attribute_not_exists", func(c *checker) error {
		in := &dynamodb.PutItemInput{TableName: &c.table, Item: c.item("a", attributes{"v": N("1")}), ConditionExpression: s("attribute_not_exists(pk)")}
		if _, err := c.db.PutItem(c.ctx, in); err != nil {
			return err
		}
		_, err := c.db.PutItem(c.ctx, in)
		var t *types.ConditionalCheckFailedException
		if err != nil && !errors.As(err, &t) {
			return fmt.Errorf("not typed: %v", err)
		}
		return c.want(err, condEx, "The conditional request failed")
	}},
	{"item", "condition_failure_ALL_OLD", func(c *checker) error {
		if err := c.put("a", attributes{"v": N("7")}); err != nil {
			return err
		}
		var e []error
		chk := func(what string, err error) {
			var t *types.ConditionalCheckFailedException
			if !errors.As(err, &t) {
				e = append(e, fmt.Errorf("%s: %v", what, err))
				return
			}
			e = append(e, eq(what+" Item", showItem(attrs(t.Item)), "{v:N(7)}"))
		}
		_, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: c.k("a"), ConditionExpression: s("attribute_not_exists(pk)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
		chk("put", err)
		_, err = c.db.UpdateItem(c.ctx, &dynamodb.UpdateItemInput{TableName: &c.table, Key: c.k("a"), UpdateExpression: s("SET v = :n"), ConditionExpression: s("v = :o"),
			ExpressionAttributeValues: attributes{":n": N("8"), ":o": N("6")}, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
		chk("update", err)
		_, err = c.db.DeleteItem(c.ctx, &dynamodb.DeleteItemInput{TableName: &c.table, Key: c.k("a"), ConditionExpression: s("v = :o"),
			ExpressionAttributeValues: attributes{":o": N("6")}, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
		chk("delete", err)
		return all(e...)
	}},
	{"item", "put_return_ALL_OLD", func(c *checker) error {
		if err := c.put("a", attributes{"v": N("1")}); err != nil {
			return err
		}
		o, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: c.item("a", attributes{"v": N("2")}), ReturnValues: types.ReturnValueAllOld})
		if err != nil {
			return err
		}
		return eq("old", showItem(attrs(o.Attributes)), "{v:N(1)}")
	}},
	{"item", "put_return_UPDATED_NEW_rejected", func(c *checker) error {
		_, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: c.k("a"), ReturnValues: types.ReturnValueUpdatedNew})
		return c.want(err, valEx, "Return values set to invalid value")
	}},
	{"item", "delete_conditions_and_ALL_OLD", func(c *checker) error {
		if err := c.put("a", attributes{"v": N("1")}); err != nil {
			return err
		}
		_, err := c.db.DeleteItem(c.ctx, &dynamodb.DeleteItemInput{TableName: &c.table, Key: c.k("a"), ConditionExpression: s("v > :x"), ExpressionAttributeValues: attributes{":x": N("1")}})
		if e := c.want(err, condEx, ""); e != nil {
			return e
		}
		o, err := c.db.DeleteItem(c.ctx, &dynamodb.DeleteItemInput{TableName: &c.table, Key: c.k("a"), ConditionExpression: s("v = :x"), ExpressionAttributeValues: attributes{":x": N("1.0")}, ReturnValues: types.ReturnValueAllOld})
		if err != nil {
			return err
		}
		if e := eq("old", showItem(attrs(o.Attributes)), "{v:N(1)}"); e != nil {
			return e
		}
		if _, err := c.db.DeleteItem(c.ctx, &dynamodb.DeleteItemInput{TableName: &c.table, Key: c.k("a")}); err != nil {
			return fmt.Errorf("delete of a missing item: %w", err)
		}
		_, err = c.db.DeleteItem(c.ctx, &dynamodb.DeleteItemInput{TableName: &c.table, Key: c.k("a"), ConditionExpression: s("attribute_exists(pk)")})
		return c.want(err, condEx, "")
	}},
	{"item", "empty_key_string_rejected", func(c *checker) error {
		_, e1 := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: attributes{"pk": S(""), "sk": S("a")}})
		_, e2 := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: attributes{"pk": S("a"), "sk": S("")}})
		return all(c.want(e1, valEx, "The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"),
			c.want(e2, valEx, "The AttributeValue for a key attribute cannot contain an empty string value. Key: sk"))
	}},
	{"item", "missing_key_rejected", func(c *checker) error {
		_, e1 := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: attributes{"pk": S("a")}})
		_, e2 := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: attributes{"pk": S("a")}})
		_, e3 := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: attributes{"pk": S("a"), "sk": S("a"), "zz": S("a")}})
		return all(c.want(e1, valEx, "One or more parameter values were invalid: Missing the key sk in the item"),
			c.want(e2, valEx, "The provided key element does not match the schema"), c.want(e3, valEx, "The provided key element does not match the schema"))
	}},
	{"item", "key_type_mismatch_rejected", func(c *checker) error {
		_, e1 := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: attributes{"pk": N("1"), "sk": S("a")}})
		_, e2 := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: attributes{"pk": S("a"), "sk": N("1")}})
		return all(c.want(e1, valEx, "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N"),
			c.want(e2, valEx, "The provided key element does not match the schema"))
	}},
	{"item", "gsi_key_empty_or_wrong_type_rejected", func(c *checker) error {
		e1 := c.put("a", attributes{"g1pk": S(""), "g1sk": S("x")})
		e2 := c.put("a", attributes{"g1pk": N("1"), "g1sk": S("x")})
		return all(c.want(e1, valEx, "cannot contain an empty string value. IndexName: GSI1, IndexKey: g1pk"),
			c.want(e2, valEx, "Type mismatch for Index Key g1pk Expected: S Actual: N IndexName: GSI1"))
	}},
	{"item", "gsi_key_wrong_type_in_update_rejected", func(c *checker) error {
		if err := c.put("a", nil); err != nil {
			return err
		}
		_, err := c.update("a", "SET g1pk = :v", "", nil, attributes{":v": N("1")}, "")
		return c.want(err, valEx, "")
	}},
	{"item", "empty_and_duplicate_sets_rejected", func(c *checker) error {
		e1 := c.put("a", attributes{"x": SS()})
		e2 := c.put("a", attributes{"x": SS("a", "a")})
		return all(c.want(e1, valEx, "may not be empty"), c.want(e2, valEx, "Input collection [a, a] contains duplicates"))
	}},
	{"item", "numbers_38_digits", func(c *checker) error {
		big := "12345678901234567890123456789012345678"
		if err := c.put("a", attributes{"n": N(big), "f": N("0001.500"), "e": N("1E3"), "t": N("0.00000000000000000000000000000000000001")}); err != nil {
			return err
		}
		got, err := c.get("a")
		if err != nil {
			return err
		}
		if e := eq("normalised", showItem(attrs(got)), "{e:N(1000) f:N(1.5) n:N("+big+") t:N(0.00000000000000000000000000000000000001)}"); e != nil {
			return e
		}
		o, err := c.update("a", "SET n = n + :o, f = f - :d", "", nil, attributes{":o": N("1"), ":d": N("0.1")}, types.ReturnValueUpdatedNew)
		if err != nil {
			return err
		}
		return eq("exact sum", showItem(o.Attributes), "{f:N(1.4) n:N(12345678901234567890123456789012345679)}")
	}},
	{"item", "numbers_out_of_range_rejected", func(c *checker) error {
		e1 := c.put("a", attributes{"n": N("123456789012345678901234567890123456789")})
		e2 := c.put("a", attributes{"n": N("1E126")})
		e3 := c.put("a", attributes{"n": N("abc")})
		return all(c.want(e1, valEx, "Attempting to store more than 38 significant digits in a Number"),
			c.want(e2, valEx, "Number overflow. Attempting to store a number with magnitude larger than supported range"),
			c.want(e3, valEx, "cannot be converted to a numeric value"))
	}},
	{"item", "size_limit_400KB", func(c *checker) error {
		// names count too: pk+sk names 4, values len, "v" 1
		room := 400*1024 - 4 - len(c.pk) - 1 - 1
		if err := c.put("a", attributes{"v": S(strings.Repeat("x", room))}); err != nil {
			return fmt.Errorf("exactly 400 KB refused: %w", err)
		}
		err := c.put("b", attributes{"v": S(strings.Repeat("x", room+1))})
		return c.want(err, valEx, "Item size has exceeded the maximum allowed size")
	}},
	{"item", "size_limit_400KB_by_update", func(c *checker) error {
		if err := c.put("a", attributes{"v": S(strings.Repeat("x", 300*1024))}); err != nil {
			return err
		}
		_, err := c.update("a", "SET w = :w", "", nil, attributes{":w": S(strings.Repeat("y", 150*1024))}, "")
		return c.want(err, valEx, "Item size to update has exceeded the maximum allowed size")
	}},
	{"item", "key_size_limits", func(c *checker) error {
		_, e1 := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: attributes{"pk": S(strings.Repeat("p", 2049)), "sk": S("a")}})
		_, e2 := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: attributes{"pk": S("a"), "sk": S(strings.Repeat("p", 1025))}})
		return all(c.want(e1, valEx, "Size of hashkey has exceeded the maximum size limit of 2048 bytes"), c.want(e2, valEx, "size of all range keys has exceeded the size limit of 1024 bytes"))
	}},
	{"item", "get_projection_nested", func(c *checker) error {
		if err := c.put("a", attributes{"status": S("x"), "m": M(attributes{"a": N("1"), "b": N("2"), "c.d": N("3")}), "l": L(S("0"), S("1"), S("2")), "z": S("no")}); err != nil {
			return err
		}
		o, err := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: c.k("a"), ProjectionExpression: s("#s, m.a, m.#cd, l[2], nosuch"),
			ExpressionAttributeNames: map[string]string{"#s": "status", "#cd": "c.d"}})
		if err != nil {
			return err
		}
		return eq("projected", showItem(o.Item), `{l:L[S("2")] m:{a:N(1) c.d:N(3)} status:S("x")}`)
	}},
	{"item", "return_consumed_capacity", func(c *checker) error {
		o, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: c.item("a", attributes{"v": S(strings.Repeat("x", 3000))}), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
		if err != nil {
			return err
		}
		if o.ConsumedCapacity == nil || aws.ToFloat64(o.ConsumedCapacity.CapacityUnits) != 3 || aws.ToString(o.ConsumedCapacity.TableName) != c.table {
			return fmt.Errorf("put: %+v, want 3 units", showUnits(o.ConsumedCapacity))
		}
		g, err := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: c.k("a"), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
		if err != nil {
			return err
		}
		if g.ConsumedCapacity == nil || aws.ToFloat64(g.ConsumedCapacity.CapacityUnits) != 0.5 {
			return fmt.Errorf("get: %v, want 0.5 units", showUnits(g.ConsumedCapacity))
		}
		n, err := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: c.k("a")})
		if err != nil {
			return err
		}
		if n.ConsumedCapacity != nil {
			return errors.New("capacity came back unasked")
		}
		return nil
	}},
	{"item", "binary_key_and_bytes_order", func(c *checker) error {
		n := c.table + "-bin"
		_, err := c.db.CreateTable(c.ctx, &dynamodb.CreateTableInput{TableName: &n, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: s("pk"), AttributeType: types.ScalarAttributeTypeB}, {AttributeName: s("sk"), AttributeType: types.ScalarAttributeTypeB}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: s("pk"), KeyType: types.KeyTypeHash}, {AttributeName: s("sk"), KeyType: types.KeyTypeRange}}})
		if err != nil {
			return err
		}
		for _, b := range [][]byte{{200}, {1, 2}, {1}, {127}} {
			if _, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &n, Item: attributes{"pk": B([]byte{9}), "sk": B(b)}}); err != nil {
				return err
			}
		}
		o, err := c.db.Query(c.ctx, &dynamodb.QueryInput{TableName: &n, KeyConditionExpression: s("pk = :p"), ExpressionAttributeValues: attributes{":p": B([]byte{9})}})
		if err != nil {
			return err
		}
		var got bytes.Buffer
		for _, it := range o.Items {
			fmt.Fprintf(&got, "%s ", show(it["sk"]))
		}
		return eq("order", got.String(), "B(01) B(0102) B(7f) B(c8) ")
	}},
}

func showUnits(c *types.ConsumedCapacity) string {
	if c == nil {
		return "nil"
	}
	return fmt.Sprintf("{%s %v}", aws.ToString(c.TableName), aws.ToFloat64(c.CapacityUnits))
}
