package table

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/fault"
	"charter/pkg/mail"
)

// Outbox is the table as the postman sees it. A letter stands in it from the
// transaction that orders it until it is sent.
type Outbox struct{ *Table }

var (
	_ mail.Outbox = Outbox{}
	_ mail.Marks  = Outbox{}
)

var (
	errNoLetter          = fault.Fault{Kind: fault.NotFound, Code: "no_letter", Message: "No such letter is waiting."}
	errLeased            = fault.Fault{Kind: fault.Conflict, Code: "letter_leased", Message: "The letter is being sent."}
	errOtherLetter error = errors.New("table: the letter welcomes no admin, or not the newest of theirs")
	errGivenUp           = fault.Fault{Kind: fault.Invalid, Code: "letter_failed", Message: "The letter has failed for good."}
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
	letter.ID = id // whatever stands there
	if err != nil {
		return mail.Letter{}, errors.Join(errGivenUp, err, o.Failed(ctx, letter, true))
	}
	found, err := o.fetch(ctx, markKey(letter.To))
	if err != nil {
		return mail.Letter{}, err
	}
	if found[markKey(letter.To)] != nil {
		if err := o.settle(ctx, letter, mail.Failed, o.remove(letterKey(id))); err != nil {
			return mail.Letter{}, err
		}
		return mail.Letter{}, errNoLetter
	}
	return letter, nil
}

// Sent implements mail.Outbox.
func (o Outbox) Sent(ctx context.Context, l mail.Letter) error {
	return o.settle(ctx, l, mail.Sent, o.remove(letterKey(l.ID)))
}

// Failed implements mail.Outbox.
func (o Outbox) Failed(ctx context.Context, l mail.Letter, final bool) error {
	const there = "attribute_exists(PK)"
	if !final {
		return o.settle(ctx, l, mail.Queued, o.update(letterKey(l.ID), "REMOVE LeasedUntil", there, nil, means(errNoLetter)))
	}
	return o.settle(ctx, l, mail.Failed, o.update(letterKey(l.ID),
		"SET FailedAt = :now, DuePK = :givenUp, DueAt = :now REMOVE LeasedUntil", there,
		item{":now": moment(o.Now()), ":givenUp": str(givenUp)}, means(errNoLetter)))
}

// settle changes a letter, and notes its status with the admin whom it welcomes,
// unless it came back before its sender noted that it went.
func (o Outbox) settle(ctx context.Context, l mail.Letter, status mail.Status, change write) error {
	note := deliveryItem(mail.Delivery{Status: status, Attempts: l.Attempts, UpdatedAt: o.Now()})
	return o.noted(ctx, l, note, "Welcome = :letter AND attribute_not_exists(WelcomeReturned)", change)
}

// noted makes a change, and notes it with the admin whom a letter welcomes, on a
// condition. Who is none any more, or was made one anew with another letter, has
// nothing noted.
func (o Outbox) noted(ctx context.Context, l mail.Letter, note item, condition string, change write) error {
	err := errOtherLetter
	if l.UserID != "" {
		w := o.change(adminKey(l.OrganizationID, l.UserID), note, nil)
		w.Update.ConditionExpression = &condition
		w.Update.ExpressionAttributeValues[":letter"] = str(l.ID)
		w.failed = means(errOtherLetter)
		err = o.transact(ctx, []write{change, w})
	}
	if errors.Is(err, errOtherLetter) {
		err = o.transact(ctx, []write{change})
	}
	if errors.Is(err, errNoLetter) {
		return nil
	}
	return err
}

// Mark implements mail.Marks.
func (o Outbox) Mark(ctx context.Context, l mail.Letter, why mail.Reason) error {
	note := item{"WelcomeStatus": str(string(mail.Failed)), "WelcomeAt": moment(o.Now()), "WelcomeReturned": flag(true)}
	return o.noted(ctx, l, note, "Welcome = :letter", o.put(markItem(l.To, why, o.Now())))
}

func markItem(to mail.Address, why mail.Reason, at time.Time) item {
	return newItem(markKey(to)).with("Reason", string(why)).set("MarkedAt", moment(at))
}

// Forget implements mail.Marks.
func (o Outbox) Forget(ctx context.Context, to mail.Address) error {
	_, err := o.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &o.Name, Key: markKey(to).attributes()})
	return failure(err)
}

// Waiting implements mail.Outbox.
func (o Outbox) Waiting(ctx context.Context, before time.Time) iter.Seq2[string, error] {
	return o.listed(ctx, due, before)
}

// GivenUp implements mail.Outbox.
func (o Outbox) GivenUp(ctx context.Context, before time.Time) iter.Seq2[string, error] {
	return o.listed(ctx, givenUp, before)
}

// listed are the ids of letters in a part of the index byDue, in its order, a
// hundred in a trip.
func (o Outbox) listed(ctx context.Context, part string, before time.Time) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		in := &dynamodb.QueryInput{TableName: &o.Name, IndexName: aws.String("byDue"), Limit: aws.Int32(100),
			KeyConditionExpression:    aws.String("DuePK = :pk AND DueAt < :before"),
			ExpressionAttributeValues: item{":pk": str(part), ":before": moment(before)}}
		for {
			out, err := o.Client.Query(ctx, in)
			if err != nil {
				yield("", failure(err))
				return
			}
			for _, i := range out.Items {
				if _, id, _ := strings.Cut(item(i).text("PK"), sep); !yield(id, nil) {
					return
				}
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
				return
			}
		}
	}
}

// Revive implements mail.Outbox.
func (o Outbox) Revive(ctx context.Context, id string) error {
	found, err := o.fetch(ctx, letterKey(id))
	if err != nil || found[letterKey(id)] == nil {
		return err
	}
	// One that cannot be read is revived as well: it fails again, for all to see.
	l, _ := readLetter(found[letterKey(id)])
	l.ID = id
	return o.settle(ctx, l, mail.Queued, o.update(letterKey(id), "SET DuePK = :due, DueAt = OrderedAt REMOVE FailedAt",
		"attribute_exists(FailedAt)", item{":due": str(due)}, means(errNoLetter)))
}
