// Package lambdastream turns a stream batch into one call a record, and reports failures by sequence number.
//
// The event source mapping must have ReportBatchItemFailures among its
// FunctionResponseTypes. Lambda then goes back to the lowest sequence number
// that was reported and delivers everything from there on again, the records
// that went well included: what is called for a record must bear being called
// for it again.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
package lambdastream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// Each does what is due for one value. It may be called for the same value
// again, and for several values at once. Its error is logged, so the error's
// text holds no personal data.
type Each = func(ctx context.Context, value string) error

// Serve runs Handler as the Lambda function, with a log in JSON on standard
// output. It does not return.
func Serve(attribute string, each Each) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(Handler(attribute, each))
}

// ServeExpired is Serve with HandlerExpired.
func ServeExpired(attribute string, each Each) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(HandlerExpired(attribute, each))
}

// HandlerExpired is Handler for what expired: it calls each with the string
// attribute of every item that TTL deleted, and passes all other records over.
func HandlerExpired(attribute string, each Each) lambda.Handler {
	return &batch{attribute: attribute, each: each, expired: true, log: slog.Default()}
}

// Handler calls each with the string attribute of every record's new image,
// where a write has set or changed it; records that were removed, that have no
// such attribute, or that left it as it was are passed over. So a write of each
// to the item it was called for does not call it once more. (A stream without
// old images cannot tell, and calls for every write.)
//
// Records of one batch with the same value are one call, and fail together.
//
// At most 8 calls run at once. Their context ends before the function's own
// deadline, so that there is time to answer: whatever has not ended by then, or
// was not begun, is reported as failed and comes again. A call that fails or
// panics is the failure of its record alone.
func Handler(attribute string, each Each) lambda.Handler {
	return &batch{attribute: attribute, each: each, log: slog.Default()}
}

const parallel = 8

// margin is kept of the time that the function has left: half of it for calls
// to end in, half to answer in. A function with little time keeps a quarter.
const margin = 4 * time.Second

type batch struct {
	attribute string
	each      Each
	expired   bool
	log       *slog.Logger
}

// event is what is needed of a DynamoDB stream event.
type event struct {
	Records []record
}

type record struct {
	EventName string `json:"eventName"`
	// What TTL deletes is deleted by the service:
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
	UserIdentity struct {
		Type        string `json:"type"`
		PrincipalID string `json:"principalId"`
	} `json:"userIdentity"`
	Dynamodb struct {
		SequenceNumber     string
		NewImage, OldImage map[string]struct{ S *string }
	} `json:"dynamodb"`
}

// value is the attribute's, where r's write has set or changed it.
func (r record) value(attribute string) (value string, due bool) {
	before, after := r.Dynamodb.OldImage[attribute].S, r.Dynamodb.NewImage[attribute].S
	if r.EventName == "REMOVE" || after == nil || before != nil && *before == *after {
		return "", false
	}
	return *after, true
}

// lost is the attribute's value of what TTL deleted.
func (r record) lost(attribute string) (value string, due bool) {
	before := r.Dynamodb.OldImage[attribute].S
	if r.EventName != "REMOVE" || r.UserIdentity.Type != "Service" || r.UserIdentity.PrincipalID != "dynamodb.amazonaws.com" || before == nil {
		return "", false
	}
	return *before, true
}

// call is what is due for the records of one value.
type call struct {
	value     string
	sequences []string
}

// add puts a record to the call for its value.
func add(due []call, value, sequence string) []call {
	i := slices.IndexFunc(due, func(c call) bool { return c.value == value })
	if i < 0 {
		return append(due, call{value, []string{sequence}})
	}
	due[i].sequences = append(due[i].sequences, sequence)
	return due
}

type answer struct {
	BatchItemFailures []failure `json:"batchItemFailures"`
}

type failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// errEvent is without its cause, which could quote the event.
var errEvent = errors.New("lambdastream: this is no DynamoDB stream event")

// Invoke makes batch a lambda.Handler. It fails as a whole only when payload is
// no stream event.
func (b *batch) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, errEvent
	}
	var due []call
	for _, r := range e.Records {
		read := r.value
		if b.expired {
			read = r.lost
		}
		if value, ok := read(b.attribute); ok {
			due = add(due, value, r.Dynamodb.SequenceNumber)
		}
	}
	failed := answer{BatchItemFailures: []failure{}}
	for i, err := range b.all(ctx, due) {
		for _, number := range due[i].sequences {
			sequence := slog.String("sequenceNumber", number)
			if err == nil {
				b.log.InfoContext(ctx, "record done", sequence)
				continue
			}
			b.log.ErrorContext(ctx, "record failed", sequence, slog.String("error", err.Error()))
			failed.BatchItemFailures = append(failed.BatchItemFailures, failure{number})
		}
	}
	return json.Marshal(failed)
}

var errUnfinished = errors.New("not ended in time")

// all returns how each call ended, nil for those that went well. What outlasts
// its context is left running, and counts as unfinished.
func (b *batch) all(ctx context.Context, due []call) []error {
	calling, answering, cancel := split(ctx)
	defer cancel()

	type end struct {
		call int
		err  error
	}
	ends := make(chan end, len(due)) // holds them all: nobody waits for a reader that has left
	go func() {
		slots := make(chan struct{}, parallel)
		for i, c := range due {
			select {
			case slots <- struct{}{}:
			case <-calling.Done():
			}
			if calling.Err() != nil {
				ends <- end{i, errUnfinished}
				continue
			}
			go func() {
				defer func() { <-slots }()
				ends <- end{i, b.one(calling, c.value)}
			}()
		}
	}()

	errs := slices.Repeat([]error{errUnfinished}, len(due))
collect:
	for range due {
		select {
		case e := <-ends:
			errs[e.call] = e.err
		case <-answering.Done():
			break collect
		}
	}
	return errs
}

// split cuts margin off ctx's deadline: calling ends first, answering later.
func split(ctx context.Context) (calling, answering context.Context, cancel func()) {
	deadline, limited := ctx.Deadline()
	if !limited {
		ctx, cancel := context.WithCancel(ctx)
		return ctx, ctx, cancel
	}
	keep := min(margin, time.Until(deadline)/4)
	answering, cancelAnswering := context.WithDeadline(ctx, deadline.Add(-keep/2))
	calling, cancelCalling := context.WithDeadline(answering, deadline.Add(-keep))
	return calling, answering, func() { cancelCalling(); cancelAnswering() }
}

// one calls each, and turns a panic into an error.
func (b *batch) one(ctx context.Context, value string) (err error) {
	defer func() {
		// The panic's value may quote the record: the place has to do.
		if recover() != nil {
			err = errors.New("panic in " + panicSite())
		}
	}()
	return b.each(ctx, value)
}

// panicSite names the function that panicked and its line. It works in a
// deferred function only, where the panicking stack still stands.
func panicSite() string {
	stack := make([]uintptr, 64)
	frames := runtime.CallersFrames(stack[:runtime.Callers(1, stack)])
	for panicking := false; ; {
		frame, more := frames.Next()
		if panicking && !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
		panicking = panicking || frame.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}
