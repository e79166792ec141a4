package local

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"
)

// tries is how often Lambda calls a function for a message of a topic; here
// without the minutes in between.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const tries = 3

// notify hands a message to every function that a topic calls.
func (s *Service) notify(ctx context.Context, message string, functions map[string]lambda.Handler, log *slog.Logger) {
	event, err := json.Marshal(map[string]any{"Records": []any{map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{"Message": message}}}})
	if err != nil {
		panic(err) // texts
	}
	for _, f := range s.Template.Functions {
		if len(f.Topics) == 0 {
			continue
		}
		for range tries {
			running, cancel := context.WithTimeout(ctx, f.Timeout)
			_, err = functions[f.Name].Invoke(running, event)
			if cancel(); err == nil {
				break
			}
		}
		if err != nil {
			if f.DeadLetters != "" {
				s.dead.add(DeadLetter{Queue: f.DeadLetters, Function: f.Name, Cause: err.Error()})
			}
			log.Error("message of a topic given up", "function", f.Name, "cause", err.Error())
		}
	}
}
