package dynamo_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (c *checker) wput(sk string, kv attributes) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: c.item(sk, kv)}}
}

func (c *checker) bw(w ...types.WriteRequest) (*dynamodb.BatchWriteItemOutput, error) {
	return c.db.BatchWriteItem(c.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{c.table: w}})
}

// load puts n items i000.. with kv(i).
func (c *checker) load(n int, kv func(int) attributes) error {
	for i := 0; i < n; i += 25 {
		var w []types.WriteRequest
		for j := i; j < n && j < i+25; j++ {
			var a attributes
			if kv != nil {
				a = kv(j)
			}
			w = append(w, c.wput(fmt.Sprintf("i%03d", j), a))
		}
		if _, err := c.bw(w...); err != nil {
			return fmt.Errorf("load: %w", err)
		}
	}
	return nil
}

func (c *checker) q(cond string, vals attributes, mod func(*dynamodb.QueryInput)) (*dynamodb.QueryOutput, error) {
	in := &dynamodb.QueryInput{TableName: &c.table, KeyConditionExpression: &cond, ExpressionAttributeValues: vals}
	if mod != nil {
		mod(in)
	}
	return c.db.Query(c.ctx, in)
}

var batchChecks = []check{
	{"batch", "write_25_and_mixed_delete", func(c *checker) error {
		if err := c.load(25, nil); err != nil {
			return err
		}
		o, err := c.bw(c.wput("new", nil), types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: c.k("i000")}}, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: c.k("absent")}})
		if err != nil {
			return err
		}
		if len(o.UnprocessedItems) != 0 {
			return fmt.Errorf("unprocessed %v", o.UnprocessedItems)
		}
		r, err := c.q("pk = :p", attributes{":p": S(c.pk)}, nil)
		if err != nil {
			return err
		}
		if r.Count != 25 {
			return fmt.Errorf("count %d, want 25", r.Count)
		}
		return nil
	}},
	{"batch", "write_26_and_duplicates_rejected", func(c *checker) error {
		var w []types.WriteRequest
		for i := range 26 {
			w = append(w, c.wput(fmt.Sprint(i), nil))
		}
		_, e1 := c.bw(w...)
		_, e2 := c.bw(c.wput("a", nil), c.wput("a", nil))
		return all(c.want(e1, valEx, "Member must have length less than or equal to 25"), c.want(e2, valEx, "Provided list of item keys contains duplicates"))
	}},
	{"batch", "get_many_and_projection", func(c *checker) error {
		if err := c.load(100, func(i int) attributes { return attributes{"n": N(fmt.Sprint(i)), "x": S("y")} }); err != nil {
			return err
		}
		var keys []attributes
		for i := range 99 {
			keys = append(keys, c.k(fmt.Sprintf("i%03d", i)))
		}
		keys = append(keys, c.k("absent"))
		o, err := c.db.BatchGetItem(c.ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{c.table: {Keys: keys, ProjectionExpression: s("sk, #n"), ExpressionAttributeNames: map[string]string{"#n": "n"}, ConsistentRead: aws.Bool(true)}}})
		if err != nil {
			return err
		}
		if len(o.Responses[c.table]) != 99 || len(o.UnprocessedKeys) != 0 {
			return fmt.Errorf("%d items, %d unprocessed", len(o.Responses[c.table]), len(o.UnprocessedKeys))
		}
		for _, it := range o.Responses[c.table] {
			if len(it) != 2 {
				return fmt.Errorf("projection gave %s", showItem(it))
			}
		}
		_, e2 := c.db.BatchGetItem(c.ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{c.table: {Keys: []attributes{c.k("a"), c.k("a")}}}})
		_, e3 := c.db.BatchGetItem(c.ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{c.table: {Keys: append(keys, c.k("more"))}}})
		return all(c.want(e2, valEx, "Provided list of item keys contains duplicates"), c.want(e3, valEx, ""))
	}},
}
