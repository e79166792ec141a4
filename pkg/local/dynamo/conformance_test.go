package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"charter/pkg/local/dynamo"
)

// The conformance checks say what AWS's documentation and Amazon's own DynamoDB Local say. They go through the real SDK.

// check is one behaviour.
type check struct {
	group, name string
	run         func(*checker) error
}

// checker is what a check gets.
type checker struct {
	ctx     context.Context
	db      *dynamodb.Client
	table   string // string keys pk and sk, the indexes GSI1 (all) and GSI2 (some), a stream
	numbers string // a string pk and a number sk
	pk      string // a partition of the check's own
	amazons bool   // whether it is DynamoDB Local, whose errors have words of their own
}

// want checks an error's code and, of the embedded engine, its words.
func (c *checker) want(err error, code, words string) error {
	if c.amazons {
		words = ""
	}
	return want(err, code, words)
}

func TestConformance(t *testing.T) {
	modes := map[string]*dynamodb.Client{
		"memory": connect(t, open(t, "")),
		"file":   connect(t, open(t, filepath.Join(t.TempDir(), "table.db"))),
	}
	if dynamoDBLocal != "" {
		modes["DynamoDB Local"] = client(dynamoDBLocal, http.DefaultClient)
	}
	checks := slices.Concat(tableChecks, itemChecks, updateChecks, exprChecks, txChecks, batchChecks, queryChecks, concChecks)
	for mode, db := range modes {
		amazons := mode == "DynamoDB Local"
		t.Run(mode, func(t *testing.T) {
			for i, ch := range checks {
				t.Run(ch.group+"/"+ch.name, func(t *testing.T) {
					c := &checker{t.Context(), db, fmt.Sprintf("main-%d", i), fmt.Sprintf("numbers-%d", i), "p#" + ch.name, amazons}
					err := errors.Join(c.setUp(), ch.run(c), c.tearDown())
					if why := differs[ch.group+"/"+ch.name]; amazons && why != "" {
						if err == nil {
							t.Errorf("is not different any more: %s", why)
						}
						return
					}
					if err != nil {
						t.Fatal(err)
					}
				})
			}
		})
	}
}

func open(t testing.TB, file string) *dynamo.Engine {
	t.Helper()
	e, err := dynamo.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// connect makes a client that calls the engine in process and tries everything once.
func connect(t testing.TB, e *dynamo.Engine) *dynamodb.Client {
	t.Helper()
	return client("http://dynamo.local", &http.Client{Transport: e.Transport()})
}

func client(endpoint string, way *http.Client) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "eu-west-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   way,
		Retryer:      aws.NopRetryer{},
	})
}

func (c *checker) setUp() error {
	in := tableInput(c.table)
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages}
	if _, err := c.db.CreateTable(c.ctx, in); err != nil {
		return err
	}
	_, err := c.db.CreateTable(c.ctx, &dynamodb.CreateTableInput{
		TableName: &c.numbers, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: s("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: s("sk"), AttributeType: types.ScalarAttributeTypeN},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: s("pk"), KeyType: types.KeyTypeHash}, {AttributeName: s("sk"), KeyType: types.KeyTypeRange},
		},
	})
	return err
}

func (c *checker) tearDown() error {
	_, err := c.db.DeleteTable(c.ctx, &dynamodb.DeleteTableInput{TableName: &c.table})
	_, err2 := c.db.DeleteTable(c.ctx, &dynamodb.DeleteTableInput{TableName: &c.numbers})
	return errors.Join(err, err2)
}

// tableInput is a single table as a service has it.
func tableInput(name string) *dynamodb.CreateTableInput {
	text := func(n string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: s(n), AttributeType: types.ScalarAttributeTypeS}
	}
	key := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: s(hash), KeyType: types.KeyTypeHash}, {AttributeName: s(sort), KeyType: types.KeyTypeRange}}
	}
	return &dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{text("pk"), text("sk"), text("g1pk"), text("g1sk"), text("g2pk")},
		KeySchema:            key("pk", "sk"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{IndexName: s("GSI1"), KeySchema: key("g1pk", "g1sk"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}},
			{
				IndexName: s("GSI2"), KeySchema: key("g2pk", "")[:1],
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"inc"}},
			},
		},
	}
}

type attributes = map[string]types.AttributeValue

const (
	valEx  = "ValidationException"
	condEx = "ConditionalCheckFailedException"
	rnf    = "ResourceNotFoundException"
)

// all joins the failures of a check.
func all(errs ...error) error { return errors.Join(errs...) }

