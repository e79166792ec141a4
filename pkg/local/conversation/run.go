package conversation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"
)

// TB is what Run needs of a testing.TB.
type TB interface {
	Helper()
	Context() context.Context
	Fatalf(format string, args ...any)
}

// Run holds the conversation of a file with a handler, given the values of
// some names, and returns these and all that were captured: the next
// conversation can go on with them. The first answer that is not as expected
// ends it and fails the test, with everything that is wrong about the answer.
func Run(t TB, h http.Handler, file string, given map[string]string) map[string]string {
	t.Helper()
	c, err := ParseFile(file)
	if err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	return c.Run(t, h, given)
}

// Run is the function Run for what is parsed already.
func (c Conversation) Run(t TB, h http.Handler, given map[string]string) map[string]string {
	t.Helper()
	known := values{}.and(given)
	for _, e := range c.Exchanges {
		captured, err := e.hold(t.Context(), h, known)
		if err != nil {
			line := e.Line
			if wrong := (wrongAnswer{}); errors.As(err, &wrong) {
				line = e.answer.line
			}
			t.Fatalf("%s:%d: %s %s: %v", c.file, line, e.Method, e.request.target, err)
			return nil
		}
		known = captured
	}
	return known
}

// wrongAnswer is all that is wrong about an answer.
type wrongAnswer struct{ differences []string }

func (w wrongAnswer) Error() string {
	return "the answer is not as expected\n" + strings.Join(w.differences, "\n")
}

// The pause between two tries doubles from the first to the last.
const firstPause, lastPause = 5 * time.Millisecond, 200 * time.Millisecond

// hold has one exchange, more than once if it is one to wait for, and returns
// what is known after it.
func (e Exchange) hold(ctx context.Context, h http.Handler, known values) (values, error) {
	end := time.Now().Add(e.request.wait)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		captured, err := e.once(ctx, h, known)
		if wrong := (wrongAnswer{}); !errors.As(err, &wrong) || e.request.wait == 0 {
			return captured, err
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("after %s: %w", e.request.wait, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (e Exchange) once(ctx context.Context, h http.Handler, known values) (values, error) {
	r, err := e.request.make(ctx, e.Method, known)
	if err != nil {
		return nil, err
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	got := recorder.Result()
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, err
	}
	if e.Method == http.MethodHead {
		body = nil // a server sends none
	}
	known = known.and(nil)
	var wrong wrongAnswer
	if got.StatusCode != e.Status {
		wrong.add("status %d, expected %d", got.StatusCode, e.Status)
	}
	if err := e.answer.compareHeaders(got.Header, known, &wrong); err != nil {
		return nil, err
	}
	if err := e.answer.body.compare(body, known, &wrong); err != nil {
		return nil, err
	}
	if len(wrong.differences) > 0 {
		return nil, wrong
	}
	return known, nil
}

func (w *wrongAnswer) add(format string, args ...any) {
	w.differences = append(w.differences, fmt.Sprintf(format, args...))
}

// host is what a request is sent to when it has no Host line.
const host = "localhost"

func (q request) make(ctx context.Context, method string, known values) (*http.Request, error) {
	target, err := q.target.fill(known, escapeURL)
	if err != nil {
		return nil, err
	}
	body := q.body.raw
	if body == nil && len(q.body.text) > 0 {
		text, err := q.body.text.fill(known, escapeJSON)
		if err != nil {
			return nil, err
		}
		body = []byte(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+host+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.RemoteAddr = target, "192.0.2.1:1234" // RFC 5737
	if !q.body.empty() {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range q.headers {
		r.Header.Del(h.name)
	}
	for _, h := range q.headers {
		value, err := h.value.fill(known, verbatim)
		switch {
		case err != nil:
			return nil, err
		case h.absent:
		case strings.EqualFold(h.name, "Host"):
			r.Host = value
		default:
			r.Header.Add(h.name, value)
		}
	}
	return r, nil
}

// escapeURL escapes for a path, or for a query once it has begun.
func escapeURL(before, value string) string {
	if strings.Contains(before, "?") {
		return url.QueryEscape(value)
	}
	return url.PathEscape(value)
}

// escapeJSON escapes within a JSON string: after an odd number of quotes.
func escapeJSON(before, value string) string {
	inString := false
	for i := 0; i < len(before); i++ {
		switch before[i] {
		case '\\':
			i++
		case '"':
			inString = !inString
		}
	}
	if !inString {
		return value
	}
	return escape(value)
}

// compareHeaders compares the headers that are named, each with all its lines.
func (a answer) compareHeaders(got http.Header, known values, wrong *wrongAnswer) error {
	seen := map[string]bool{}
	for _, h := range a.headers {
		name := http.CanonicalHeaderKey(h.name)
		if seen[name] {
			continue
		}
		seen[name] = true
		var want []text
		for _, other := range a.headers {
			if strings.EqualFold(other.name, name) && !other.absent {
				want = append(want, other.value)
			}
		}
		same := len(want) == len(got[name])
		for i := 0; same && i < len(want); i++ {
			var err error
			if same, err = want[i].match(got[name][i], known); err != nil {
				return err
			}
		}
		if !same {
			wrong.add("%s: %s, expected %s", name, list(got[name]), list(want))
		}
	}
	return nil
}

func list[T any](lines []T) string {
	if len(lines) == 0 {
		return "<absent>"
	}
	var words []string
	for _, line := range lines {
		words = append(words, fmt.Sprintf("%q", fmt.Sprint(line)))
	}
	return strings.Join(words, ", ")
}

func (x expected) compare(got []byte, known values, wrong *wrongAnswer) error {
	switch {
	case x.any:
	case x.json != nil:
		value, err := parseGot(got)
		if err != nil {
			wrong.add("body is %v%s", err, diff(x.json.lines(), strings.Split(string(got), "\n")))
			return nil
		}
		filled, same, err := x.json.match(value, known)
		if err != nil {
			return err
		}
		if !same {
			wrong.add("body%s", diff(filled.lines(), value.lines()))
		}
	case x.text != nil:
		line := strings.TrimSuffix(string(got), "\n")
		same, err := x.text.match(line, known)
		if err != nil {
			return err
		}
		if !same {
			wrong.add("body%s", diff(strings.Split(x.text.String(), "\n"), strings.Split(line, "\n")))
		}
	case !bytes.Equal(got, x.raw):
		if len(x.raw) == 0 {
			wrong.add("body%s", diff(nil, shown(got)))
		} else {
			wrong.add("body %.1000q, expected %.1000q", got, x.raw)
		}
	}
	return nil
}

// shown is a body over lines, as JSON if it is any.
func shown(body []byte) []string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") == nil {
		body = b.Bytes()
	}
	return strings.Split(string(body), "\n")
}
