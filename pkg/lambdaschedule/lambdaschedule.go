// Package lambdaschedule runs a job on a schedule, or by hand.
//
// The event of a schedule and the payload of who invokes the function by hand
// are read alike: as an order, whose members a schedule's event does not have.
package lambdaschedule

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

// Job does what is due, and tells how that went. Report and error are logged:
// they hold no personal data.
type Job[Order, Report any] = func(context.Context, Order) (Report, error)

// Serve runs Handler as the Lambda function, with a log in JSON on standard
// output. It does not return.
func Serve[Order, Report any](job Job[Order, Report]) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(Handler(job))
}

// Handler answers with the report in JSON.
func Handler[Order, Report any](job Job[Order, Report]) lambda.Handler {
	return handler[Order, Report]{job}
}

type handler[Order, Report any] struct{ job Job[Order, Report] }

// errOrder is without its cause, which could quote the payload.
var errOrder = errors.New("lambdaschedule: the payload is no JSON object of the order's members")

// Invoke implements lambda.Handler.
func (h handler[Order, Report]) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var order Order
	if json.Unmarshal(payload, &order) != nil {
		return nil, errOrder
	}
	report, err := h.job(ctx, order)
	if err != nil {
		slog.ErrorContext(ctx, "job", "report", report, "cause", err.Error())
		return nil, err
	}
	slog.InfoContext(ctx, "job", "report", report)
	return json.Marshal(report)
}
