package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"charter/pkg/local/dynamo"
)

// engine is what keeps a test's table.
type engine interface {
	// Transport leads to it.
	Transport() http.RoundTripper
	// Inject is as dynamo.Engine has it.
	Inject(decide func(op string, n int) error)
}

// apart is the tests that stay with the embedded engine when the others run on
// DynamoDB Local, and why.
var apart = map[string]string{
	"TestLettersAreListedLate": "an index of DynamoDB Local never lags",
}

// dynamoDBLocal is the address of Amazon's DynamoDB Local (host and port), on
// which the tests of this package then run; "" where they run on the embedded
// engine.
var dynamoDBLocal = func() string {
	at, err := url.Parse(os.Getenv("DYNAMODB_LOCAL"))
	if err != nil {
		panic(err)
	}
	return at.Host
}()

// onDynamoDBLocal says whether the test runs there.
func onDynamoDBLocal(t testing.TB) bool {
	if dynamoDBLocal == "" {
		return false
	}
	name, _, _ := strings.Cut(t.Name(), "/")
	_, embedded := apart[name]
	return !embedded
}

// The tests run on the engine that they are said to run on. Caught: an
// onDynamoDBLocal that says no.
func TestEngine(t *testing.T) {
	d := open(t)
	out, err := d.Client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &d.Name})
	if err != nil {
		t.Fatal(err)
	}
	if arn := *out.Table.TableArn; strings.HasPrefix(arn, "arn:aws:dynamodb:ddblocal:") != (os.Getenv("DYNAMODB_LOCAL") != "") {
		t.Errorf("the table is %s", arn)
	}
}

// amazons is the engine that Amazon ships. Of itself it never fails: the faults
// that a test wants are answered in its stead.
type amazons struct {
	mu     sync.Mutex
	decide func(op string, n int) error
	calls  map[string]int
}

func (a *amazons) Transport() http.RoundTripper { return a }

func (a *amazons) Inject(decide func(op string, n int) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.decide, a.calls = decide, map[string]int{}
}

func (a *amazons) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	fault := a.strike(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810."))
	if fault == nil {
		return carry(r)
	}
	if fault == dynamo.ErrShort && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchGetItem") {
		return short(r)
	}
	broken, err := dynamo.Open("")
	if err != nil {
		return nil, err
	}
	defer broken.Close()
	broken.Inject(func(string, int) error { return fault })
	return broken.Transport().RoundTrip(r)
}

func (a *amazons) strike(op string) error {
	a.mu.Lock()
	decide := a.decide
	if decide == nil {
		a.mu.Unlock()
		return nil
	}
	a.calls[op]++
	n := a.calls[op]
	a.mu.Unlock()
	return decide(op, n)
}

// short asks for the first key of a batch alone.
func short(r *http.Request) (*http.Response, error) {
	type batch map[string]struct {
		Keys           []json.RawMessage
		ConsistentRead bool
	}
	var in struct{ RequestItems batch }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	rest := batch{}
	for name, of := range in.RequestItems {
		left := of
		of.Keys, left.Keys = of.Keys[:1], of.Keys[1:]
		if in.RequestItems[name] = of; len(left.Keys) > 0 {
			rest[name] = left
		}
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer, err := carry(r)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		return nil, err
	}
	out["UnprocessedKeys"] = rest
	if body, err = json.Marshal(out); err != nil {
		return nil, err
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer.Header = http.Header{"Content-Type": answer.Header["Content-Type"]} // no checksum of another body
	return answer, nil
}

// line is a connection to DynamoDB Local. http.Transport is not for bubbles: it
// leaves goroutines with its connections, which wait for the network, and where
// anybody waits for that no time passes.
type line struct {
	net.Conn
	answers *bufio.Reader
}

// idle are the lines that nobody uses.
var idle struct {
	sync.Mutex
	lines []line
}

// carry makes a call of DynamoDB Local, which hangs up on whoever is silent for half
// a minute: a line without any answer is not the last one that is tried.
func carry(r *http.Request) (*http.Response, error) {
	var call bytes.Buffer
	if err := r.Write(&call); err != nil {
		return nil, err
	}
	for {
		l, fresh, err := pick()
		if err != nil {
			return nil, err
		}
		_, err = l.Write(call.Bytes())
		if err == nil {
			_, err = l.answers.Peek(1)
		}
		if err != nil {
			if l.Close(); fresh {
				return nil, err
			}
			continue
		}
		answer, err := http.ReadResponse(l.answers, r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return nil, err
		}
		answer.Body = io.NopCloser(bytes.NewReader(body))
		idle.Lock()
		idle.lines = append(idle.lines, l)
		idle.Unlock()
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return answer, nil
	}
}

func pick() (l line, fresh bool, err error) {
	idle.Lock()
	defer idle.Unlock()
	if n := len(idle.lines); n > 0 {
		l, idle.lines = idle.lines[n-1], idle.lines[:n-1]
		return l, false, nil
	}
	conn, err := net.Dial("tcp", dynamoDBLocal)
	if err != nil {
		return line{}, false, err
	}
	return line{conn, bufio.NewReader(conn)}, true, nil
}
