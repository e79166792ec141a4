package calls

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Request is one request to AWS.
type Request struct {
	Operation   string        // of DynamoDB; "" for SES
	Body        []byte        // as the function sent it
	Answer      []byte        // as the function got it
	Begun       time.Duration // since the call began
	Read, Write float64       // capacity units
	Refused     bool          // a condition failed, or more; the units of that are not told
}

// recorder is a function's way to the world, and remembers what went over it.
type recorder struct {
	world *World
	start time.Time

	mu       sync.Mutex
	under    int        // way now
	ended    *sync.Cond // one of them
	requests []Request
}

func newRecorder(w *World) *recorder {
	c := &recorder{world: w, start: time.Now()}
	c.ended = sync.NewCond(&c.mu)
	return c
}

// all are the requests that were made. An answer may come before a request has
// ended that was made beside another, and was not needed.
func (c *recorder) all() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.under > 0 {
		c.ended.Wait()
	}
	return slices.Clone(c.requests)
}

func (c *recorder) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.under += n
	c.ended.Broadcast()
}

func (c *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	c.count(1)
	defer c.count(-1)
	out := Request{Begun: time.Since(c.start)}
	time.Sleep(c.world.Trip)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	out.Body = body
	if out.Operation = Operation(r); out.Operation != "" {
		return c.askTable(r, out)
	}
	return c.ask(r, c.world.letters.Transport(), out, body)
}

// Operation is what a request asks of DynamoDB, "" for one to SES.
func Operation(r *http.Request) string {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return operation
}

// askTable asks how many units the request uses up, too, which the function
// did not.
func (c *recorder) askTable(r *http.Request, out Request) (*http.Response, error) {
	var members map[string]any
	if err := json.Unmarshal(out.Body, &members); err != nil {
		return nil, err
	}
	members["ReturnConsumedCapacity"] = "TOTAL"
	body, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	return c.ask(r, c.world.table.Transport(), out, body)
}

func (c *recorder) ask(r *http.Request, of http.RoundTripper, out Request, body []byte) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer, err := of.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if out.Answer, err = io.ReadAll(answer.Body); err != nil {
		return nil, err
	}
	if out.Refused = answer.StatusCode != http.StatusOK; out.Operation != "" && !out.Refused {
		if err := out.count(); err != nil {
			return nil, err
		}
		answer.Header.Del("X-Amz-Crc32") // it was of the whole answer
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(out.Answer)), int64(len(out.Answer))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, out)
	return answer, nil
}

type consumed struct{ CapacityUnits float64 }

// count takes out of the answer what it says of units. Whether they were read
// or written is known from the operation: in a transaction of writes even the
// checks are charged as writes.
func (r *Request) count() error {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(r.Answer, &answer); err != nil {
		return err
	}
	told := answer["ConsumedCapacity"]
	if told == nil {
		return fmt.Errorf("%s tells no units: %s", r.Operation, r.Answer)
	}
	tables := []consumed{{}}
	if told[0] == '{' { // one table, not in a list
		told = slices.Concat([]byte("["), told, []byte("]"))
	}
	if err := json.Unmarshal(told, &tables); err != nil {
		return err
	}
	units := &r.Write
	switch r.Operation {
	case "GetItem", "BatchGetItem", "Query":
		units = &r.Read
	}
	for _, t := range tables {
		*units += t.CapacityUnits
	}
	delete(answer, "ConsumedCapacity")
	var err error
	r.Answer, err = json.Marshal(answer)
	return err
}
