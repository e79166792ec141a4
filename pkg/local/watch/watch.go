// Package watch keeps what the newest requests did: their log lines, and their calls of AWS.
//
// A [Watch] stands before a handler and puts a note in the context of each
// request. Whatever is logged with that context through [Logs], and whatever is
// asked of AWS with it through [Watch.Transport], goes onto the note. No header,
// query, body or answer does, and of what was asked of the table only the keys:
// what a log must not hold is not here either.
package watch

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Kept is how many requests are kept: the newest.
const Kept = 500

// What is kept of one request at most.
const (
	maxLines = 100
	maxCalls = 200
	maxText  = 8 << 10 // bytes of a path, or of a value in a line
)

// Request is a request that has been answered.
type Request struct {
	ID     string // the gateway's, as log lines have it; "" where it gave none
	Method string
	Path   string // without its query
	Began  time.Time
	Took   time.Duration
	Status int
	Lines  []Line // in the order in which they were logged
	Calls  []Call // in the order of their beginnings
}

// Table is how many round trips to the table the request made, and how long at
// least one of them was under way.
func (r Request) Table() (trips int, waited time.Duration) {
	var until time.Duration
	for _, c := range r.Calls {
		if c.Table {
			trips++
			waited += max(0, c.Began+c.Took-max(until, c.Began))
			until = max(until, c.Began+c.Took)
		}
	}
	return trips, waited
}

// Watch keeps requests in memory. It is safe for concurrent use.
type Watch struct {
	Now func() time.Time // nil for time.Now
	Key [2]string        // the names of the table's key attributes

	mu       sync.Mutex
	requests []Request // oldest first, at most Kept
}

// Requests are those kept, newest first.
func (w *Watch) Requests() []Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	newest := slices.Clone(w.requests)
	slices.Reverse(newest)
	return newest
}

// Request is the one to which the gateway gave the id.
func (w *Watch) Request(id string) (Request, bool) {
	for _, r := range w.Requests() {
		if r.ID == id && id != "" {
			return r, true
		}
	}
	return Request{}, false
}

// Handler notes what every request to next does.
func (w *Watch) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		n := &note{now: w.now, request: Request{Method: cut(r.Method), Path: cut(withoutTokens(r.URL.EscapedPath())),
			Began: w.now()}}
		answer := &answer{ResponseWriter: out, status: http.StatusOK}
		next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), noteKey{}, n)))
		w.keep(n.end(out.Header().Get("X-Amzn-Requestid"), answer.status))
	})
}

func (w *Watch) now() time.Time {
	if w.Now == nil {
		return time.Now()
	}
	return w.Now()
}

func (w *Watch) keep(r Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, r)
	w.requests = w.requests[max(0, len(w.requests)-Kept):]
}

// answer hears the status.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// note is a request that is being answered. What a function does that was left
// behind comes too late for it.
type note struct {
	now func() time.Time

	mu      sync.Mutex
	ended   bool
	request Request
}

type noteKey struct{}

// noteOf is the note in a context, nil where nobody watches.
func noteOf(ctx context.Context) *note {
	n, _ := ctx.Value(noteKey{}).(*note)
	return n
}

func (n *note) since() time.Duration { return n.now().Sub(n.request.Began) }

func (n *note) line(l Line) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ended && len(n.request.Lines) < maxLines {
		n.request.Lines = append(n.request.Lines, l)
	}
}

func (n *note) call(c Call) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ended && len(n.request.Calls) < maxCalls {
		n.request.Calls = append(n.request.Calls, c)
	}
}

func (n *note) end(id string, status int) Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
	r := n.request
	r.ID, r.Status, r.Took = id, status, n.since()
	slices.SortStableFunc(r.Calls, func(a, b Call) int { return int(a.Began - b.Began) })
	return r
}

// A path has no place for a token, but whoever guesses at one may put it there.
var tokens = regexp.MustCompile(`[\w-]{8,}\.[\w-]{8,}\.[\w-]+`)

func withoutTokens(path string) string { return tokens.ReplaceAllString(path, "[token]") }

func cut(text string) string {
	if len(text) > maxText {
		return text[:maxText] + "…"
	}
	return text
}
