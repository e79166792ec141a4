package dynamo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/local/dynamo"
)

// tell prints a record in a word: INSERT a:->1.
func tell(r dynamo.Record) string {
	v := func(it dynamo.Item) string {
		if it == nil {
			return ""
		}
		return it.Text("v")
	}
	return fmt.Sprintf("%s %s:%s>%s", r.EventName, r.Keys.Text("sk"), v(r.OldImage), v(r.NewImage))
}

// follow runs a subscription until it has delivered what makes enough true, and gives all calls of it.
func follow(t *testing.T, e *dynamo.Engine, s dynamo.Subscription, enough func(calls []string) bool) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls []string
	deliver := s.Deliver
	s.Deliver = func(ctx context.Context, records []dynamo.Record) ([]string, error) {
		var told []string
		for _, r := range records {
			told = append(told, tell(r))
		}
		calls = append(calls, strings.Join(told, ", "))
		var failed []string
		var err error
		if deliver != nil {
			failed, err = deliver(ctx, records)
		}
		if enough(calls) {
			cancel()
		}
		return failed, err
	}
	if s.Backoff == nil {
		s.Backoff = func(int) time.Duration { return 0 }
	}
	if err := e.Subscribe(ctx, s); !errors.Is(err, context.Canceled) {
		t.Fatalf("the subscription ended with %v", err)
	}
	return calls
}

func atLeast(n int) func([]string) bool { return func(calls []string) bool { return len(calls) >= n } }

func (c *checker) set(sk, v string) error { return c.put(sk, attributes{"v": S(v)}) }

func (c *checker) remove(sk string) error {
	_, err := c.db.DeleteItem(c.ctx, &dynamodb.DeleteItemInput{TableName: &c.table, Key: c.k(sk)})
	return err
}

func TestRecordsComeInTheOrderOfCommits(t *testing.T) {
	c, e := newTable(t)
	must(t, c.set("a", "1"), c.tx("", c.txUpd("a", "SET v = :v", "", attributes{":v": S("2")}), c.txPut("b", nil, "")))
	must(t, c.set("a", "2")) // the same again is no change
	must(t, c.remove("a"), c.remove("never there"))
	calls := follow(t, e, dynamo.Subscription{Table: c.table, Name: "all"}, atLeast(1))
	must(t, eq("records", calls[0], "INSERT a:>1, MODIFY a:1>2, INSERT b:>, REMOVE a:2>"))
}

func TestARecordIsALambdaEvent(t *testing.T) {
	c, e := newTable(t)
	e.Now = func() time.Time { return time.Unix(1_700_000_000, 5) }
	must(t, c.set("a", "1"), c.put("a", attributes{"v": S("2"), "n": N("1.50"), "l": L(B([]byte{1}), Null())}))
	var got events.DynamoDBEvent
	follow(t, e, dynamo.Subscription{Table: c.table, Name: "json", Deliver: func(_ context.Context, records []dynamo.Record) ([]string, error) {
		data, err := json.Marshal(map[string]any{"Records": records})
		if err != nil {
			return nil, err
		}
		return nil, json.Unmarshal(data, &got)
	}}, atLeast(1))
	first, second := got.Records[0], got.Records[1]
	change := second.Change
	must(t,
		eq("name", second.EventName, "MODIFY"), eq("source", second.EventSource, "aws:dynamodb"), eq("version", second.EventVersion, "1.1"),
		eq("key", change.Keys["sk"].String(), "a"), eq("new", change.NewImage["v"].String(), "2"), eq("old", change.OldImage["v"].String(), "1"),
		eq("number", change.NewImage["n"].Number(), "1.5"), eq("list", fmt.Sprint(change.NewImage["l"].List()[0].Binary()), "[1]"),
		eq("view", change.StreamViewType, "NEW_AND_OLD_IMAGES"), eq("time", fmt.Sprint(change.ApproximateCreationDateTime.Unix()), "1700000000"))
	if first.EventID == second.EventID || first.Change.SequenceNumber >= change.SequenceNumber || change.SizeBytes == 0 ||
		!strings.Contains(second.EventSourceArn, ":table/table/stream/") || second.UserIdentity != nil || first.Change.OldImage != nil {
		t.Errorf("%+v", got)
	}
}

func fail(context.Context, []dynamo.Record) ([]string, error) { return nil, errors.New("not now") }

func TestASubscriptionResumesBehindItsCheckpoint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "table.db")
	e := open(t, file)
	c := tableOn(t, e)
	for i := range 5 {
		must(t, c.set(fmt.Sprint(i), "x"))
	}
	calls := follow(t, e, dynamo.Subscription{Table: c.table, Name: "mail", Batch: 2}, atLeast(2))
	must(t, eq("first", strings.Join(calls, " | "), "INSERT 0:>x, INSERT 1:>x | INSERT 2:>x, INSERT 3:>x"))
	must(t, e.Close())

	// What was not dealt with comes again.
	e = open(t, file)
	c.db = connect(t, e)
	must(t, c.set("5", "x"))
	for _, deliver := range []func(context.Context, []dynamo.Record) ([]string, error){fail, nil} {
		calls = follow(t, e, dynamo.Subscription{Table: c.table, Name: "mail", Deliver: deliver}, atLeast(1))
		must(t, eq("then", calls[0], "INSERT 4:>x, INSERT 5:>x"))
	}
}

