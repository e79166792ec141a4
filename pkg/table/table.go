// Package table is the DynamoDB table: keys.go opens with every access pattern.
package table

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/oklog/ulid/v2"

	"charter/pkg/fault"
	"charter/pkg/org"
)

// Table is the one table. Directory, Book, Register and Outbox are views of it.
type Table struct {
	Client *dynamodb.Client
	Name   string
	Secret []byte           // keys the prints of Idempotency-Key bodies, and the cursors of lists
	Limits Limits           // of the public routes
	Now    func() time.Time // in UTC
	Random io.Reader        // safe for parallel use
	Shelf  *Shelf           // what lists have read; nil where nothing is to be kept

	scale scale // of tests
}

var (
	busy = fault.Fault{Kind: fault.Unavailable, Code: "busy", RetryAfter: time.Second,
		Message: "The service is busy and did nothing. Try again."}
	unreachable = fault.Fault{Kind: fault.Unavailable, Code: "unavailable", RetryAfter: time.Second,
		Message: "The service is not available at the moment. Try again, with the same Idempotency-Key if there was one."}
)

// ulid is a new ULID in lower case: 26 characters that sort by time.
func (t *Table) ulid() string {
	return strings.ToLower(ulid.MustNew(ulid.Timestamp(t.Now()), t.Random).String())
}

// code is a new organization code: org_ and 44 random bits in hexadecimal.
func (t *Table) code() string {
	b := make([]byte, 6)
	if _, err := io.ReadFull(t.Random, b); err != nil {
		panic(err) // as ulid.MustNew does: there is no randomness
	}
	return "org_" + hex.EncodeToString(b)[:11]
}

// write is one item of a transaction, with what it means when its condition fails.
type write struct {
	types.TransactWriteItem
	failed func(old item) error
}

// means is a failed condition that always means the same.
func means(err error) func(item) error { return func(item) error { return err } }

const unique = "attribute_not_exists(PK)"

func (t *Table) put(i item) write {
	return write{TransactWriteItem: types.TransactWriteItem{Put: &types.Put{TableName: &t.Name, Item: i}}}
}

// claim puts an item that nobody may have put before; taken is what it means
// when somebody has.
func (t *Table) claim(i item, taken error) write {
	w := t.put(i)
	w.Put.ConditionExpression = aws.String(unique)
	w.failed = means(taken)
	return w
}

// change sets attributes of an item, whether it is there or not; those in once
// only where they are not set yet. Names are never written into the expression,
// where they could be reserved words.
func (t *Table) change(k key, always, once item) write {
	names, values, clauses := map[string]string{}, item{}, []string{}
	add := func(i item, form string) {
		for _, name := range slices.Sorted(maps.Keys(i)) {
			n := strconv.Itoa(len(names))
			names["#"+n], values[":"+n] = name, i[name]
			clauses = append(clauses, strings.ReplaceAll(form, "?", n))
		}
	}
	add(always, "#? = :?")
	add(once, "#? = if_not_exists(#?, :?)")
	return write{TransactWriteItem: types.TransactWriteItem{Update: &types.Update{TableName: &t.Name, Key: k.attributes(),
		UpdateExpression: aws.String("SET " + strings.Join(clauses, ", ")), ExpressionAttributeNames: names, ExpressionAttributeValues: values}}}
}

// update changes an item under a condition.
func (t *Table) update(k key, expression, condition string, values item, failed func(old item) error) write {
	return write{failed: failed, TransactWriteItem: types.TransactWriteItem{Update: &types.Update{TableName: &t.Name,
		Key: k.attributes(), UpdateExpression: &expression, ConditionExpression: &condition, ExpressionAttributeValues: values}}}
}

func (t *Table) remove(k key) write {
	return write{TransactWriteItem: types.TransactWriteItem{Delete: &types.Delete{TableName: &t.Name, Key: k.attributes()}}}
}

func (t *Table) check(k key, condition string, values item, failed error) write {
	return write{failed: means(failed), TransactWriteItem: types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &t.Name, Key: k.attributes(), ConditionExpression: &condition, ExpressionAttributeValues: values}}}
}

