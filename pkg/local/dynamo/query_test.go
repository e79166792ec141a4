package dynamo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestRefusedQueries(t *testing.T) {
	c, _ := newTable(t)
	v := attributes{":p": S(c.pk), ":s": S("a")}
	for name, q := range map[string]struct {
		cond string
		vals attributes
		mod  func(*dynamodb.QueryInput)
		want string
	}{
		"no key condition":      {"", nil, func(in *dynamodb.QueryInput) { in.KeyConditionExpression, in.ExpressionAttributeValues = nil, nil }, "must be specified in the request"},
		"hash twice":            {"pk = :p AND pk = :s", v, nil, "only contain one condition per key"},
		"sort twice":            {"pk = :p AND sk > :s AND sk < :p", v, nil, "only contain one condition per key"},
		"unlike":                {"pk = :p AND sk <> :s", v, nil, "Invalid operator used in KeyConditionExpression: <>"},
		"in":                    {"pk = :p AND sk IN (:s)", v, nil, "Invalid operator used in KeyConditionExpression: IN"},
		"not":                   {"pk = :p AND NOT sk = :s", v, nil, "Invalid operator used in KeyConditionExpression: NOT"},
		"contains":              {"pk = :p AND contains(sk, :s)", v, nil, "Invalid operator used in KeyConditionExpression: contains"},
		"size":                  {"pk = :p AND size(sk) = :s", v, nil, "cannot contain nested operations"},
		"attribute":             {"pk = :p AND sk = another", attributes{":p": S("p")}, nil, "cannot contain nested operations"},
		"into the key":          {"pk = :p AND sk.a = :s", v, nil, "Key attributes must be scalars"},
		"empty hash":            {"pk = :p", attributes{":p": S("")}, nil, "cannot contain an empty string value. Key: pk"},
		"long hash":             {"pk = :p", attributes{":p": S(strings.Repeat("p", 2049))}, nil, "maximum size limit of 2048 bytes"},
		"unused value":          {"pk = :p", v, nil, "ExpressionAttributeValues unused in expressions: keys: {:s}"},
		"select without paths":  {"pk = :p", attributes{":p": S("p")}, func(in *dynamodb.QueryInput) { in.Select = types.SelectSpecificAttributes }, "when choosing to get SPECIFIC_ATTRIBUTES"},
		"select and projection": {"pk = :p", attributes{":p": S("p")}, func(in *dynamodb.QueryInput) { in.Select, in.ProjectionExpression = types.SelectCount, s("a") }, "when choosing to get COUNT"},
		"projected of a table":  {"pk = :p", attributes{":p": S("p")}, func(in *dynamodb.QueryInput) { in.Select = types.SelectAllProjectedAttributes }, "only when Querying using an IndexName"},
		"all of some": {"g2pk = :p", attributes{":p": S("p")}, func(in *dynamodb.QueryInput) {
			in.IndexName, in.Select = s("GSI2"), types.SelectAllAttributes
		}, "projection type is not ALL"},
		"key of the index in the filter": {"g1pk = :p", v, func(in *dynamodb.QueryInput) {
			in.IndexName, in.FilterExpression = s("GSI1"), s("g1sk = :s")
		}, "Primary key attribute: g1sk"},
		"start key of the table for an index": {"g1pk = :p", attributes{":p": S("p")}, func(in *dynamodb.QueryInput) {
			in.IndexName, in.ExclusiveStartKey = s("GSI1"), c.k("a")
		}, "The provided starting key is invalid"},
		"start key before the range": {"pk = :p AND sk > :s", v, func(in *dynamodb.QueryInput) {
			in.ExclusiveStartKey = attributes{"pk": S(c.pk), "sk": S("A")}
		}, "does not match the range key predicate"},
	} {
		_, err := c.q(q.cond, q.vals, q.mod)
		if err := want(err, valEx, q.want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The table's key in the filter of an index is no key.
	_, err := c.q("g1pk = :p", v, func(in *dynamodb.QueryInput) { in.IndexName, in.FilterExpression = s("GSI1"), s("sk = :s") })
	must(t, err)
}

func TestAMillionIsNotReadAtOnce(t *testing.T) {
	c, _ := newTable(t)
	big := strings.Repeat("x", 390*1024)
	var keys []attributes
	for i := range 45 {
		sk := fmt.Sprintf("%02d", i)
		must(t, c.put(sk, attributes{"v": S(big)}))
		keys = append(keys, c.k(sk))
	}
	request := map[string]types.KeysAndAttributes{c.table: {Keys: keys, ProjectionExpression: s("sk")}}
	var got []attributes
	calls := 0
	for ; len(request) > 0; calls++ {
		o, err := c.db.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: request})
		must(t, err)
		got, request = append(got, o.Responses[c.table]...), o.UnprocessedKeys
	}
	must(t, eq("calls", fmt.Sprint(calls), "2"), eq("items", fmt.Sprint(len(got)), "45"))
	_, sizes, _, err := pages(c, &dynamodb.QueryInput{
		TableName: &c.table, KeyConditionExpression: s("pk = :p"), ExpressionAttributeValues: attributes{":p": S(c.pk)},
		ProjectionExpression: s("sk"),
	})
	must(t, err, eq("pages of two, whatever is projected", fmt.Sprint(sizes[0], len(sizes)), "2 23"))
}

