package dynamo_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var tableChecks = []check{
	{"table", "describe", func(c *checker) error {
		o, err := c.db.DescribeTable(c.ctx, &dynamodb.DescribeTableInput{TableName: &c.table})
		if err != nil {
			return err
		}
		t := o.Table
		var e []error
		e = append(e, eq("status", string(t.TableStatus), "ACTIVE"))
		if len(t.KeySchema) != 2 || *t.KeySchema[0].AttributeName != "pk" || t.KeySchema[0].KeyType != types.KeyTypeHash {
			e = append(e, fmt.Errorf("key schema %v", t.KeySchema))
		}
		if len(t.GlobalSecondaryIndexes) != 2 {
			e = append(e, fmt.Errorf("%d GSIs", len(t.GlobalSecondaryIndexes)))
		}
		for _, g := range t.GlobalSecondaryIndexes {
			if g.IndexStatus != types.IndexStatusActive {
				e = append(e, fmt.Errorf("index %s status %q", *g.IndexName, g.IndexStatus))
			}
			if g.Projection == nil {
				e = append(e, fmt.Errorf("index %s without projection", *g.IndexName))
			}
		}
		if t.TableArn == nil || !strings.HasPrefix(*t.TableArn, "arn:aws:dynamodb:") {
			e = append(e, fmt.Errorf("arn %v", aws.ToString(t.TableArn)))
		}
		if t.BillingModeSummary == nil || t.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
			e = append(e, errors.New("BillingModeSummary is not PAY_PER_REQUEST"))
		}
		if t.CreationDateTime == nil {
			e = append(e, errors.New("no CreationDateTime"))
		}
		return all(e...)
	}},
	{"table", "create_duplicate", func(c *checker) error {
		_, err := c.db.CreateTable(c.ctx, tableInput(c.table))
		return c.want(err, "ResourceInUseException", "")
	}},
	{"table", "create_unused_attribute_definition", func(c *checker) error {
		in := tableInput(c.table + "x")
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: s("zzz"), AttributeType: types.ScalarAttributeTypeS})
		_, err := c.db.CreateTable(c.ctx, in)
		return c.want(err, valEx, "")
	}},
	{"table", "describe_missing", func(c *checker) error {
		_, err := c.db.DescribeTable(c.ctx, &dynamodb.DescribeTableInput{TableName: s("nope")})
		var t *types.ResourceNotFoundException
		if err != nil && !errors.As(err, &t) {
			return fmt.Errorf("not typed: %v", err)
		}
		return c.want(err, rnf, "Requested resource not found: Table: nope not found")
	}},
	{"table", "get_put_on_missing_table", func(c *checker) error {
		_, e1 := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: s("nope"), Key: c.k("a")})
		_, e2 := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: s("nope"), Item: c.k("a")})
		_, e3 := c.db.Query(c.ctx, &dynamodb.QueryInput{TableName: s("nope"), KeyConditionExpression: s("pk = :p"), ExpressionAttributeValues: attributes{":p": S("x")}})
		return all(c.want(e1, rnf, "Requested resource not found"), c.want(e2, rnf, ""), c.want(e3, rnf, ""))
	}},
	{"table", "list_tables_paged", func(c *checker) error {
		seen := map[string]bool{}
		var start *string
		for range 50 {
			o, err := c.db.ListTables(c.ctx, &dynamodb.ListTablesInput{Limit: aws.Int32(1), ExclusiveStartTableName: start})
			if err != nil {
				return err
			}
			if len(o.TableNames) > 1 {
				return fmt.Errorf("Limit 1 gave %d names", len(o.TableNames))
			}
			for _, n := range o.TableNames {
				seen[n] = true
			}
			if start = o.LastEvaluatedTableName; start == nil {
				break
			}
		}
		if !seen[c.table] || !seen[c.numbers] {
			return fmt.Errorf("tables missing from %v", seen)
		}
		return nil
	}},
	{"table", "delete_and_recreate", func(c *checker) error {
		n := c.table + "-del"
		if _, err := c.db.CreateTable(c.ctx, tableInput(n)); err != nil {
			return err
		}
		if _, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &n, Item: c.k("a")}); err != nil {
			return err
		}
		if _, err := c.db.DeleteTable(c.ctx, &dynamodb.DeleteTableInput{TableName: &n}); err != nil {
			return err
		}
		_, err := c.db.DescribeTable(c.ctx, &dynamodb.DescribeTableInput{TableName: &n})
		if gc, _ := code(err); gc != rnf {
			return fmt.Errorf("after delete: %v", err)
		}
		if _, err := c.db.CreateTable(c.ctx, tableInput(n)); err != nil {
			return err
		}
		o, err := c.db.Scan(c.ctx, &dynamodb.ScanInput{TableName: &n})
		if err != nil {
			return err
		}
		if o.Count != 0 {
			return fmt.Errorf("recreated table has %d items", o.Count)
		}
		_, err = c.db.DeleteTable(c.ctx, &dynamodb.DeleteTableInput{TableName: &n})
		return err
	}},
	{"table", "ttl_update_describe", func(c *checker) error {
		o, err := c.db.DescribeTimeToLive(c.ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &c.table})
		if err != nil {
			return err
		}
		if o.TimeToLiveDescription == nil || o.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusDisabled {
			return fmt.Errorf("status before: %+v", o.TimeToLiveDescription)
		}
		in := &dynamodb.UpdateTimeToLiveInput{TableName: &c.table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: s("ttl"), Enabled: aws.Bool(true)}}
		if _, err := c.db.UpdateTimeToLive(c.ctx, in); err != nil {
			return err
		}
		o, err = c.db.DescribeTimeToLive(c.ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &c.table})
		if err != nil {
			return err
		}
		d := o.TimeToLiveDescription
		if d == nil || aws.ToString(d.AttributeName) != "ttl" || (d.TimeToLiveStatus != types.TimeToLiveStatusEnabled && d.TimeToLiveStatus != types.TimeToLiveStatusEnabling) {
			return fmt.Errorf("after: %+v", d)
		}
		_, err = c.db.UpdateTimeToLive(c.ctx, in)
		return c.want(err, valEx, "TimeToLive is already enabled")
	}},
}