// transact writes all or nothing. When conditions fail, what the weightiest of
// them means is returned.
//
// The SDK does not retry a cancelled transaction. Conflicts and throttles are
// tried again here, with jitter and one ClientRequestToken throughout, so that
// a try whose answer was lost is not done twice.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func (t *Table) transact(ctx context.Context, writes []write) error {
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String(t.ulid()),
		TransactItems: make([]types.TransactWriteItem, 0, len(writes))}
	for _, w := range writes {
		if w.failed != nil {
			switch {
			case w.Put != nil:
				w.Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
			case w.Update != nil:
				w.Update.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
			case w.Delete != nil:
				w.Delete.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
			case w.ConditionCheck != nil:
				w.ConditionCheck.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
			}
		}
		in.TransactItems = append(in.TransactItems, w.TransactWriteItem)
	}
	for try := 0; ; try++ {
		_, err := t.Client.TransactWriteItems(ctx, in)
		var cancelled *types.TransactionCanceledException
		if !errors.As(err, &cancelled) {
			return failure(err)
		}
		again, err := verdict(writes, cancelled)
		if !again {
			return err
		}
		if !pause(ctx, try) {
			return busy.Because(cancelled)
		}
	}
}

// verdict reads why a transaction was cancelled. Any passing reason means that
// not every condition was looked at: then it is tried again.
func verdict(writes []write, cancelled *types.TransactionCanceledException) (again bool, err error) {
	for _, reason := range cancelled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			return true, nil
		}
	}
	decided := false
	err = cancelled
	for n, reason := range cancelled.CancellationReasons {
		if aws.ToString(reason.Code) == "ConditionalCheckFailed" && n < len(writes) && writes[n].failed != nil {
			if failed := writes[n].failed(reason.Item); !decided || weight(failed) > weight(err) {
				decided, err = true, failed
			}
		}
	}
	return false, err
}

// weight says which of several failed conditions decides: who may not is told
// so, then who asked before hears the first answer, then the rest in order.
func weight(err error) int {
	var before earlier
	switch {
	case errors.Is(err, errNotHeld), errors.Is(err, fault.Forbidden), errors.Is(err, org.Gone):
		return 2
	case errors.As(err, &before):
		return 1
	}
	return 0
}

const (
	mostTries = 10
	firstWait = 20 * time.Millisecond
	mostWait  = 500 * time.Millisecond
	// reserve is what a request keeps of its time to answer.
	reserve = 300 * time.Millisecond
)

// pause waits before the next try, a random time up to a bound that doubles
// ("full jitter"). It reports false when no time or try is left.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
func pause(ctx context.Context, try int) bool {
	wait := rand.N(min(firstWait<<try, mostWait))
	if deadline, ok := ctx.Deadline(); try+1 >= mostTries || ok && time.Until(deadline) < wait+reserve {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Retryer is how the SDK tries single calls again: three times in all, soon, and
// each at a time of its own ("full jitter").
func Retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 3
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return rand.N(mostWait), nil })
	})
}

// failure tells what does not depend on us (throttled, unreachable, too slow)
// from a mistake of ours. Where another try may have been carried out, it does
// not say that nothing was done.
func failure(err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return unreachable.Because(err)
	}
	switch api.ErrorCode() {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "TransactionConflictException":
		return busy.Because(err)
	case "TransactionInProgressException":
		return unreachable.Because(err)
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError {
		return unreachable.Because(err)
	}
	return err
}

// fetch reads items by key, consistently, in one trip. Items that are not
// there are not in the answer. At most 100 keys.
func (t *Table) fetch(ctx context.Context, keys ...key) (map[key]item, error) {
	return t.read(ctx, true, keys...)
}

// read is fetch, and where it need not be consistent half its price.
func (t *Table) read(ctx context.Context, consistent bool, keys ...key) (map[key]item, error) {
	want := make([]map[string]types.AttributeValue, len(keys))
	for n, k := range keys {
		want[n] = k.attributes()
	}
	found := make(map[key]item, len(keys))
	for try := 0; len(want) > 0; try++ {
		out, err := t.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			t.Name: {Keys: want, ConsistentRead: &consistent}}})
		if err != nil {
			return nil, failure(err)
		}
		for _, got := range out.Responses[t.Name] {
			i := item(got)
			found[key{i.text("PK"), i.text("SK")}] = i
		}
		if want = out.UnprocessedKeys[t.Name].Keys; len(want) > 0 && !pause(ctx, try) {
			return nil, busy
		}
	}
	return found, nil
}

// partition reads all items of a partition, consistently, in the order of keys.
func (t *Table) partition(ctx context.Context, pk string) ([]item, error) {
	in := &dynamodb.QueryInput{TableName: &t.Name, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("PK = :pk"),
		ExpressionAttributeValues: item{":pk": str(pk)}}
	var items []item
	for {
		out, err := t.Client.Query(ctx, in)
		if err != nil {
			return nil, failure(err)
		}
		for _, got := range out.Items {
			items = append(items, got)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return items, nil
		}
	}
}
