package watch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"charter/pkg/local/watch"
)

// service answers every request by f, with a way to a table that answers as told.
type service struct {
	*watch.Watch
	log     bytes.Buffer
	handler http.Handler
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// ask asks the table.
type ask func(operation, body string) (string, error)

func newService(table roundTripper, f func(context.Context, *slog.Logger, ask)) *service {
	s := &service{Watch: &watch.Watch{Key: [2]string{"PK", "SK"}}}
	log := slog.New(watch.Logs(slog.NewTextHandler(&s.log, nil)))
	way := s.Transport(table)
	s.handler = s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f(r.Context(), log, func(operation, body string) (string, error) {
			out, err := http.NewRequestWithContext(r.Context(), "POST", "http://table.localhost/", strings.NewReader(body))
			if err != nil {
				return "", err
			}
			out.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
			answer, err := way.RoundTrip(out)
			if err != nil {
				return "", err
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			return string(text), err
		})
		w.Header().Set("X-Amzn-Requestid", r.URL.Query().Get("id"))
		w.WriteHeader(http.StatusTeapot)
	}))
	return s
}

func (s *service) send(method, target string) {
	s.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, target, strings.NewReader("hidden-body")))
}

func answer(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// Tried with the control that it must catch: a watch that kept the query of a
// path as well.
func TestRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		s := newService(func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			sent = append(sent, string(body))
			time.Sleep(3 * time.Millisecond)
			return answer(200, "found")
		}, func(ctx context.Context, log *slog.Logger, ask ask) {
			time.Sleep(time.Millisecond)
			log.With("a", 1).WithGroup("g").WarnContext(ctx, "spoke", "b", "two", slog.Group("h", "c", true))
			log.Info("of nobody")
			if got, err := ask("Query", `{"KeyConditionExpression":"#p = :pk AND begins_with(SK, :sk)","IndexName":"byDue",`+
				`"ExpressionAttributeNames":{"#p":"DuePK"},"ExpressionAttributeValues":{":pk":{"S":"DUE"},":sk":{"S":"x\u0001"}}}`); got != "found" || err != nil {
				t.Errorf("asked, and got %s, %v", got, err)
			}
		})
		began := time.Now()
		s.send("PUT", "/x%2Fy/eyJhbGciOiJFUzI1NiIs.eyJzdWIiOiJrcF8wMW.c2lnbmF0dXJl?id=7&q=hidden-query")
		want := []watch.Request{{ID: "7", Method: "PUT", Path: "/x%2Fy/[token]", Began: began, Took: 4 * time.Millisecond, Status: 418,
			Lines: []watch.Line{{At: time.Millisecond, Level: slog.LevelWarn, Message: "spoke",
				Attributes: []watch.Attribute{{Name: "a", Value: "1"}, {Name: "g.b", Value: "two"}, {Name: "g.h.c", Value: "true"}}}},
			Calls: []watch.Call{{Table: true, Operation: "Query", Began: time.Millisecond, Took: 3 * time.Millisecond,
				Parts: []watch.Part{{Verb: "Query", Where: "DuePK = DUE AND begins_with(SK, x\x01) in byDue"}}}},
		}}
		if got := s.Requests(); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if len(sent) != 1 || !strings.Contains(sent[0], "KeyCondition") {
			t.Errorf("the table got %s", sent)
		}
		if log := s.log.String(); !strings.Contains(log, "g.h.c=true") || !strings.Contains(log, "of nobody") {
			t.Errorf("the log says %s", log)
		}
		if got := fmt.Sprintf("%+v", s.Requests()); strings.Contains(got, "hidden") {
			t.Errorf("it keeps what was hidden: %s", got)
		}
		trips, waited := want[0].Table()
		if found, ok := s.Request("7"); !ok || found.ID != "7" || trips != 1 || waited != 3*time.Millisecond {
			t.Errorf("%v, %v, %d trips, %v", found, ok, trips, waited)
		}
		if _, ok := s.Request(""); ok {
			t.Error("it finds a request without an id")
		}
	})
}

