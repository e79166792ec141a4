package lambdastream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"charter/pkg/lambdastream"
)

func TestMain(m *testing.M) {
	if os.Getenv("SERVE") == "yes" { // as TestServe's child
		lambdastream.Serve("LetterId", func(context.Context, string) error { return errors.New("refused") })
	}
	os.Exit(m.Run())
}

// captureLog gives what is logged until the test ends.
func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	was, log := slog.Default(), new(bytes.Buffer)
	slog.SetDefault(slog.New(slog.NewJSONHandler(log, nil)))
	t.Cleanup(func() { slog.SetDefault(was) })
	return log
}

// calls counts, for each value.
type calls struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *calls) count(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[value]++
}

// batch is the event of n new letters; letter 1 has sequence number 1001.
func batch(t *testing.T, n int) []byte {
	t.Helper()
	var e events.DynamoDBEvent
	for i := range n {
		e.Records = append(e.Records, events.DynamoDBEventRecord{
			EventName: "INSERT",
			Change: events.DynamoDBStreamRecord{
				NewImage: map[string]events.DynamoDBAttributeValue{
					"LetterId": events.NewStringAttribute(fmt.Sprint("letter ", i+1)),
					"To":       events.NewStringAttribute("ada@example.com"),
				},
				SequenceNumber: fmt.Sprint(1001 + i),
			},
		})
	}
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func invoke(t *testing.T, ctx context.Context, payload []byte, each lambdastream.Each) string {
	t.Helper()
	answer, err := lambdastream.Handler("LetterId", each).Invoke(ctx, payload)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func TestEvent(t *testing.T) {
	captureLog(t)
	payload, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	var c calls
	answer := invoke(t, t.Context(), payload, func(_ context.Context, value string) error {
		c.count(value)
		return nil
	})
	if answer != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s", answer)
	}
	if got := fmt.Sprint(c.counts); got != "map[ordered:1 ordered again:1]" {
		t.Errorf("calls %s", got)
	}
	if answer := invoke(t, t.Context(), []byte(`{"Records":[]}`), nil); answer != `{"batchItemFailures":[]}` {
		t.Errorf("an empty batch: %s", answer)
	}
}

func TestNoEvent(t *testing.T) {
	for _, payload := range []string{
		"", "[]", `{"Records":"ada@example.com"}`, `{"Records":[{"dynamodb":{"NewImage":{"To":{"S":1}}}}]}`,
	} {
		_, err := lambdastream.Handler("LetterId", nil).Invoke(t.Context(), []byte(payload))
		if err == nil || strings.Contains(err.Error(), "ada") {
			t.Errorf("%s: %v, want an error that does not quote it", payload, err)
		}
	}
}

// One poison among a hundred, and the batch delivered five times.
func TestPoison(t *testing.T) {
	log := captureLog(t)
	var done, tried calls
	each := func(_ context.Context, value string) error {
		tried.count(value)
		if value == "letter 42" {
			return errors.New("poison letter")
		}
		done.count(value)
		return nil
	}
	for time := range 5 {
		if answer := invoke(t, t.Context(), batch(t, 100), each); answer != `{"batchItemFailures":[{"itemIdentifier":"1042"}]}` {
			t.Errorf("delivery %d: %s", time, answer)
		}
	}
	if len(done.counts) != 99 || len(tried.counts) != 100 {
		t.Errorf("%d done, %d tried", len(done.counts), len(tried.counts))
	}
	for value, n := range tried.counts {
		if n != 5 {
			t.Errorf("%s: %d calls in five deliveries", value, n)
		}
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	const failed = `"msg":"record failed","sequenceNumber":"1042","error":"poison letter"}`
	if len(lines) != 500 || strings.Count(log.String(), failed) != 5 {
		t.Errorf("%d lines, the last %s", len(lines), lines[len(lines)-1])
	}
	if strings.Contains(log.String(), "ada@example.com") || strings.Contains(log.String(), "letter 1") {
		t.Error("the log quotes records")
	}
}

// A hundred records of two values are two calls, and fail by value.
//
// Tried with the control that it must catch: without add there were a hundred.
func TestOneCallAValue(t *testing.T) {
	captureLog(t)
	var e events.DynamoDBEvent
	for i := range 100 {
		e.Records = append(e.Records, events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{
			NewImage:       map[string]events.DynamoDBAttributeValue{"LetterId": events.NewStringAttribute(fmt.Sprint("value ", i%50/49))},
			SequenceNumber: fmt.Sprint(1001 + i),
		}})
	}
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var c calls
	answer := invoke(t, t.Context(), payload, func(_ context.Context, value string) error {
		c.count(value)
		if value == "value 1" {
			return errors.New("refused")
		}
		return nil
	})
	if answer != `{"batchItemFailures":[{"itemIdentifier":"1050"},{"itemIdentifier":"1100"}]}` {
		t.Errorf("answer %s", answer)
	}
	if got := fmt.Sprint(c.counts); got != "map[value 0:1 value 1:1]" {
		t.Errorf("calls %s", got)
	}
}

func TestPanic(t *testing.T) {
	log := captureLog(t)
	var nobody *calls
	answer := invoke(t, t.Context(), batch(t, 5), func(_ context.Context, value string) error {
		switch value {
		case "letter 2":
			panic("ada@example.com")
		case "letter 4":
			nobody.count(value)
		}
		return nil
	})
	if answer != `{"batchItemFailures":[{"itemIdentifier":"1002"},{"itemIdentifier":"1004"}]}` {
		t.Errorf("answer %s", answer)
	}
	const place = "panic in charter/pkg/lambdastream_test.TestPanic.func1:"
	if strings.Contains(log.String(), "ada@") || strings.Count(log.String(), "panic in ") != 2 ||
		!strings.Contains(log.String(), place) {
		t.Errorf("log %s", log)
	}
}

func TestAtMostEightAtOnce(t *testing.T) {
	captureLog(t)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		add := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			running += n
			most = max(most, running)
		}
		invoke(t, t.Context(), batch(t, 100), func(context.Context, string) error {
			add(1)
			defer add(-1)
			time.Sleep(time.Second)
			return nil
		})
		if most != 8 {
			t.Errorf("%d at once, want 8", most)
		}
	})
}