func TestTheStreamForgetsWhatAllHaveSeen(t *testing.T) {
	c, e := newTable(t)
	must(t, c.set("a", "1"), c.set("b", "1"))
	follow(t, e, dynamo.Subscription{Table: c.table, Name: "one", Batch: 1}, atLeast(1))
	late := dynamo.Subscription{Table: c.table, Name: "late"}
	calls := follow(t, e, late, atLeast(1))
	must(t, eq("a latecomer gets what is left", calls[0], "INSERT b:>1"))
}

func TestTheStreamForgetsAfterADay(t *testing.T) {
	c, e := newTable(t)
	now := time.Unix(1_700_000_000, 0)
	e.Now = func() time.Time { return now }
	must(t, c.set("a", "1"))
	now = now.Add(23 * time.Hour)
	must(t, c.set("b", "1"))
	now = now.Add(2 * time.Hour)
	must(t, c.set("c", "1"))
	calls := follow(t, e, dynamo.Subscription{Table: c.table, Name: "late"}, atLeast(1))
	must(t, eq("records", calls[0], "INSERT b:>1, INSERT c:>1"))
}

func TestAFailedRecordComesAgainWithAllBehindIt(t *testing.T) {
	c, e := newTable(t)
	for _, sk := range []string{"a", "b", "c", "d"} {
		must(t, c.set(sk, ""))
	}
	tries := 0
	calls := follow(t, e, dynamo.Subscription{
		Table: c.table, Name: "partial",
		Deliver: func(_ context.Context, records []dynamo.Record) (failed []string, err error) {
			if tries++; tries == 1 {
				return []string{records[3].SequenceNumber, records[1].SequenceNumber}, nil
			}
			return nil, nil
		},
	}, atLeast(2))
	must(t, eq("calls", strings.Join(calls, " | "),
		"INSERT a:>, INSERT b:>, INSERT c:>, INSERT d:> | INSERT b:>, INSERT c:>, INSERT d:>"))
}

func TestARecordThatAlwaysFailsIsGivenUp(t *testing.T) {
	poison := func(records []dynamo.Record) int {
		for i, r := range records {
			if r.Keys.Text("sk") == "c" {
				return i
			}
		}
		return -1
	}
	for name, deliver := range map[string]func(context.Context, []dynamo.Record) ([]string, error){
		"reported": func(_ context.Context, records []dynamo.Record) ([]string, error) {
			if i := poison(records); i >= 0 {
				return []string{records[i].SequenceNumber}, nil
			}
			return nil, nil
		},
		"unknown number": func(_ context.Context, records []dynamo.Record) ([]string, error) {
			if poison(records) >= 0 {
				return []string{"42"}, nil
			}
			return nil, nil
		},
		"error": func(_ context.Context, records []dynamo.Record) ([]string, error) {
			if poison(records) >= 0 {
				return nil, errors.New("poison")
			}
			return nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, e := newTable(t)
			for _, sk := range []string{"a", "b", "c", "d", "e"} {
				must(t, c.set(sk, ""))
			}
			var given []string
			failures := 0
			seen := map[string]int{}
			follow(t, e, dynamo.Subscription{
				Table: c.table, Name: "poison", Attempts: 3,
				Deliver: func(ctx context.Context, records []dynamo.Record) ([]string, error) {
					failed, err := deliver(ctx, records)
					if failed == nil && err == nil {
						for _, r := range records {
							seen[r.Keys.Text("sk")]++
						}
					}
					return failed, err
				},
				GiveUp:  func(r dynamo.Record, err error) { given = append(given, tell(r)) },
				Backoff: func(n int) time.Duration { failures = max(failures, n); return 0 },
			}, func([]string) bool { return seen["e"] > 0 })
			must(t, eq("given up", strings.Join(given, ", "), "INSERT c:>"))
			if seen["d"] != 1 || seen["e"] != 1 || failures < 2 {
				t.Errorf("seen %v, %d failures in a row", seen, failures)
			}
		})
	}
}

func TestAFilterPassesOver(t *testing.T) {
	c, e := newTable(t)
	for i := range 600 {
		must(t, c.set(fmt.Sprintf("noise%03d", i), ""))
	}
	must(t, c.set("letter", ""))
	letters := dynamo.Subscription{
		Table: c.table, Name: "letters",
		Filter:  func(r dynamo.Record) bool { return strings.HasPrefix(r.Keys.Text("sk"), "letter") },
		Deliver: fail,
	}
	calls := follow(t, e, letters, atLeast(1))
	must(t, eq("letters", strings.Join(calls, " | "), "INSERT letter:>"))
	all := follow(t, e, dynamo.Subscription{Table: c.table, Name: "all", Batch: 1000}, atLeast(1))
	if n := strings.Count(all[0], "noise"); n > 256 {
		t.Errorf("%d records kept that were passed over", n)
	}
}

