package table

import (
	"context"
	"errors"
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
	out, err := t.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &t.Name,
		Key:                       t.attempts(r).attributes(),
		UpdateExpression:          aws.String(oneMore),
		ExpressionAttributeValues: t.one(),
		ReturnValues:              types.ReturnValueUpdatedNew})
	if err != nil {
		return failure(err)
	}
	if item(out.Attributes).number("Attempts") > r.most {
		return t.tooMany()
	}
	return nil
}

// A change counts its attempt in its own transaction, which costs no request and
// is exact at any number of attempts at once: it reads with the rest whether the
// rates are reached (within), adds to them with the rest (counting), and what was
// refused is added by itself (tally).

// within tells whether the rates, as fetched, leave room for an attempt.
func (t *Table) within(rates []rate, fetched map[key]item) error {
	for _, r := range rates {
		if fetched[t.attempts(r)].number("Attempts") >= r.most {
			return t.tooMany()
		}
	}
	return nil
}

func (t *Table) counting(rates []rate) []write {
	var writes []write
	for _, r := range rates {
		writes = append(writes, t.update(t.attempts(r), oneMore, "attribute_not_exists(Attempts) OR Attempts < :most",
			t.one().set(":most", num(r.most)), means(t.tooMany())))
	}
	return writes
}

// tally counts an attempt that came to err, if that refuses it or was its outcome
// before. It returns err, or why it could not be counted.
func (t *Table) tally(ctx context.Context, rates []rate, err error) error {
	var before earlier
	if refusal(err) || errors.As(err, &before) {
		if over := t.transact(ctx, t.counting(rates)); over != nil {
			return over
		}
	}
	return err
}

const oneMore = "ADD Attempts :one SET ExpiresAt = :end"

func (t *Table) one() item {
	return item{":one": num(1), ":end": num(t.minute().Add(time.Hour).Unix())}
}

// attempts is where those of this minute are counted.
func (t *Table) attempts(r rate) key { return rateKey(r.what, t.minute().Unix()/60) }

func (t *Table) minute() time.Time { return t.Now().Truncate(time.Minute) }

func (t *Table) tooMany() error {
	return org.TooManyAttempts.After(t.minute().Add(time.Minute).Sub(t.Now()))
}
