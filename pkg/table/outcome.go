package table

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/fault"
	"charter/pkg/idempotency"
)

// earlier is the outcome of an earlier request with the same Idempotency-Key.
type earlier struct{ item }

func (earlier) Error() string { return "table: done before, under the same Idempotency-Key" }

// once runs a change under the request's Idempotency-Key, if it has one.
// change adds what keep gives to its transaction, with the item that says all
// of its result; on a repeat read makes the result of that item again.
//
// A change that the domain refused is kept, too, in a write of its own.
func once[T any](ctx context.Context, t *Table, read func(item) (T, error),
	change func(keep func(result item) []write) (T, error)) (T, error) {

	attempt := idempotency.FromContext(ctx)
	if attempt == nil {
		return change(func(item) []write { return nil })
	}
	result, err := change(func(result item) []write { return []write{t.keep(attempt, result)} })
	if refusal(err) {
		if kept := t.keepRefusal(ctx, attempt, err); kept != nil {
			err = kept
		}
	}
	var before earlier
	if !errors.As(err, &before) {
		return result, err
	}
	if !attempt.Matches(t.Secret, before.bytes("Print")) {
		return result, idempotency.Reused
	}
	attempt.Replayed = true
	if faults := before.list("Faults"); faults != nil {
		return result, readFaults(faults)
	}
	return read(before.tree("Result"))
}

// nothing reads the result of a change that has none.
func nothing(item) (struct{}, error) { return struct{}{}, nil }

// A record that is over its time but not yet swept counts as gone.
const free = unique + " OR ExpiresAt <= :now"

func (t *Table) record(a *idempotency.Attempt) item {
	return newItem(outcomeKey(a.Name())).
		set("Print", bin(a.Print(t.Secret))).
		set("ExpiresAt", num(t.Now().Add(idempotency.Window).Unix()))
}

// keep puts the record beside the change.
func (t *Table) keep(a *idempotency.Attempt, result item) write {
	w := t.put(t.record(a).set("Result", tree(result)))
	w.Put.ConditionExpression = aws.String(free)
	w.Put.ExpressionAttributeValues = item{":now": num(t.Now().Unix())}
	w.failed = func(old item) error { return earlier{old} }
	return w
}

// before is the outcome kept for the request in a batch that was fetched.
func (t *Table) before(a *idempotency.Attempt, fetched map[key]item) error {
	if a == nil {
		return nil
	}
	if old, ok := fetched[outcomeKey(a.Name())]; ok && old.number("ExpiresAt") > t.Now().Unix() {
		return earlier{old}
	}
	return nil
}

// refusal reports whether err is the domain's last word on the request.
func refusal(err error) bool {
	faults, ok := fault.All(err)
	return ok && len(faults) > 0 && !slices.ContainsFunc(faults, func(f fault.Fault) bool {
		switch f.Kind {
		case fault.Invalid, fault.NotFound, fault.Taken, fault.Conflict:
			return false
		}
		return true
	})
}

// keepRefusal keeps why the change was refused. It returns the earlier outcome
// when there is one by now, and nil otherwise: a refusal that could not be kept
// is answered all the same, since it changed nothing. The record has an id, so
// that one whose answer was lost is not taken for an earlier one.
func (t *Table) keepRefusal(ctx context.Context, a *idempotency.Attempt, refused error) error {
	faults, _ := fault.All(refused)
	list := make([]item, len(faults))
	for n, f := range faults {
		list[n] = item{"Kind": str(string(f.Kind)), "Message": str(f.Message)}.with("Code", f.Code).with("Field", f.Field)
	}
	id := t.ulid()
	_, err := t.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.Name,
		Item:                                t.record(a).set("Faults", trees(list)).with("RecordId", id),
		ConditionExpression:                 aws.String(free),
		ExpressionAttributeValues:           item{":now": num(t.Now().Unix())},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) && item(failed.Item).text("RecordId") != id {
		return earlier{failed.Item}
	}
	return nil
}

func readFaults(list []item) error {
	errs := make([]error, len(list))
	for n, i := range list {
		errs[n] = fault.Fault{Kind: fault.Kind(i.text("Kind")), Code: i.text("Code"), Message: i.text("Message"), Field: i.text("Field")}
	}
	return errors.Join(errs...)
}
