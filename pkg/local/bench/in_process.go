package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"testing"
	"text/tabwriter"

	"charter/pkg/local/calls"
)

// inProcess prints what each call costs without Lambda, TLS and a network.
func inProcess(w io.Writer, world *calls.World, made []calls.Call) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "function\tus\tKB allocated\tallocations\tcalls\t")
	for _, c := range made {
		handler, err := world.Handler(c.Function, replay(maps.Collect(answers(c))))
		if err != nil {
			return err
		}
		var failed error
		r := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				answer, err := handler.Invoke(context.Background(), c.Event)
				if err != nil || !bytes.Contains(answer, []byte(expect(c))) {
					failed = fmt.Errorf("%s: %w: %s", c.Function, err, answer)
					b.FailNow()
				}
			}
		})
		if failed != nil {
			return failed
		}
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%d\t%d\t\n", c.Function, float64(r.NsPerOp())/1e3, float64(r.AllocedBytesPerOp())/1024,
			r.AllocsPerOp(), len(c.Requests))
	}
	return t.Flush()
}

// replay gives the same answers again.
type replay map[string][]byte

func (a replay) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := a[calls.Operation(r)]
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: io.NopCloser(bytes.NewReader(answer)), ContentLength: int64(len(answer))}, nil
}
