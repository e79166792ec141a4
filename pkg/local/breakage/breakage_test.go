package breakage_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ses"
	sestypes "github.com/aws/aws-sdk-go-v2/service/ses/types"
	"github.com/aws/smithy-go"

	"charter/pkg/local/breakage"
	"charter/pkg/local/dynamo"
	"charter/pkg/local/mailbox"
)

var keys = credentials.NewStaticCredentialsProvider("test", "test", "")

// table is a table with one string key, and the way to it.
func table(t *testing.T) (*dynamodb.Client, *breakage.Way) {
	t.Helper()
	engine, err := dynamo.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	way := &breakage.Way{Next: engine.Transport()}
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.localhost"),
		Credentials: keys, HTTPClient: &http.Client{Transport: way}, Retryer: aws.NopRetryer{}})
	_, err = client.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: aws.String("things"), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("K"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("K"), AttributeType: types.ScalarAttributeTypeS}}})
	if err != nil {
		t.Fatal(err)
	}
	return client, way
}

func put(ctx context.Context, c *dynamodb.Client, key string) error {
	_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("things"),
		Item: map[string]types.AttributeValue{"K": &types.AttributeValueMemberS{Value: key}}})
	return err
}

func kept(t *testing.T, c *dynamodb.Client) int {
	t.Helper()
	out, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("things")})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Items)
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// A fault is one of the call's, or comes too late for it; calls after it pass.
func TestFaults(t *testing.T) {
	refused := breakage.Refused(http.StatusInternalServerError, "InternalServerError")
	for name, c := range map[string]struct {
		fault breakage.Fault
		items int // of three calls
		want  func(error) bool
	}{
		"reset":        {breakage.Reset, 2, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		"late reset":   {breakage.Late(breakage.Reset), 3, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		"refused":      {refused, 2, func(err error) bool { return code(err) == "InternalServerError" }},
		"late refusal": {breakage.Late(refused), 3, func(err error) bool { return code(err) == "InternalServerError" }},
		"delay":        {breakage.Delayed(0, nil), 3, func(err error) bool { return err == nil }},
		"late delay":   {breakage.Delayed(0, breakage.Reset), 2, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
	} {
		t.Run(name, func(t *testing.T) {
			client, way := table(t)
			second := breakage.Call{Operation: "PutItem", N: 2}
			way.Break(breakage.Once(second, c.fault))
			for n, key := range []string{"a", "b", "c"} {
				if err := put(t.Context(), client, key); n != 1 && err != nil || n == 1 && !c.want(err) {
					t.Errorf("call %d: %v", n+1, err)
				}
			}
			if calls := way.Calls(); len(calls) != 3 || calls[1] != second {
				t.Errorf("calls were %v", calls)
			}
			way.Break(nil)
			if got := kept(t, client); got != c.items {
				t.Errorf("%d items stand, want %d", got, c.items)
			}
		})
	}
}

// A service is cut off for a time, and then is not.
func TestCutOff(t *testing.T) {
	client, way := table(t)
	for operation, want := range map[string][]bool{"PutItem": {true, false, false}, "Scan": {true, true, true}} {
		way.Break(breakage.From(breakage.Call{Operation: operation, N: 2}, breakage.Reset))
		var went []bool
		for range 3 {
			went = append(went, put(t.Context(), client, "a") == nil)
		}
		if !slices.Equal(went, want) {
			t.Errorf("with the second %s broken and all after it, PutItem went well: %v", operation, went)
		}
	}
	way.Break(breakage.Every(breakage.Reset))
	if put(t.Context(), client, "a") == nil {
		t.Error("what is broken for every call let one pass")
	}
	way.Break(nil)
	if err := put(t.Context(), client, "a"); err != nil {
		t.Error(err)
	}
}

// Silence and a delay end with the patience of who waits.
func TestNobodyWaitsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, way := table(t)
		for name, f := range map[string]breakage.Fault{"silence": breakage.Silence, "delay": breakage.Delayed(time.Hour, nil)} {
			way.Break(breakage.Every(f))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := put(ctx, client, "a"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			cancel()
		}
	})
}

// SES answers in XML, and its operation stands in the form, which it still gets.
func TestSES(t *testing.T) {
	box, err := mailbox.Open("")
	if err != nil {
		t.Fatal(err)
	}
	way := &breakage.Way{Next: box.Transport()}
	client := ses.New(ses.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://ses.localhost"), Credentials: keys,
		HTTPClient: &http.Client{Transport: way}, Retryer: aws.NopRetryer{}})
	send := func() error {
		_, err := client.SendEmail(t.Context(), &ses.SendEmailInput{Source: aws.String("a@example.com"),
			Destination: &sestypes.Destination{ToAddresses: []string{"b@example.com"}},
			Message: &sestypes.Message{Subject: &sestypes.Content{Data: aws.String("s")},
				Body: &sestypes.Body{Text: &sestypes.Content{Data: aws.String("t")}}}})
		return err
	}
	way.Break(breakage.Once(breakage.Call{Operation: "SendEmail", N: 1}, breakage.Refused(http.StatusBadRequest, "Throttling")))
	if err := send(); code(err) != "Throttling" {
		t.Errorf("the first: %v", err)
	}
	if err := send(); err != nil || len(box.Letters()) != 1 {
		t.Errorf("the second: %v, letters %v", err, box.Letters())
	}
}

func TestPanic(t *testing.T) {
	client, way := table(t)
	way.Break(breakage.Every(breakage.Panic("broken")))
	defer func() {
		if v := recover(); v != "broken" {
			t.Errorf("recovered %v", v)
		}
	}()
	put(t.Context(), client, "a")
	t.Error("there was no panic")
}