func S(v string) types.AttributeValue     { return &types.AttributeValueMemberS{Value: v} }
func N(v string) types.AttributeValue     { return &types.AttributeValueMemberN{Value: v} }
func B(v []byte) types.AttributeValue     { return &types.AttributeValueMemberB{Value: v} }
func Bool(v bool) types.AttributeValue    { return &types.AttributeValueMemberBOOL{Value: v} }
func Null() types.AttributeValue          { return &types.AttributeValueMemberNULL{Value: true} }
func SS(v ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: v} }
func NS(v ...string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: v} }
func BS(v ...[]byte) types.AttributeValue { return &types.AttributeValueMemberBS{Value: v} }
func L(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}
func M(v attributes) types.AttributeValue { return &types.AttributeValueMemberM{Value: v} }

var s = aws.String

// show prints a value canonically (sets sorted), for comparing.
func show(v types.AttributeValue) string {
	switch x := v.(type) {
	case nil:
		return "<nil>"
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("S(%q)", x.Value)
	case *types.AttributeValueMemberN:
		return "N(" + x.Value + ")"
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("B(%x)", x.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprintf("BOOL(%v)", x.Value)
	case *types.AttributeValueMemberNULL:
		return "NULL"
	case *types.AttributeValueMemberSS:
		c := append([]string(nil), x.Value...)
		slices.Sort(c)
		return fmt.Sprintf("SS%q", c)
	case *types.AttributeValueMemberNS:
		c := append([]string(nil), x.Value...)
		slices.Sort(c)
		return fmt.Sprintf("NS%v", c)
	case *types.AttributeValueMemberBS:
		var c []string
		for _, b := range x.Value {
			c = append(c, fmt.Sprintf("%x", b))
		}
		slices.Sort(c)
		return fmt.Sprintf("BS%v", c)
	case *types.AttributeValueMemberL:
		var c []string
		for _, e := range x.Value {
			c = append(c, show(e))
		}
		return "L[" + strings.Join(c, " ") + "]"
	case *types.AttributeValueMemberM:
		return showItem(x.Value)
	}
	return fmt.Sprintf("?%T", v)
}

// showItem prints an item canonically.
func showItem(it attributes) string {
	var k []string
	for n := range it {
		k = append(k, n)
	}
	slices.Sort(k)
	var b []string
	for _, n := range k {
		b = append(b, n+":"+show(it[n]))
	}
	return "{" + strings.Join(b, " ") + "}"
}

func eq(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s: got %s, want %s", what, clip(got), clip(want))
	}
	return nil
}

func clip(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

// code gives the error's API code, or "" / "transport".
func code(err error) (string, string) {
	if err == nil {
		return "", ""
	}
	if ae, ok := errors.AsType[smithy.APIError](err); ok {
		return ae.ErrorCode(), ae.ErrorMessage()
	}
	return "transport", err.Error()
}

// want checks an error's code, and that its message contains msg whatever the case and the spaces.
func want(err error, wantCode, msg string) error {
	gotCode, gotMessage := code(err)
	if gotCode != wantCode {
		return fmt.Errorf("got %q (%s); want %s (%s)", gotCode, clip(gotMessage), wantCode, clip(msg))
	}
	if !strings.Contains(plain(gotMessage), plain(msg)) {
		return fmt.Errorf("message %q; AWS says %q", clip(gotMessage), msg)
	}
	return nil
}

func plain(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

func (c *checker) k(sk string) attributes { return attributes{"pk": S(c.pk), "sk": S(sk)} }

func (c *checker) item(sk string, kv attributes) attributes {
	it := c.k(sk)
	maps.Copy(it, kv)
	return it
}

func (c *checker) put(sk string, kv attributes) error {
	_, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: c.item(sk, kv)})
	if err != nil {
		return fmt.Errorf("setup put %s: %w", sk, err)
	}
	return nil
}

func (c *checker) get(sk string) (attributes, error) {
	o, err := c.db.GetItem(c.ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: c.k(sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	return o.Item, nil
}

func (c *checker) update(sk, expr, cond string, names map[string]string, vals attributes, rv types.ReturnValue) (*dynamodb.UpdateItemOutput, error) {
	in := &dynamodb.UpdateItemInput{TableName: &c.table, Key: c.k(sk), UpdateExpression: &expr, ReturnValues: rv}
	if cond != "" {
		in.ConditionExpression = &cond
	}
	if len(names) > 0 {
		in.ExpressionAttributeNames = names
	}
	if len(vals) > 0 {
		in.ExpressionAttributeValues = vals
	}
	return c.db.UpdateItem(c.ctx, in)
}

// attrs strips pk and sk.
func attrs(it attributes) attributes {
	o := attributes{}
	for n, v := range it {
		if n != "pk" && n != "sk" {
			o[n] = v
		}
	}
	return o
}

func sks(items []attributes) string {
	var o []string
	for _, it := range items {
		if v, ok := it["sk"].(*types.AttributeValueMemberS); ok {
			o = append(o, v.Value)
		} else {
			o = append(o, show(it["sk"]))
		}
	}
	return strings.Join(o, ",")
}
