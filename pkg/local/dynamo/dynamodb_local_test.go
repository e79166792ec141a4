package dynamo_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"testing"
)

// dynamoDBLocal is where Amazon's DynamoDB Local listens (make test-dynamodb-local); "" where there is none.
var dynamoDBLocal = os.Getenv("DYNAMODB_LOCAL")

// differs is the checks in which DynamoDB Local is not DynamoDB. Besides, it has errors of its own words.
var differs = map[string]string{
	"tx/runtime_validation_error_is_a_reason": "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html " +
		"lists \"An operand in the update expression has an incorrect data type\" among the reasons for a cancellation; it is a ValidationException there",
}

// onBoth runs a test on the embedded engine and, where there is one, on DynamoDB Local.
func onBoth(t *testing.T, f func(t *testing.T, c *checker)) {
	t.Run("embedded", func(t *testing.T) {
		c, _ := newTable(t)
		f(t, c)
	})
	if dynamoDBLocal == "" {
		return
	}
	t.Run("DynamoDB Local", func(t *testing.T) { f(t, amazonsTable(t)) })
}

// amazonsTable makes tables in DynamoDB Local that go with the test.
func amazonsTable(t testing.TB) *checker {
	t.Helper()
	c := &checker{t.Context(), client(dynamoDBLocal, http.DefaultClient), "table-" + rand.Text(), "numbers-" + rand.Text(), "p", true}
	must(t, c.setUp())
	t.Cleanup(func() {
		c.ctx = context.Background()
		must(t, c.tearDown())
	})
	return c
}