func TestASubscriptionWaitsForMore(t *testing.T) {
	c, e := newTable(t)
	ctx, cancel := context.WithCancel(t.Context())
	delivered := make(chan string)
	ended := make(chan error)
	go func() {
		ended <- e.Subscribe(ctx, dynamo.Subscription{Table: c.table, Name: "live", Deliver: func(_ context.Context, records []dynamo.Record) ([]string, error) {
			for _, r := range records {
				delivered <- tell(r)
			}
			return nil, nil
		}})
	}()
	for _, sk := range []string{"a", "b", "c"} {
		must(t, c.set(sk, ""), eq("record", <-delivered, "INSERT "+sk+":>"))
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestHowASubscriptionEnds(t *testing.T) {
	quiet := func(c *checker, name string) dynamo.Subscription {
		return dynamo.Subscription{Table: c.table, Name: name, Deliver: func(context.Context, []dynamo.Record) ([]string, error) { return nil, nil }}
	}
	for name, end := range map[string]func(*checker, *dynamo.Engine) error{
		"closed": func(_ *checker, e *dynamo.Engine) error { return e.Close() },
		"deleted": func(c *checker, _ *dynamo.Engine) error {
			_, err := c.db.DeleteTable(c.ctx, &dynamodb.DeleteTableInput{TableName: &c.table})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, e := newTable(t)
			ended := make(chan error)
			go func() { ended <- e.Subscribe(t.Context(), quiet(c, "x")) }()
			must(t, end(c, e))
			if err := <-ended; err == nil {
				t.Error("no reason")
			}
		})
	}
	c, e := newTable(t)
	if err := e.Subscribe(t.Context(), dynamo.Subscription{Table: c.numbers}); err == nil || !strings.Contains(err.Error(), "no stream") {
		t.Errorf("a table without a stream: %v", err)
	}
	if err := e.Subscribe(t.Context(), dynamo.Subscription{Table: "nope"}); err == nil {
		t.Error("no table")
	}
	// A name that is taken.
	must(t, c.set("a", ""))
	s := quiet(c, "taken")
	s.Deliver = func(context.Context, []dynamo.Record) ([]string, error) {
		if err := e.Subscribe(t.Context(), quiet(c, "taken")); err == nil || !strings.Contains(err.Error(), "already running") {
			t.Errorf("a name that is taken: %v", err)
		}
		return nil, nil
	}
	follow(t, e, s, atLeast(1))
}

func TestTheViewOfAStream(t *testing.T) {
	_, e := newTable(t)
	c := &checker{t.Context(), connect(t, e), "", "", "p", false}
	for view, want := range map[types.StreamViewType]string{
		types.StreamViewTypeKeysOnly: "MODIFY a:>", types.StreamViewTypeNewImage: "MODIFY a:>2", types.StreamViewTypeOldImage: "MODIFY a:1>",
	} {
		c.table = strings.ToLower(string(view))
		in := tableInput(c.table)
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: view}
		_, err := c.db.CreateTable(t.Context(), in)
		must(t, err, c.set("a", "1"), c.set("a", "2"))
		calls := follow(t, e, dynamo.Subscription{Table: c.table, Name: "view"}, atLeast(1))
		_, last, _ := strings.Cut(calls[0], ", ")
		must(t, eq(string(view), last, want))
	}
}

// TestNoRecordIsLostBetweenManyWriters: the stream of one item tells its whole story without a gap.
func TestNoRecordIsLostBetweenManyWriters(t *testing.T) {
	for _, file := range []string{"", filepath.Join(t.TempDir(), "table.db")} {
		e := open(t, file)
		c := tableOn(t, e)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					if _, err := c.update("n", "ADD n :i", "", nil, attributes{":i": N("1")}, ""); err != nil {
						t.Error(err)
					}
				}
			})
		}
		count, last := 0, ""
		follow(t, e, dynamo.Subscription{
			Table: c.table, Name: "story", Batch: 7,
			Deliver: func(_ context.Context, records []dynamo.Record) ([]string, error) {
				for _, r := range records {
					if count++; r.SequenceNumber <= last {
						t.Errorf("%s after %s", r.SequenceNumber, last)
					}
					last = r.SequenceNumber
					if data, _ := json.Marshal(r.NewImage); !strings.Contains(string(data), fmt.Sprintf(`{"N":"%d"}`, count)) {
						t.Errorf("record %d is %s", count, data)
					}
				}
				return nil, nil
			},
		}, func([]string) bool { return count == 80 })
		wg.Wait()
	}
}
