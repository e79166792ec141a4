package dynamo_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func reasons(err error) ([]types.CancellationReason, bool) {
	if t, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return t.CancellationReasons, true
	}
	return nil, false
}

func codes(r []types.CancellationReason) string {
	var o []string
	for _, x := range r {
		o = append(o, aws.ToString(x.Code))
	}
	return strings.Join(o, ",")
}

func (c *checker) txPut(sk string, kv attributes, cond string) types.TransactWriteItem {
	p := &types.Put{TableName: &c.table, Item: c.item(sk, kv)}
	if cond != "" {
		p.ConditionExpression = &cond
	}
	return types.TransactWriteItem{Put: p}
}

func (c *checker) txCheck(sk, cond string, v attributes) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: &c.table, Key: c.k(sk), ConditionExpression: &cond, ExpressionAttributeValues: v}}
}

func (c *checker) txUpd(sk, expr, cond string, v attributes) types.TransactWriteItem {
	u := &types.Update{TableName: &c.table, Key: c.k(sk), UpdateExpression: &expr, ExpressionAttributeValues: v}
	if cond != "" {
		u.ConditionExpression = &cond
	}
	return types.TransactWriteItem{Update: u}
}

func (c *checker) txDel(sk, cond string) types.TransactWriteItem {
	d := &types.Delete{TableName: &c.table, Key: c.k(sk)}
	if cond != "" {
		d.ConditionExpression = &cond
	}
	return types.TransactWriteItem{Delete: d}
}

func (c *checker) tx(token string, it ...types.TransactWriteItem) error {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: it}
	if token != "" {
		in.ClientRequestToken = &token
	}
	_, err := c.db.TransactWriteItems(c.ctx, in)
	return err
}

