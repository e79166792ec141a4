package dynamo_test

import "os"

// dynamoDBLocal is where Amazon's DynamoDB Local listens (make test-dynamodb-local); "" where there is none.
var dynamoDBLocal = os.Getenv("DYNAMODB_LOCAL")

// differs is the checks in which DynamoDB Local is not DynamoDB. Besides, it has errors of its own words.
var differs = map[string]string{
	"tx/runtime_validation_error_is_a_reason": "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html " +
		"lists \"An operand in the update expression has an incorrect data type\" among the reasons for a cancellation; it is a ValidationException there",
}