func TestParts(t *testing.T) {
	key := func(pk string) string { return `{"PK":{"S":"` + pk + `"},"SK":{"N":"1"}}` }
	for _, c := range []struct {
		operation, body string
		status          int
		answer          string
		failure         string
		parts           string
	}{
		{"GetItem", `{"Key":` + key("A") + `}`, 200, "", "", "Get A/1;"},
		{"PutItem", `{"Item":{"PK":{"S":"A"},"SK":{"N":"1"},"Password":{"S":"hidden"}}}`, 200, "", "", "Put A/1;"},
		{"UpdateItem", `{"Key":` + key("A") + `}`, 500, "", "Internal Server Error", "Update A/1;"},
		{"BatchGetItem", `{"RequestItems":{"t":{"Keys":[` + key("A") + `,` + key("B") + `]}}}`, 200, "", "", "Get A/1;Get B/1;"},
		{"BatchWriteItem", `{"RequestItems":{"t":[{"PutRequest":{"Item":` + key("A") + `}},{"DeleteRequest":{"Key":` + key("B") + `}}]}}`, 200, "", "",
			"Put A/1;Delete B/1;"},
		{"TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"Key":` + key("A") + `}},{"Put":{"Item":` + key("B") + `}}]}`, 400,
			`{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"ConditionalCheckFailed"},{"Code":"None"}]}`,
			"TransactionCanceledException", "Check A/1 ConditionalCheckFailed;Put B/1;"},
		{"DescribeTable", `{}`, 200, "", "", ""},
		{"GetItem", `nonsense`, 400, "nonsense", "Bad Request", ""},
		{"GetItem", `{"Key":` + key("A") + `}`, 0, "", "no answer", "Get A/1;"},
	} {
		s := newService(func(*http.Request) (*http.Response, error) {
			if c.status == 0 {
				return nil, errors.New("the connection ended")
			}
			return answer(c.status, c.answer)
		}, func(_ context.Context, _ *slog.Logger, ask ask) {
			if got, err := ask(c.operation, c.body); got != c.answer || (err != nil) != (c.status == 0) {
				t.Errorf("%s: the function got %q, %v", c.operation, got, err)
			}
		})
		s.send("GET", "/")
		call := s.Requests()[0].Calls[0]
		parts := ""
		for _, p := range call.Parts {
			parts += strings.TrimSpace(p.Verb+" "+p.PK+"/"+p.SK+" "+p.Reason) + ";"
		}
		if call.Failure != c.failure || parts != c.parts {
			t.Errorf("%s: failure %q, parts %s; want %q, %s", c.operation, call.Failure, parts, c.failure, c.parts)
		}
	}
}

// The time in which two calls wait together counts once.
func TestTable(t *testing.T) {
	at := func(began, took int) watch.Call {
		return watch.Call{Table: true, Began: time.Duration(began), Took: time.Duration(took)}
	}
	r := watch.Request{Calls: []watch.Call{at(1, 5), at(2, 2), {Operation: "keys.example", Began: 3, Took: 100}, at(4, 6), at(20, 1)}}
	if trips, waited := r.Table(); trips != 4 || waited != 10 {
		t.Errorf("%d trips, waited %d", trips, waited)
	}
}

// Only so much is kept, whoever asks for how much at once.
func TestKept(t *testing.T) {
	s := newService(func(*http.Request) (*http.Response, error) { return answer(200, "") },
		func(ctx context.Context, log *slog.Logger, ask ask) {
			for range 300 {
				log.InfoContext(ctx, strings.Repeat("x", 9000))
				ask("GetItem", "{}")
			}
		})
	s.send("GET", "/"+strings.Repeat("y", 9000))
	r := s.Requests()[0]
	if len(r.Lines) != 100 || len(r.Calls) != 200 || len(r.Path) > 9<<10 || len(r.Lines[0].Message) > 9<<10 {
		t.Errorf("%d lines of %d bytes, %d calls, a path of %d", len(r.Lines), len(r.Lines[0].Message), len(r.Calls), len(r.Path))
	}
	quiet := newService(nil, func(context.Context, *slog.Logger, ask) {})
	var all sync.WaitGroup
	for n := range watch.Kept + 50 {
		all.Go(func() { quiet.send("GET", fmt.Sprint("/", n)) })
	}
	all.Wait()
	quiet.send("GET", "/last")
	if got := quiet.Requests(); len(got) != watch.Kept || got[0].Path != "/last" {
		t.Errorf("%d requests, the newest %s", len(got), got[0].Path)
	}
}

// What a function does that was left behind is of no request.
func TestLate(t *testing.T) {
	late := make(chan func())
	s := newService(func(*http.Request) (*http.Response, error) { return answer(200, "") },
		func(ctx context.Context, log *slog.Logger, ask ask) {
			go func() { late <- func() { log.InfoContext(ctx, "late"); ask("GetItem", "{}") } }()
		})
	s.send("GET", "/")
	(<-late)()
	if r := s.Requests()[0]; len(r.Lines)+len(r.Calls) != 0 {
		t.Errorf("%+v", r)
	}
}
