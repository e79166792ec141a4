package table

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/fault"
	"charter/pkg/mail"
)

// Outbox is the table as the postman sees it. A letter stands in it from the
// transaction that orders it until it is sent.
type Outbox struct{ *Table }

var _ mail.Outbox = Outbox{}

var (
	errNoLetter = fault.Fault{Kind: fault.NotFound, Code: "no_letter", Message: "No such letter is waiting."}
	errLeased   = fault.Fault{Kind: fault.Conflict, Code: "letter_leased", Message: "The letter is being sent."}
	errGivenUp  = fault.Fault{Kind: fault.Invalid, Code: "letter_failed", Message: "The letter has failed for good."}
)

// Claim implements mail.Outbox. The lease has a name of its own, so that a try
// whose answer was lost is not taken for somebody else's.
func (o Outbox) Claim(ctx context.Context, id string) (mail.Letter, error) {
	now, lease := o.Now(), o.ulid()
	out, err := o.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &o.Name, Key: letterKey(id).attributes(),
		UpdateExpression: aws.String("SET LeasedUntil = :until, Lease = :lease ADD Attempts :one"),
		ConditionExpression: aws.String("attribute_exists(PK) AND attribute_not_exists(FailedAt) AND " +
			"(attribute_not_exists(LeasedUntil) OR LeasedUntil <= :now)"),
		ExpressionAttributeValues:           item{":until": moment(now.Add(mail.Lease)), ":lease": str(lease), ":now": moment(now), ":one": num(1)},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
	var refused *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &refused) && refused.Item == nil:
		return mail.Letter{}, errNoLetter
	case errors.As(err, &refused) && item(refused.Item).text("FailedAt") != "":
		return mail.Letter{}, errGivenUp
	case errors.As(err, &refused) && item(refused.Item).text("Lease") == lease:
		out = &dynamodb.UpdateItemOutput{Attributes: refused.Item}
	case errors.As(err, &refused):
		return mail.Letter{}, errLeased
	case err != nil:
		return mail.Letter{}, failure(err)
	}
	letter, err := readLetter(out.Attributes)
	if err != nil {
		return mail.Letter{}, errors.Join(errGivenUp, err, o.Failed(ctx, id, true))
	}
	return letter, nil
}

// Sent implements mail.Outbox.
func (o Outbox) Sent(ctx context.Context, id string) error {
	_, err := o.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &o.Name, Key: letterKey(id).attributes()})
	return failure(err)
}

// Failed implements mail.Outbox.
func (o Outbox) Failed(ctx context.Context, id string, final bool) error {
	in := &dynamodb.UpdateItemInput{TableName: &o.Name, Key: letterKey(id).attributes(),
		UpdateExpression: aws.String("REMOVE LeasedUntil"), ConditionExpression: aws.String("attribute_exists(PK)")}
	if final {
		in.UpdateExpression = aws.String("SET FailedAt = :now REMOVE LeasedUntil, DuePK, DueAt")
		in.ExpressionAttributeValues = item{":now": moment(o.Now())}
	}
	_, err := o.Client.UpdateItem(ctx, in)
	var gone *types.ConditionalCheckFailedException
	if errors.As(err, &gone) {
		return nil
	}
	return failure(err)
}
