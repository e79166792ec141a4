package main

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A gateway says in these headers of an answer how often its function waited for
// the table, and how many requests that were.
const (
	tripsHeader    = "X-Load-Trips"
	requestsHeader = "X-Load-Requests"
)

// tally is what one function asked while it answered.
type tally struct {
	mu    sync.Mutex
	spans []span
}

// span is one request, as times since any moment.
type span struct{ begun, ended time.Duration }

var epoch = time.Now()

const running = time.Duration(math.MaxInt64)

func (t *tally) begin() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spans = append(t.spans, span{time.Since(epoch), running})
	return len(t.spans) - 1
}

func (t *tally) end(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spans[n].ended = time.Since(epoch)
}

// count is how many requests there were, and the most of them of which each
// began after the one before had ended.
func (t *tally) count() (requests, trips int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	spans := slices.Clone(t.spans)
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.ended, b.ended) })
	last := time.Duration(-1)
	for _, s := range spans {
		if s.begun >= last {
			trips, last = trips+1, s.ended
		}
	}
	return len(spans), trips
}

type tallyKey struct{}

// watched notes each request on its way out with whom it is for.
func watched(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if t, ok := r.Context().Value(tallyKey{}).(*tally); ok {
			n := t.begin()
			defer t.end(n)
		}
		return next.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// tallied adds the headers to the answers of a gateway.
func tallied(gateway http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &tally{}
		gateway.ServeHTTP(&answer{w, t}, r.WithContext(context.WithValue(r.Context(), tallyKey{}, t)))
	})
}

type answer struct {
	http.ResponseWriter
	*tally
}

func (a *answer) WriteHeader(status int) {
	requests, trips := a.count()
	a.Header().Set(requestsHeader, strconv.Itoa(requests))
	a.Header().Set(tripsHeader, strconv.Itoa(trips))
	a.ResponseWriter.WriteHeader(status)
}

// counted is the number in a header, -1 where there is none.
func counted(h http.Header, name string) int {
	n, err := strconv.Atoi(h.Get(name))
	if err != nil {
		return -1
	}
	return n
}
