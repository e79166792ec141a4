package dynamo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/local/dynamo"
)

func subscriptionOf(c *checker) dynamo.Subscription {
	return dynamo.Subscription{Table: c.table, Name: "test"}
}

// units prints what was consumed.
func units(c types.ConsumedCapacity) string {
	parts := []string{fmt.Sprintf("total %v", aws.ToFloat64(c.CapacityUnits)), fmt.Sprintf("table %v", aws.ToFloat64(c.Table.CapacityUnits))}
	for name, index := range c.GlobalSecondaryIndexes {
		parts = append(parts, fmt.Sprintf("%s %v", name, aws.ToFloat64(index.CapacityUnits)))
	}
	slices.Sort(parts[2:])
	return strings.Join(parts, ", ")
}

// TestWhatWritesCost: an index pays for each entry that is added, changed or dropped, and twice where its key changes.
func TestWhatWritesCost(t *testing.T) { onBoth(t, whatWritesCost) }

func whatWritesCost(t *testing.T, c *checker) {
	put := func(kv attributes) string {
		o, err := c.db.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: &c.table, Item: c.item("a", kv), ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		})
		must(t, err)
		return units(*o.ConsumedCapacity)
	}
	v := func(n int) types.AttributeValue { return S(strings.Repeat("x", n)) }
	for i, step := range []struct {
		item attributes
		want string
	}{
		{nil, "total 1, table 1"},
		{attributes{"v": v(1024)}, "total 2, table 2"},
		{attributes{"g1pk": S("g")}, "total 2, table 2"}, // half a key is no entry; the larger of two items counts
		{attributes{"g1pk": S("g"), "g1sk": S("x")}, "total 2, table 1, GSI1 1"},
		{attributes{"g1pk": S("g"), "g1sk": S("x")}, "total 1, table 1"}, // nothing changes
		{attributes{"g1pk": S("g"), "g1sk": S("x"), "v": v(1500)}, "total 4, table 2, GSI1 2"},
		{attributes{"g1pk": S("g"), "g1sk": S("y")}, "total 5, table 2, GSI1 3"}, // drops one of two units, adds one of one
		{attributes{"g2pk": S("h"), "v": v(1500)}, "total 4, table 2, GSI1 1, GSI2 1"},
		{attributes{"g2pk": S("h"), "v": v(9)}, "total 2, table 2"}, // GSI2 does not project v
		{attributes{"g2pk": S("h"), "inc": v(9)}, "total 2, table 1, GSI2 1"},
	} {
		if err := eq(fmt.Sprint("step ", i), put(step.item), step.want); err != nil {
			t.Error(err)
		}
	}
	o, err := c.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: &c.table, Key: c.k("a"), ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
	})
	must(t, err, eq("delete", units(*o.ConsumedCapacity), "total 2, table 1, GSI2 1"))

	batch, err := c.db.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{c.table: {
			{PutRequest: &types.PutRequest{Item: c.item("b", attributes{"v": v(1500)})}},
			{PutRequest: &types.PutRequest{Item: c.item("c", attributes{"g2pk": S("h")})}},
		}},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
	})
	must(t, err, eq("batch", units(batch.ConsumedCapacity[0]), "total 4, table 3, GSI2 1"))
	for _, step := range []struct {
		action types.TransactWriteItem
		want   string
	}{
		{c.txPut("d", attributes{"v": v(1500), "g2pk": S("h")}, ""), "total 6, table 4, GSI2 2"},
		{c.txPut("d", attributes{"v": v(1500), "g2pk": S("h")}, ""), "total 4, table 4"},
		{c.txUpd("d", "SET v = :v REMOVE g2pk", "", attributes{":v": v(9)}), "total 6, table 4, GSI2 2"},
		{c.txUpd("e", "SET v = :v", "", attributes{":v": v(9)}), "total 2, table 2"},
		{c.txCheck("e", "attribute_exists(v)", nil), "total 2, table 2"},
		{c.txDel("e", ""), "total 2, table 2"},
	} {
		o, err := c.db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			TransactItems: []types.TransactWriteItem{step.action}, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		})
		must(t, err, eq("transaction", units(o.ConsumedCapacity[0]), step.want))
	}
}

func TestWhatReadsCost(t *testing.T) { onBoth(t, whatReadsCost) }

func whatReadsCost(t *testing.T, c *checker) {
	must(t, c.load(10, func(i int) attributes {
		return attributes{"v": S(strings.Repeat("x", 5000)), "g2pk": S("g"), "inc": S("x")}
	}))
	query := func(mod func(*dynamodb.QueryInput)) string {
		o, err := c.q("pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) {
			in.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
			mod(in)
		})
		must(t, err)
		return units(*o.ConsumedCapacity)
	}
	scan, err := c.db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &c.table, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes})
	must(t, err, eq("scan", units(*scan.ConsumedCapacity), "total 6.5, table 6.5"))
	got, err := c.db.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		TransactItems: []types.TransactGetItem{{Get: &types.Get{TableName: &c.table, Key: c.k("i000")}}, {Get: &types.Get{TableName: &c.table, Key: c.k("i001")}}}})
	must(t, err, eq("transaction", units(got.ConsumedCapacity[0]), "total 8, table 8"))
	get := func(consistent bool, sk string) string {
		o, err := c.db.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: &c.table, Key: c.k(sk), ConsistentRead: &consistent, ProjectionExpression: s("sk"),
			ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		})
		must(t, err)
		return units(*o.ConsumedCapacity)
	}
	batch, err := c.db.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{
		RequestItems:           map[string]types.KeysAndAttributes{c.table: {Keys: []attributes{c.k("i000"), c.k("i001"), c.k("nope")}}},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
	})
	must(t, err,
		eq("get", get(false, "i000"), "total 1, table 1"),
		eq("consistent get", get(true, "i000"), "total 2, table 2"),
		eq("get of nothing", get(false, "nope"), "total 0.5, table 0.5"),
		eq("batch", units(batch.ConsumedCapacity[0]), map[bool]string{false: "total 2.5, table 2.5", true: "total 2, table 2"}[c.amazons]),
		eq("query of nothing", query(func(in *dynamodb.QueryInput) { in.ExpressionAttributeValues = attributes{":p": S("nobody")} }),
			map[bool]string{false: "total 0.5, table 0.5", true: "total 0, table 0"}[c.amazons]),
		eq("query", query(func(*dynamodb.QueryInput) {}), "total 6.5, table 6.5"),
		eq("consistent query", query(func(in *dynamodb.QueryInput) { in.ConsistentRead = aws.Bool(true) }), "total 13, table 13"),
		eq("the filter costs nothing less", query(func(in *dynamodb.QueryInput) { in.FilterExpression = s("attribute_not_exists(v)") }),
			"total 6.5, table 6.5"),
		eq("index", query(func(in *dynamodb.QueryInput) {
			in.IndexName, in.KeyConditionExpression = s("GSI2"), s("g2pk = :p")
			in.ExpressionAttributeValues = attributes{":p": S("g")}
		}), "total 0.5, table 0, GSI2 0.5"))
}
