// Package breakage stands before a stand-in and breaks calls, for tests.
//
// A [Way] is the http.RoundTripper that leads to the stand-in. It names each
// call by its operation and its number, and asks what is to become of it: a
// [Fault], which says whether the service gets to see the call and whether its
// answer comes back. So a test can fail call number k before or after its
// commit, with an error of AWS's or with a connection that ends, for once or
// until it is mended. No code that is deployed knows of it.
package breakage

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Call is one call on its way. Retries are calls of their own.
type Call struct {
	Operation string // such as "TransactWriteItems" or "SendEmail"
	N         int    // its number among the calls of this operation since Break, from one
}

// Way leads calls to a service. It is safe for concurrent use.
type Way struct {
	Next http.RoundTripper

	mu     sync.Mutex
	decide func(Call) Fault
	calls  []Call
	counts map[string]int
}

// Break has decide say from now on what becomes of each call; nil lets them
// all pass. Counting begins anew. decide may be called by many goroutines at once.
func (w *Way) Break(decide func(Call) Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.decide, w.calls, w.counts = decide, nil, map[string]int{}
}

// Calls are those since Break, in the order in which they came.
func (w *Way) Calls() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Call{}, w.calls...)
}

// Every breaks all calls.
func Every(f Fault) func(Call) Fault { return func(Call) Fault { return f } }

// Once breaks one call.
func Once(c Call, f Fault) func(Call) Fault {
	return func(other Call) Fault {
		if other != c {
			return nil
		}
		return f
	}
}

// From breaks the call and all later ones of its operation.
func From(c Call, f Fault) func(Call) Fault {
	return func(other Call) Fault {
		if other.Operation != c.Operation || other.N < c.N {
			return nil
		}
		return f
	}
}

// RoundTrip implements http.RoundTripper.
func (w *Way) RoundTrip(r *http.Request) (*http.Response, error) {
	operation, err := operationOf(r)
	if err != nil {
		return nil, err
	}
	send := func() (*http.Response, error) { return w.Next.RoundTrip(r) }
	if fault := w.note(operation); fault != nil {
		return fault(r, send)
	}
	return send()
}

func (w *Way) note(operation string) Fault {
	w.mu.Lock()
	if w.counts == nil {
		w.counts = map[string]int{}
	}
	w.counts[operation]++
	c, decide := Call{operation, w.counts[operation]}, w.decide
	w.calls = append(w.calls, c)
	w.mu.Unlock()
	if decide == nil {
		return nil
	}
	return decide(c)
}

// operationOf reads it where the protocol has it: DynamoDB's in a header, that
// of the Query protocol, which SES speaks, in the form.
func operationOf(r *http.Request) (string, error) {
	if _, operation, found := strings.Cut(r.Header.Get("X-Amz-Target"), "."); found {
		return operation, nil
	}
	if r.Body == nil {
		return "", nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	r.Body.Close()
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	form, err := url.ParseQuery(string(body))
	return form.Get("Action"), err
}

// Fault is what becomes of a call, which send passes on.
type Fault func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error)

// Reset ends the connection. The service has not seen the call.
func Reset(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

// Silence gives no answer for as long as somebody waits. The service has not
// seen the call.
func Silence(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// Refused answers with an error of AWS's, in the words of the call's protocol.
func Refused(status int, code string) Fault {
	return func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		var body []byte
		var err error
		contentType := "application/x-amz-json-1.0"
		if r.Header.Get("X-Amz-Target") != "" {
			body, err = json.Marshal(map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + code, "message": "Broken by a test."})
		} else {
			contentType = "text/xml"
			body, err = xml.Marshal(errorResponse{Type: "Receiver", Code: code, Message: "Broken by a test."})
		}
		if err != nil {
			return nil, err
		}
		return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Content-Type": {contentType}}, ContentLength: int64(len(body)),
			Body: io.NopCloser(strings.NewReader(string(body)))}, nil
	}
}

type errorResponse struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
}

// Late lets the service do what the call asks for, loses its answer, and then
// does as f.
func Late(f Fault) Fault {
	return func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		answer, err := send()
		if err != nil {
			return nil, err
		}
		answer.Body.Close()
		return f(r, send)
	}
}

// Delayed waits before it does as f, or with nil passes the call on.
func Delayed(d time.Duration, f Fault) Fault {
	return func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		if f == nil {
			return send()
		}
		return f(r, send)
	}
}

// Panic panics with the value, in the goroutine that makes the call.
func Panic(value any) Fault {
	return func(*http.Request, func() (*http.Response, error)) (*http.Response, error) { panic(value) }
}
