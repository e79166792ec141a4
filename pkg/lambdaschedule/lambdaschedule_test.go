package lambdaschedule_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"charter/pkg/lambdaschedule"
)

type order struct{ Twice bool }

type report struct{ Done int }

var errJob = errors.New("the job went wrong")

func job(_ context.Context, o order) (report, error) {
	if o.Twice {
		return report{2}, errJob
	}
	return report{1}, nil
}

func TestInvoke(t *testing.T) {
	h := lambdaschedule.Handler(job)
	for name, c := range map[string]struct {
		payload, answer string
		err             string
	}{
		"a schedule's event": {`{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`, `{"Done":1}`, ""},
		"by hand":            {`{}`, `{"Done":1}`, ""},
		"with an order":      {`{"Twice":true}`, "", errJob.Error()},
		"another type":       {`{"Twice":"personal"}`, "", "no JSON object"},
		"no JSON":            {`personal`, "", "no JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := h.Invoke(t.Context(), []byte(c.payload))
			switch {
			case string(answer) != c.answer:
				t.Errorf("answered %s, want %s", answer, c.answer)
			case c.err == "" && err != nil:
				t.Error(err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "personal")):
				t.Errorf("error %v, want %s", err, c.err)
			}
		})
	}
}