// identifiers lists what a batch of n reports when the records after the first done fail.
func identifiers(done, n int) string {
	var failed []string
	for i := done; i < n; i++ {
		failed = append(failed, fmt.Sprintf(`{"itemIdentifier":"%d"}`, 1001+i))
	}
	return `{"batchItemFailures":[` + strings.Join(failed, ",") + `]}`
}

// Time is up in the middle of a batch: what ended is done, the rest comes again,
// and the answer is early enough.
func TestDeadline(t *testing.T) {
	for name, c := range map[string]struct {
		timeout time.Duration
		takes   func(ctx context.Context) // one call
		done    int
		within  time.Duration
	}{
		"calls heed their context":    {30 * time.Second, wait(10 * time.Second), 16, 26 * time.Second},
		"calls do not":                {30 * time.Second, sleep(10 * time.Second), 16, 28 * time.Second},
		"little time keeps a quarter": {4 * time.Second, wait(2 * time.Second), 8, 3 * time.Second},
		"no time at all":              {0, wait(0), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			captureLog(t)
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
				defer cancel()
				begin := time.Now()
				answer := invoke(t, ctx, batch(t, 40), func(ctx context.Context, _ string) error {
					c.takes(ctx)
					return ctx.Err()
				})
				if want := identifiers(c.done, 40); answer != want {
					t.Errorf("answer %s, want %s", answer, want)
				}
				if passed := time.Since(begin); passed != c.within {
					t.Errorf("answered after %s, want %s", passed, c.within)
				}
				time.Sleep(time.Minute) // calls that outlived the answer end
			})
		})
	}
}

func wait(d time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
}

func sleep(d time.Duration) func(context.Context) { return func(context.Context) { time.Sleep(d) } }

// Serve speaks to the Lambda runtime API: one event in, one answer out.
func TestServe(t *testing.T) {
	payload := batch(t, 2)
	answered := make(chan string, 2)
	next := make(chan []byte, 1)
	next <- payload
	runtime := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			answered <- fmt.Sprint(r.URL.Path, " ", string(body), " ", err)
			w.WriteHeader(http.StatusAccepted)
			return
		}
		select {
		case event := <-next:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request-1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Hour).UnixMilli()))
			w.Write(event)
		case <-r.Context().Done():
		}
	}))
	defer runtime.Close()

	var stdout bytes.Buffer
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), "SERVE=yes", "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(runtime.URL, "http://"))
	child.Stdout = &stdout
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		answered <- fmt.Sprint("the function ended: ", child.Wait())
	}()
	got := <-answered
	child.Process.Kill()
	<-ended

	if want := "/2018-06-01/runtime/invocation/request-1/response " + identifiers(0, 2) + " <nil>"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	const logged = `"msg":"record failed","sequenceNumber":"1001","error":"refused"}`
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if !slices.ContainsFunc(lines, func(line string) bool {
		return json.Valid([]byte(line)) && strings.HasSuffix(line, logged)
	}) {
		t.Errorf("log %q", lines)
	}
}

// Records of one value are one call, and fail together.
func TestOneValueIsOneCall(t *testing.T) {
	captureLog(t)
	const record = `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"%d","NewImage":{"LetterId":{"S":"%s"}}}}`
	payload := fmt.Sprintf(`{"Records":[`+record+`,`+record+`,`+record+`,`+record+`]}`, 1, "a", 2, "b", 3, "a", 4, "b")
	var c calls
	answer := invoke(t, t.Context(), []byte(payload), func(_ context.Context, value string) error {
		c.count(value)
		if value == "a" {
			return errors.New("not now")
		}
		return nil
	})
	if want := `{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"3"}]}`; answer != want || fmt.Sprint(c.counts) != "map[a:1 b:1]" {
		t.Errorf("answer %s, calls %v", answer, c.counts)
	}
}
