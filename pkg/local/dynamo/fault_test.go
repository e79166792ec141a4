package dynamo_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/local/dynamo"
)

func TestFaultsOnDemand(t *testing.T) {
	c, e := newTable(t)
	e.Inject(func(op string, n int) error {
		switch {
		case op == "PutItem" && n == 1:
			return dynamo.ErrThrottled
		case op == "PutItem" && n == 2, op == "TransactWriteItems" && n == 1, op == "TransactGetItems":
			return dynamo.CancelWith("TransactionConflict")
		case op == "PutItem" && n == 3:
			return &dynamo.Error{Code: "ThrottlingException", Message: "Rate exceeded"}
		case op == "PutItem" && n == 4:
			return errors.New("the disk is on fire")
		}
		return nil
	})
	must(t,
		want(c.putRaw("a"), "ProvisionedThroughputExceededException", "throughput"),
		want(c.putRaw("a"), "TransactionConflictException", "ongoing"),
		want(c.putRaw("a"), "ThrottlingException", "Rate exceeded"),
		want(c.putRaw("a"), "InternalServerError", "on fire"),
		c.putRaw("a"))
	r, _ := reasons(c.tx("", c.txPut("b", nil, ""), c.txPut("c", nil, "")))
	must(t, eq("reasons", codes(r), "TransactionConflict,None"), c.tx("", c.txPut("b", nil, ""), c.txPut("c", nil, "")))
	_, err := c.db.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{
		TransactItems: []types.TransactGetItem{{Get: &types.Get{TableName: &c.table, Key: c.k("a")}}},
	})
	r, _ = reasons(err)
	must(t, eq("reasons", codes(r), "TransactionConflict"))
	e.Inject(nil)
	must(t, c.putRaw("d"))
}

func (c *checker) putRaw(sk string) error {
	_, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: c.k(sk)})
	return err
}

func TestAShortBatchLeavesTheRest(t *testing.T) {
	c, e := newTable(t)
	e.Inject(func(string, int) error { return dynamo.ErrShort })
	left := []types.WriteRequest{c.wput("a", nil), c.wput("b", nil), c.wput("c", nil)}
	calls := 0
	for ; len(left) > 0; calls++ {
		o, err := c.bw(left...)
		must(t, err)
		left = o.UnprocessedItems[c.table]
	}
	must(t, eq("calls", fmt.Sprint(calls), "3"))
	keys := map[string]types.KeysAndAttributes{c.table: {Keys: []attributes{c.k("a"), c.k("nope"), c.k("c")}, ProjectionExpression: s("sk")}}
	var got []attributes
	for calls = 0; len(keys) > 0; calls++ {
		o, err := c.db.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: keys})
		must(t, err)
		got = append(got, o.Responses[c.table]...)
		keys = o.UnprocessedKeys
	}
	must(t, eq("calls", fmt.Sprint(calls), "3"), eq("items", sks(got), "a,c"))
}

func TestAnIndexLags(t *testing.T) {
	c, e := newTable(t)
	indexed := func() string {
		o, err := c.q("g1pk = :p", attributes{":p": S("g")}, func(in *dynamodb.QueryInput) { in.IndexName = s("GSI1") })
		must(t, err)
		return sks(o.Items)
	}
	add := func(sk string) { must(t, c.put(sk, attributes{"g1pk": S("g"), "g1sk": S(sk)})) }
	add("a")
	e.Lag(2)
	must(t, eq("at first", indexed(), "a"))
	add("b")
	must(t, eq("one behind", indexed(), "a"))
	add("c")
	must(t, eq("two behind", indexed(), "a"))
	add("d")
	must(t, eq("still two behind", indexed(), "a,b"))
	o, err := c.q("pk = :p", attributes{":p": S(c.pk)}, nil)
	must(t, err, eq("the table does not lag", sks(o.Items), "a,b,c,d"))
	e.Lag(0)
	must(t, eq("no lag", indexed(), "a,b,c,d"))
}