func TestANumberCanBeTheKeyOfAnIndex(t *testing.T) {
	c, _ := newTable(t)
	_, err := c.db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: s("scores"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: s("id"), AttributeType: types.ScalarAttributeTypeB}, {AttributeName: s("game"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: s("score"), AttributeType: types.ScalarAttributeTypeN},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: s("id"), KeyType: types.KeyTypeHash}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: s("byScore"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			KeySchema: []types.KeySchemaElement{{AttributeName: s("game"), KeyType: types.KeyTypeHash}, {AttributeName: s("score"), KeyType: types.KeyTypeRange}},
		}},
	})
	must(t, err)
	for i, score := range []string{"100", "9", "-5", "9.5", "0", "8.5"} {
		_, err := c.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: s("scores"), Item: attributes{
			"id": B([]byte{byte(i), 0}), "game": S("go"), "score": N(score), "extra": S("not projected"),
		}})
		must(t, err)
	}
	items, _, last, err := pages(c, &dynamodb.QueryInput{
		TableName: s("scores"), IndexName: s("byScore"), KeyConditionExpression: s("game = :g AND score BETWEEN :low AND :high"),
		ExpressionAttributeValues: attributes{":g": S("go"), ":low": N("0"), ":high": N("99")}, Limit: aws.Int32(3), ScanIndexForward: aws.Bool(false),
	})
	must(t, err)
	var got []string
	for _, it := range items {
		got = append(got, showItem(it))
	}
	must(t, eq("scores", strings.Join(got, " "), `{game:S("go") id:B(0300) score:N(9.5)} {game:S("go") id:B(0100) score:N(9)} `+
		`{game:S("go") id:B(0500) score:N(8.5)} {game:S("go") id:B(0400) score:N(0)}`))
	must(t, eq("last key", showItem(last[0]), `{game:S("go") id:B(0500) score:N(8.5)}`))
}

func TestScanMeetsPartitionsInNoOrder(t *testing.T) {
	c, _ := newTable(t)
	var put, met []string
	for i := range 20 {
		c.pk = fmt.Sprintf("p%02d", i)
		put = append(put, c.pk)
		must(t, c.put("a", nil))
	}
	o, err := c.db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &c.table})
	must(t, err)
	for _, it := range o.Items {
		met = append(met, it["pk"].(*types.AttributeValueMemberS).Value)
	}
	if len(met) != 20 || strings.Join(met, " ") == strings.Join(put, " ") {
		t.Error(met)
	}
	for _, in := range []*dynamodb.ScanInput{
		{Segment: aws.Int32(0)}, {TotalSegments: aws.Int32(2)}, {Segment: aws.Int32(2), TotalSegments: aws.Int32(2)}, {ConsistentRead: aws.Bool(true), IndexName: s("GSI1")},
	} {
		in.TableName = &c.table
		_, err := c.db.Scan(t.Context(), in)
		must(t, want(err, valEx, ""))
	}
}
