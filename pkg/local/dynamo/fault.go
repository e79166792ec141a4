package dynamo

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
)

// faults decides which calls fail on demand.
type faults struct {
	mu     sync.Mutex
	decide func(op string, n int) error
	calls  map[string]int
}

// Inject asks decide about every call before it is served. op is the operation, such as "PutItem"; n counts its calls
// since Inject, from one. The call fails with the error that decide gives: [ErrThrottled], [ErrShort], the result of
// [CancelWith], an [Error] of any code; any other is an InternalServerError. decide may be called by many goroutines at
// once. nil ends the faults.
func (e *Engine) Inject(decide func(op string, n int) error) {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.decide, e.faults.calls = decide, map[string]int{}
}

// ErrThrottled is the fault of a table that gets more than it can take.
var ErrThrottled error = refuse("ProvisionedThroughputExceededException",
	"The level of configured provisioned throughput for the table was exceeded. "+
		"Consider increasing your provisioning level with the UpdateTable API.")

// ErrShort is no failure: a BatchGetItem or BatchWriteItem does its first request and leaves the others unprocessed.
// Other operations take no notice.
var ErrShort = errors.New("dynamo: only the first request of the batch")

// CancelWith is the fault of a transaction that is cancelled, its first action for the reason code, such as
// "TransactionConflict" or "ThrottlingError", the others for "None". A call that is no transaction fails with
// TransactionConflictException, as it does when it meets one.
func CancelWith(code string) error { return cancelWith(code) }

type cancelWith string

func (c cancelWith) Error() string { return "dynamo: the transaction is cancelled with " + string(c) }

const ongoing = "Transaction is ongoing for the item"

// strike gives the context for the call, or the error with which it fails.
func (f *faults) strike(ctx context.Context, op string, body []byte) (context.Context, error) {
	f.mu.Lock()
	decide := f.decide
	if decide == nil {
		f.mu.Unlock()
		return ctx, nil
	}
	f.calls[op]++
	n := f.calls[op]
	f.mu.Unlock()
	err := decide(op, n)
	var cancel cancelWith
	switch {
	case errors.Is(err, ErrShort):
		return context.WithValue(ctx, shortKey{}, true), nil
	case !errors.As(err, &cancel):
		return ctx, err
	case op != "TransactWriteItems" && op != "TransactGetItems":
		return ctx, refuse("TransactionConflictException", ongoing)
	}
	var request struct{ TransactItems []json.RawMessage }
	if err := json.Unmarshal(body, &request); err != nil {
		return ctx, undecodable(err)
	}
	reasons := make([]reason, max(len(request.TransactItems), 1))
	for i := range reasons {
		reasons[i].code = "None"
	}
	reasons[0] = reason{code: string(cancel), message: ongoing}
	return ctx, cancelled(reasons)
}

type shortKey struct{}

func isShort(ctx context.Context) bool { return ctx.Value(shortKey{}) != nil }

// Lag makes Query and Scan of an index read it as it was so many commits ago, but never as it was before Lag was called.
// Commits that reach the disk in one sync count as one. 0 ends the lag.
func (e *Engine) Lag(commits int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lag, e.past = commits, nil
	e.behind.Store(nil)
}

// lagging is a table as its indexes show it.
func (e *Engine) lagging(t *table) *table {
	if s := e.behind.Load(); s != nil {
		if was := s.tables[t.name]; was != nil && was.schema == t.schema {
			return was
		}
	}
	return t
}
