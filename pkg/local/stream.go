package local

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/local/dynamo"
	"charter/pkg/sam"
)

// subscription is a function's event source mapping.
func (s *Service) subscription(f sam.Function, n int, source sam.Stream, handler lambda.Handler, log *slog.Logger) dynamo.Subscription {
	table, attempts := s.Template.Table.Name, source.Retries+1
	return dynamo.Subscription{
		Table: table, Name: fmt.Sprintf("%s/%d", f.Name, n), Batch: source.BatchSize, Attempts: attempts,
		Filter: func(r dynamo.Record) bool { return passes(source.Patterns, r) },
		Deliver: func(ctx context.Context, records []dynamo.Record) ([]string, error) {
			ctx, cancel := context.WithTimeout(ctx, f.Timeout)
			defer cancel()
			event, err := json.Marshal(map[string]any{"Records": records})
			if err != nil {
				return nil, err
			}
			answer, err := handler.Invoke(ctx, event)
			if err != nil || !source.ReportFailures {
				return nil, err
			}
			return failures(answer)
		},
		GiveUp: func(r dynamo.Record, err error) {
			if source.DeadLetters != "" {
				s.dead.add(DeadLetter{source.DeadLetters, f.Name, r.SequenceNumber, err.Error()})
			}
			log.Error("stream record given up", "function", f.Name, "sequence", r.SequenceNumber, "cause", err.Error())
		},
	}
}

func failures(answer []byte) ([]string, error) {
	var report struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &report); err != nil {
		return nil, err
	}
	failed := make([]string, len(report.BatchItemFailures))
	for n, f := range report.BatchItemFailures {
		failed[n] = f.ItemIdentifier
	}
	return failed, nil
}

// passes reports whether any event pattern lets the record through.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
func passes(patterns []string, r dynamo.Record) bool {
	if len(patterns) == 0 {
		return true
	}
	var record any
	if text, err := json.Marshal(r); err != nil || json.Unmarshal(text, &record) != nil {
		return false
	}
	for _, text := range patterns {
		var pattern any
		if json.Unmarshal([]byte(text), &pattern) == nil && matches(pattern, record) {
			return true
		}
	}
	return false
}

// matches knows objects, lists of texts, and "exists".
func matches(pattern, value any) bool {
	switch p := pattern.(type) {
	case map[string]any:
		members, _ := value.(map[string]any)
		for name, inner := range p {
			if !matches(inner, members[name]) {
				return false
			}
		}
		return true
	case []any:
		for _, choice := range p {
			if rule, ok := choice.(map[string]any); ok {
				if exists, ok := rule["exists"].(bool); ok && exists == (value != nil) {
					return true
				}
			} else if choice == value {
				return true
			}
		}
	}
	return false
}
