package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"charter/pkg/sam"
)

// maxIntegration is how long the gateway waits for a function.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
const maxIntegration = 29 * time.Second

var errTimeout = errors.New("the function did not answer in time")

type function struct {
	sam.Function
	handler lambda.Handler
}

// invoke runs a function as Lambda would: bytes to bytes, until its timeout,
// and to its end though the client may have gone. A panic is an error, and the
// process lives. The error errTimeout says that time was up; the function is
// then left behind with an ended context.
func (g *Gateway) invoke(ctx context.Context, name string, event []byte) ([]byte, error) {
	f := g.functions[name]
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(f.Timeout, maxIntegration))
	defer cancel()
	id := g.newID()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       id,
		InvokedFunctionArn: fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", region, account, name),
	})
	type result struct {
		out []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				g.options.Log.ErrorContext(ctx, "function panicked", "function", name, "request", id, "panic", fmt.Sprint(v),
					"stack", string(debug.Stack()))
				done <- result{err: fmt.Errorf("%s panicked", name)}
			}
		}()
		out, err := f.handler.Invoke(ctx, event)
		done <- result{out, err}
	}()
	select {
	case r := <-done:
		if r.err == nil || ctx.Err() == nil {
			if r.err != nil {
				g.options.Log.ErrorContext(ctx, "function failed", "function", name, "request", id, "cause", r.err)
			}
			return r.out, r.err
		}
	case <-ctx.Done():
	}
	g.options.Log.ErrorContext(ctx, "function timed out", "function", name, "request", id)
	return nil, errTimeout
}
