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

// Where DynamoDB Local is not DynamoDB, the embedded engine is as DynamoDB. The tests go around these:
//
//   - Errors have words of their own.
//   - A Query or BatchGetItem that finds nothing is free of charge; DynamoDB takes what the least item costs
//     (https://github.com/awslabs/amazon-dynamodb-local-samples/issues/7).
//   - Only one action of a transaction is counted, half of it where a Delete finds nothing, without its size where it is
//     a check; DynamoDB counts each twice (https://github.com/localstack/localstack/issues/13090). Nor does it say that
//     the units are WriteCapacityUnits.
//   - Half the key of an index costs what an entry costs, though it makes none.
//   - An UpdateItem that only removes makes an item where there is none (https://github.com/scylladb/scylladb/issues/5862).
//   - Conditions are looked at before the key that an update sets, and before a second action on the same item.
//   - A number inside of a list or map is shown as it was written.
//   - A page that ends where the range of a BETWEEN ends has no LastEvaluatedKey; UPDATED_NEW shows more of a list than
//     what was updated, now and then; the filter of an index's Scan sees what the index does not have.

// differs is the checks that DynamoDB Local does not pass, and why that is right.
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
