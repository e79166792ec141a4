package dynamo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestATokenLastsTenMinutes(t *testing.T) {
	c, e := newTable(t)
	now := time.Unix(1_700_000_000, 0)
	e.Now = func() time.Time { return now }
	add := func() string {
		must(t, c.tx("token", c.txUpd("n", "ADD n :i", "", attributes{":i": N("1")})))
		got, err := c.get("n")
		must(t, err)
		return show(got["n"])
	}
	must(t, eq("first", add(), "N(1)"))
	now = now.Add(10*time.Minute - time.Second)
	must(t, eq("the same", add(), "N(1)"))
	now = now.Add(time.Second)
	must(t, eq("another", add(), "N(2)"))
	must(t, eq("the other's repetition", add(), "N(2)"))
}

func TestACancelledTransactionFreesItsToken(t *testing.T) {
	c, _ := newTable(t)
	guarded := c.txPut("a", nil, "attribute_not_exists(pk)")
	must(t, c.put("a", nil))
	if r, _ := reasons(c.tx("token", guarded)); codes(r) != "ConditionalCheckFailed" {
		t.Fatal(codes(r))
	}
	must(t, c.remove("a"), c.tx("token", guarded), c.tx("token", guarded))
	long := strings.Repeat("t", 37)
	must(t, want(c.tx(long, guarded), valEx, "Member must have length less than or equal to 36"))
}

func TestATokenKnowsTheSameRequestInAnotherOrder(t *testing.T) {
	c, _ := newTable(t)
	for range 8 { // maps come in another order each time
		must(t, c.tx("token", c.txPut("a", attributes{"a": N("1"), "b": N("2"), "c": SS("x", "y"), "d": N("4"), "e": N("5")}, "")))
	}
	must(t, c.tx("token", c.txPut("a", attributes{"a": N("1.0"), "b": N("2"), "c": SS("y", "x"), "d": N("4"), "e": N("5")}, "")))
}

func TestATransactionHoldsFourMegabytes(t *testing.T) {
	c, _ := newTable(t)
	var puts []types.TransactWriteItem
	for i := range 11 {
		puts = append(puts, c.txPut(fmt.Sprint(i), attributes{"v": S(strings.Repeat("x", 390*1024))}, ""))
	}
	must(t, c.tx("", puts[:10]...), want(c.tx("", puts...), valEx, "exceeds 4 MB"))
	var gets []types.TransactGetItem
	for i := range 10 {
		gets = append(gets, types.TransactGetItem{Get: &types.Get{TableName: &c.table, Key: c.k(fmt.Sprint(i))}})
	}
	o, err := c.db.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: gets})
	must(t, err, eq("items", fmt.Sprint(len(o.Responses)), "10"))
	must(t, c.put("10", attributes{"v": S(strings.Repeat("x", 390*1024))}))
	gets = append(gets, types.TransactGetItem{Get: &types.Get{TableName: &c.table, Key: c.k("10")}})
	_, err = c.db.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: gets})
	must(t, want(err, valEx, "exceeds 4 MB"))
}

func TestMalformedTransactions(t *testing.T) {
	c, _ := newTable(t)
	_, err := c.db.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: &c.table, Key: c.k("a")}}, {Get: &types.Get{TableName: &c.table, Key: c.k("a")}},
	}})
	both := c.txPut("a", nil, "")
	both.Delete = c.txDel("b", "").Delete
	must(t,
		want(err, valEx, "cannot include multiple operations on one item"),
		want(c.tx("", both), valEx, "can only contain one of"))
}

func TestTransactionsSeeEachOther(t *testing.T) {
	c, e := newTable(t)
	must(t, c.tx("", c.txPut("a", attributes{"v": S("1")}, "")))
	// Two tables in one transaction, the second item refers to what the table holds, not to what the first action does.
	number := types.TransactWriteItem{Put: &types.Put{TableName: &c.numbers, Item: attributes{"pk": S("p"), "sk": N("1")}}}
	must(t, c.tx("", number, c.txUpd("a", "SET w = v, v = :v", "v = :old", attributes{":v": S("2"), ":old": S("1")})))
	got, err := c.get("a")
	must(t, err, eq("a", showItem(attrs(got)), `{v:S("2") w:S("1")}`))
	calls := follow(t, e, subscriptionOf(c), atLeast(1))
	must(t, eq("records", calls[0], "INSERT a:>1, MODIFY a:1>2"))
}

func TestWhatTransactionsCost(t *testing.T) {
	c, _ := newTable(t)
	write := func(token string, items ...types.TransactWriteItem) []types.ConsumedCapacity {
		o, err := c.db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			TransactItems: items, ClientRequestToken: &token, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		})
		must(t, err)
		return o.ConsumedCapacity
	}
	big := c.txPut("a", attributes{"g1pk": S("g"), "g1sk": S("x"), "v": S(strings.Repeat("x", 1500))}, "")
	number := types.TransactWriteItem{Put: &types.Put{TableName: &c.numbers, Item: attributes{"pk": S("p"), "sk": N("1")}}}
	cost := write("one", big, c.txCheck("nope", "attribute_not_exists(pk)", nil), number)
	must(t,
		eq("numbers", units(cost[0]), "total 2, table 2"),
		eq("table", units(cost[1]), "total 10, table 6, GSI1 4"), eq("write units", fmt.Sprint(*cost[1].WriteCapacityUnits), "10"))
	cost = write("one", big, c.txCheck("nope", "attribute_not_exists(pk)", nil), number)
	must(t, eq("repetition", units(cost[1]), "total 4, table 4"), eq("read units", fmt.Sprint(*cost[1].ReadCapacityUnits), "4"))
	o, err := c.db.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{
		TransactItems:          []types.TransactGetItem{{Get: &types.Get{TableName: &c.table, Key: c.k("a")}}},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	must(t, err, eq("get", fmt.Sprint(aws.ToFloat64(o.ConsumedCapacity[0].CapacityUnits)), "2"))
}
