package local

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/sam"
)

// keepRunning runs a function whenever its schedule says, until ctx ends.
func keepRunning(ctx context.Context, every time.Duration, f sam.Function, handler lambda.Handler, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		running, cancel := context.WithTimeout(ctx, f.Timeout)
		if _, err := handler.Invoke(running, []byte(`{"source": "aws.events"}`)); err != nil && ctx.Err() == nil {
			log.Error("schedule", "function", f.Name, "cause", err.Error())
		}
		cancel()
	}
}
