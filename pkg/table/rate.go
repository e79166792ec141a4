package table

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/org"
)

// rate is how many attempts something may make within a minute of the clock.
type rate struct {
	what string
	most int64
}

// counted fetches, and in the same trip counts an attempt against each rate.
// Right and wrong attempts count alike. Errors: org.TooManyAttempts.
func (t *Table) counted(ctx context.Context, rates []rate, keys ...key) (map[key]item, error) {
	var counts []func() (struct{}, error)
	for _, r := range rates {
		counts = append(counts, beside(func() (struct{}, error) { return struct{}{}, t.count(ctx, r) }))
	}
	found, err := t.fetch(ctx, keys...)
	for _, counted := range counts {
		if _, refused := counted(); refused != nil {
			err = refused
		}
	}
	return found, err
}

func (t *Table) count(ctx context.Context, r rate) error {
	now := t.Now()
	minute := now.Truncate(time.Minute)
	out, err := t.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &t.Name,
		Key:                       rateKey(r.what, minute.Unix()/60).attributes(),
		UpdateExpression:          aws.String("ADD Attempts :one SET ExpiresAt = :end"),
		ExpressionAttributeValues: item{":one": num(1), ":end": num(minute.Add(time.Hour).Unix())},
		ReturnValues:              types.ReturnValueUpdatedNew})
	if err != nil {
		return failure(err)
	}
	if item(out.Attributes).number("Attempts") > r.most {
		return org.TooManyAttempts.After(minute.Add(time.Minute).Sub(now))
	}
	return nil
}
