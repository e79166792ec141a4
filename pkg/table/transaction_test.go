package table

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"charter/pkg/fault"
	"charter/pkg/org"
	"charter/pkg/pricing"
)

// Of several failed conditions the role decides, then the outcome under the
// key, then the first; and nothing while any reason is a passing one.
func TestVerdict(t *testing.T) {
	kept := earlier{item{"Print": bin([]byte("print"))}}
	writes := []write{
		{}, {failed: means(org.NameTaken)}, {failed: func(old item) error { return kept }}, {failed: means(errNotHeld)},
		{failed: means(pricing.UnknownTier)}, {failed: means(org.Gone)}, {failed: means(org.OwnerOnly)},
	}
	const none, failed = "None", "ConditionalCheckFailed"
	cancelled, replay := errors.New("as it came"), errors.New("the outcome under the key")
	for _, c := range []struct {
		reasons []string
		again   bool
		want    error
	}{
		{[]string{none, failed, none, none, none, none, none}, false, org.NameTaken},
		{[]string{none, failed, none, none, failed, none, none}, false, org.NameTaken},
		{[]string{none, none, none, none, failed, none, none}, false, pricing.UnknownTier},
		{[]string{none, failed, failed, none, failed, none, none}, false, replay},
		{[]string{none, failed, failed, failed, failed, none, none}, false, errNotHeld},
		{[]string{none, failed, failed, none, failed, failed, none}, false, org.Gone},
		{[]string{none, none, failed, none, none, none, failed}, false, org.OwnerOnly},
		{[]string{none, failed, none, failed, none, none, "TransactionConflict"}, true, nil},
		{[]string{"ThrottlingError", failed, none, failed, none, none, none}, true, nil},
		{[]string{none, none, "ProvisionedThroughputExceeded"}, true, nil},
		{[]string{"ValidationError", none}, false, cancelled},
		{[]string{failed, none}, false, cancelled}, // a write without a meaning
		{[]string{none, none, none, none, none, none, none, failed}, false, cancelled},
		{nil, false, cancelled},
	} {
		e := &types.TransactionCanceledException{}
		for _, code := range c.reasons {
			e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: &code})
		}
		again, err := verdict(writes, e)
		right := errors.Is(err, c.want)
		var before earlier
		switch c.want {
		case replay:
			right = errors.As(err, &before)
		case cancelled:
			right = err == error(e)
		}
		if again != c.again || !right {
			t.Errorf("%v: again: %v, %v; want again: %v, %v", c.reasons, again, err, c.again, c.want)
		}
	}
	e := &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String(failed), Item: item{"SK": str("the old one")}}}}
	_, err := verdict([]write{{failed: func(old item) error { return errors.New(old.text("SK")) }}}, e)
	if err == nil || err.Error() != "the old one" {
		t.Errorf("what a condition means is told without the item: %v", err)
	}
}

// What does not depend on us is a fault that says to come back; only where
// nothing can have been done it says so. A mistake of ours is no fault.
func TestFailure(t *testing.T) {
	answered := func(status int, err error) error {
		return &smithy.OperationError{ServiceID: "DynamoDB", OperationName: "PutItem", Err: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err}}
	}
	coded := func(code string) error { return &smithy.GenericAPIError{Code: code} }
	for _, c := range []struct {
		err  error
		want error
	}{
		{nil, nil},
		{answered(400, &types.ProvisionedThroughputExceededException{}), busy},
		{answered(400, &types.ThrottlingException{}), busy},
		{answered(400, &types.RequestLimitExceeded{}), busy},
		{answered(400, &types.TransactionConflictException{}), busy},
		{answered(400, &types.TransactionInProgressException{}), unreachable},
		{answered(500, &types.InternalServerError{}), unreachable},
		{answered(503, coded("ServiceUnavailable")), unreachable},
		{answered(500, coded("InternalFailure")), unreachable},
		{context.DeadlineExceeded, unreachable},
		{errReset, unreachable},
		{&smithyhttp.RequestSendError{Err: errReset}, unreachable},
		{answered(400, &types.ResourceNotFoundException{}), nil},
		{answered(400, coded("ValidationException")), nil},
		{answered(400, coded("AccessDeniedException")), nil},
		{answered(400, &types.IdempotentParameterMismatchException{}), nil},
		{answered(400, coded("UnrecognizedClientException")), nil},
	} {
		got := failure(c.err)
		if _, isFault := fault.All(got); c.want == nil {
			if got != c.err || isFault && c.err != nil {
				t.Errorf("%v became %v", c.err, got)
			}
			continue
		}
		if !errors.Is(got, c.want) || !errors.Is(got, fault.Unavailable) {
			t.Errorf("%v became %v; want %v", c.err, got, c.want)
		}
	}
}

// A wait is never longer than its bound, which doubles, and none begins that
// leaves no time to answer.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for try, most := range []time.Duration{20, 40, 80, 160, 320, 500, 500, 500, 500, 0, 0} {
			start := time.Now()
			ok := pause(t.Context(), try)
			if spent := time.Since(start); spent > most*time.Millisecond || ok != (most > 0) {
				t.Errorf("try %d: waited %v, %v; want at most %d ms", try, spent, ok, most)
			}
		}
		for left, want := range map[time.Duration]bool{reserve - 1: false, reserve + firstWait: true, time.Minute: true} {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			if ok := pause(ctx, 0); ok != want {
				t.Errorf("with %v left: %v", left, ok)
			}
			if remains, _ := ctx.Deadline(); want && time.Until(remains) < reserve {
				t.Errorf("with %v left, %v remain", left, time.Until(remains))
			}
			cancel()
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if pause(ctx, 5) {
			t.Error("waits for who is gone")
		}
	})
}

// Callers who failed together do not come back together. Caught: the SDK's own
// delays, which at a bound below a second are that bound each time.
func TestRetriesHaveJitter(t *testing.T) {
	r, waits := Retryer(), map[time.Duration]bool{}
	for range 100 {
		wait, err := r.RetryDelay(1, errors.New("throttled"))
		if waits[wait] = true; err != nil || wait < 0 || wait > mostWait {
			t.Errorf("a wait of %v (%v)", wait, err)
		}
	}
	if len(waits) < 50 {
		t.Errorf("%d different waits among 100", len(waits))
	}
}