func (c *checker) dump() (string, error) {
	o, err := c.db.Query(c.ctx, &dynamodb.QueryInput{TableName: &c.table, KeyConditionExpression: s("pk = :p"), ExpressionAttributeValues: attributes{":p": S(c.pk)}, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, it := range o.Items {
		fmt.Fprintf(&b, "%s%s ", sks([]attributes{it}), showItem(attrs(it)))
	}
	return strings.TrimSpace(b.String()), nil
}

var txChecks = []check{
	{"tx", "mixed_commit", func(c *checker) error {
		if err := all(c.put("upd", attributes{"n": N("1")}), c.put("del", nil), c.put("chk", attributes{"v": S("ok")})); err != nil {
			return err
		}
		err := c.tx("", c.txPut("new", attributes{"a": S("b")}, "attribute_not_exists(pk)"), c.txUpd("upd", "ADD n :i", "n = :one", attributes{":i": N("5"), ":one": N("1")}),
			c.txDel("del", "attribute_exists(pk)"), c.txCheck("chk", "v = :v", attributes{":v": S("ok")}))
		if err != nil {
			return err
		}
		got, err := c.dump()
		if err != nil {
			return err
		}
		return eq("items", got, `chk{v:S("ok")} new{a:S("b")} upd{n:N(6)}`)
	}},
	{"tx", "cancellation_reasons_in_order_nothing_written", func(c *checker) error {
		if err := all(c.put("a", attributes{"n": N("1")}), c.put("b", nil)); err != nil {
			return err
		}
		err := c.tx("", c.txPut("new", nil, ""), c.txPut("a", attributes{"n": N("2")}, "attribute_not_exists(pk)"), c.txUpd("b", "SET x = :x", "", attributes{":x": S("x")}), c.txCheck("zz", "attribute_exists(pk)", nil), c.txDel("a2", ""))
		r, ok := reasons(err)
		if !ok {
			return fmt.Errorf("not TransactionCanceledException: %v", err)
		}
		e1 := eq("codes", codes(r), "None,ConditionalCheckFailed,None,ConditionalCheckFailed,None")
		e2 := c.want(err, "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, None, ConditionalCheckFailed, None]")
		var e3 error
		if len(r) > 1 && aws.ToString(r[1].Message) != "The conditional request failed" {
			e3 = fmt.Errorf("reason message %q", aws.ToString(r[1].Message))
		}
		got, err := c.dump()
		if err != nil {
			return err
		}
		return all(e1, e2, e3, eq("items", got, "a{n:N(1)} b{}"))
	}},
	{"tx", "reason_item_ALL_OLD", func(c *checker) error {
		if err := c.put("a", attributes{"n": N("1")}); err != nil {
			return err
		}
		p := c.txPut("a", nil, "attribute_not_exists(pk)")
		p.Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
		q := c.txCheck("a2", "attribute_exists(pk)", nil)
		q.ConditionCheck.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
		r, ok := reasons(c.tx("", p, q))
		if !ok || len(r) != 2 {
			return fmt.Errorf("reasons %v", r)
		}
		return all(eq("codes", codes(r), "ConditionalCheckFailed,ConditionalCheckFailed"), eq("item", showItem(attrs(r[0].Item)), "{n:N(1)}"), eq("absent", showItem(r[1].Item), "{}"))
	}},
	{"tx", "same_item_twice_rejected", func(c *checker) error {
		err := c.tx("", c.txPut("a", nil, ""), c.txCheck("a", "attribute_exists(pk)", nil))
		return c.want(err, valEx, "Transaction request cannot include multiple operations on one item")
	}},
	{"tx", "more_than_100_rejected_100_accepted", func(c *checker) error {
		var it []types.TransactWriteItem
		for i := range 101 {
			it = append(it, c.txPut(fmt.Sprintf("i%03d", i), nil, ""))
		}
		if err := c.tx("", it[:100]...); err != nil {
			return fmt.Errorf("100 refused: %w", err)
		}
		err := c.tx("", it...)
		return c.want(err, valEx, "Member must have length less than or equal to 100")
	}},
	{"tx", "client_request_token_idempotent", func(c *checker) error {
		tok := fmt.Sprintf("tok-%d-%s", time.Now().UnixNano(), "a")[:24]
		for i := range 2 {
			if err := c.tx(tok, c.txUpd("n", "ADD n :i", "", attributes{":i": N("1")})); err != nil {
				return fmt.Errorf("call %d: %w", i+1, err)
			}
		}
		got, err := c.get("n")
		if err != nil {
			return err
		}
		return eq("counter after two same-token calls", showItem(attrs(got)), "{n:N(1)}")
	}},
	{"tx", "client_request_token_mismatch", func(c *checker) error {
		tok := fmt.Sprintf("tok-%d-%s", time.Now().UnixNano(), "b")[:24]
		if err := c.tx(tok, c.txPut("a", attributes{"v": N("1")}, "")); err != nil {
			return err
		}
		err := c.tx(tok, c.txPut("a", attributes{"v": N("2")}, ""))
		return c.want(err, "IdempotentParameterMismatchException", "")
	}},
	{"tx", "runtime_validation_error_is_a_reason", func(c *checker) error {
		if err := c.put("a", attributes{"x": S("s")}); err != nil {
			return err
		}
		err := c.tx("", c.txPut("b", nil, ""), c.txUpd("a", "SET x = x + :i", "", attributes{":i": N("1")}))
		r, ok := reasons(err)
		if !ok {
			return fmt.Errorf("not TransactionCanceledException: %v", err)
		}
		return eq("codes", codes(r), "None,ValidationError")
	}},
	{"tx", "validation_before_any_write", func(c *checker) error {
		err := c.tx("", c.txPut("a", nil, ""), c.txUpd("b", "SET sk = :v", "", attributes{":v": S("x")}))
		e1 := c.want(err, "TransactionCanceledException", "[None, ValidationError]")
		err = c.tx("", c.txPut("a", nil, ""), types.TransactWriteItem{Put: &types.Put{TableName: s("nope"), Item: c.k("x")}})
		e2 := c.want(err, rnf, "")
		got, err := c.dump()
		if err != nil {
			return err
		}
		return all(e1, e2, eq("items", got, ""))
	}},
	{"tx", "misfits_cancel", func(c *checker) error { // https://github.com/paritysuite/dynamodb-conformance/pull/46 asked AWS itself
		put := func(it attributes) types.TransactWriteItem {
			return types.TransactWriteItem{Put: &types.Put{TableName: &c.table, Item: it}}
		}
		number := attributes{"pk": S(c.pk), "sk": N("1")}
		var errs []error
		for _, misfit := range []types.TransactWriteItem{
			put(number), put(c.item("b", attributes{"g1pk": N("1")})),
			{Delete: &types.Delete{TableName: &c.table, Key: number}},
			{Update: &types.Update{TableName: &c.table, Key: number, UpdateExpression: s("SET x = pk")}},
			{ConditionCheck: &types.ConditionCheck{TableName: &c.table, Key: number, ConditionExpression: s("attribute_exists(x)")}},
		} {
			r, _ := reasons(c.tx("", c.txPut("a", nil, ""), misfit))
			errs = append(errs, eq("codes", codes(r), "None,ValidationError"))
		}
		for _, empty := range []attributes{{"pk": S(c.pk), "sk": S("")}, c.item("b", attributes{"g1pk": S("")})} {
			errs = append(errs, c.want(c.tx("", c.txPut("a", nil, ""), put(empty)), valEx, "cannot contain an empty string value"))
		}
		got, err := c.dump()
		return errors.Join(append(errs, err, eq("items", got, ""))...)
	}},
	{"tx", "transact_get", func(c *checker) error {
		if err := all(c.put("a", attributes{"x": S("1"), "y": S("2")}), c.put("c", attributes{"z": N("3")})); err != nil {
			return err
		}
		g := func(sk, proj string) types.TransactGetItem {
			t := types.TransactGetItem{Get: &types.Get{TableName: &c.table, Key: c.k(sk)}}
			if proj != "" {
				t.Get.ProjectionExpression = &proj
			}
			return t
		}
		o, err := c.db.TransactGetItems(c.ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{g("a", "y"), g("missing", ""), g("c", "")}})
		if err != nil {
			return err
		}
		if len(o.Responses) != 3 {
			return fmt.Errorf("%d responses", len(o.Responses))
		}
		return all(eq("0", showItem(o.Responses[0].Item), `{y:S("2")}`), eq("1", showItem(o.Responses[1].Item), "{}"), eq("2", showItem(attrs(o.Responses[2].Item)), "{z:N(3)}"))
	}},
	{"tx", "gsi_follows_transaction", func(c *checker) error {
		if err := c.tx("", c.txPut("a", attributes{"g1pk": S(c.pk), "g1sk": S("1")}, ""), c.txPut("b", attributes{"g1pk": S(c.pk), "g1sk": S("2")}, "")); err != nil {
			return err
		}
		if err := c.tx("", c.txDel("a", ""), c.txUpd("b", "SET g1sk = :s", "", attributes{":s": S("9")})); err != nil {
			return err
		}
		o, err := c.db.Query(c.ctx, &dynamodb.QueryInput{TableName: &c.table, IndexName: s("GSI1"), KeyConditionExpression: s("g1pk = :p"), ExpressionAttributeValues: attributes{":p": S(c.pk)}})
		if err != nil {
			return err
		}
		got := ""
		for _, it := range o.Items {
			got += show(it["g1sk"])
		}
		return eq("index", got, `S("9")`)
	}},
	{"tx", "consumed_capacity", func(c *checker) error {
		o, err := c.db.TransactWriteItems(c.ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{c.txPut("a", nil, "")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
		if err != nil {
			return err
		}
		if len(o.ConsumedCapacity) != 1 || aws.ToFloat64(o.ConsumedCapacity[0].CapacityUnits) != 2 {
			return fmt.Errorf("capacity %v, want one of 2 units", len(o.ConsumedCapacity))
		}
		return nil
	}},
}
