package table

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/mail"
	"charter/pkg/org"
)

// rate is how many attempts something may make within a minute of the clock.
type rate struct {
	what string
	most int64
}

// Limits are how many attempts the public routes take within a minute of the
// clock, right and wrong alike.
type Limits struct {
	PerAddress         int64 // on one route from one source address
	PerEmail           int64 // on one route about one e-mail
	PerEmailAndAddress int64 // to sign in with one e-mail from one source address
	PerClient          int64 // to sign in as one API client
}

func (l Limits) address(route, source string) rate {
	return rate{route + " from " + source, l.PerAddress}
}

func (l Limits) email(route string, email mail.Address) rate {
	return rate{route + " e-mail " + email.Folded(), l.PerEmail}
}

func (l Limits) emailFrom(route string, email mail.Address, source string) rate {
	return rate{route + " e-mail " + email.Folded() + " from " + source, l.PerEmailAndAddress}
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
