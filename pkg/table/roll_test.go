package table

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	"pgregory.net/rapid"

	"charter/pkg/caller"
	"charter/pkg/customer"
)

// small makes a roll do with a few associations what it does with thousands.
var small = scale{few: 8, fold: 5, loose: 12, sheet: 8}

// library is an organization whose associations are many, to the scale.
type library struct {
	*desk
	owner caller.Caller
	rows  []customer.Association
}

func newLibrary(d *desk) *library {
	d.scale, d.walked, d.Shelf = small, false, &Shelf{} // nobody is a member
	d.clock.pass(time.Second)                           // that no two organizations are of one moment
	n := d.clock.now.Load()
	_, owner := d.founded(fmt.Sprint("Library ", n), fmt.Sprintf("n%d@library.example", n))
	return &library{desk: d, owner: owner}
}

// link makes associations, with the log or, as if they were older, without it.
func (l *library) link(logged bool, keys ...string) {
	var writes []write
	for _, key := range keys {
		user, number := readKey(key)
		a := customer.Association{ID: l.ulid(), OrganizationID: l.owner.OrganizationID, UserID: user, Number: number, CreatedAt: l.Now()}
		l.clock.pass(time.Millisecond)
		l.rows = append(l.rows, a)
		writes = append(writes, l.put(associationItem(a)))
		if logged {
			writes = append(writes, l.put(logItem(a)))
		}
	}
	for some := range slices.Chunk(writes, 50) {
		l.raw(some...)
	}
}

// some are so many new pairs.
func (l *library) some(n int) (keys []string) {
	for range n {
		i := uint32(len(l.rows)+len(keys)) * 2654435761 >> 7 % 99991 // in no order, none twice
		keys = append(keys, fmt.Sprintf("kp_%05d\x01C-%05d", i/3, i*7919%99991))
	}
	return keys
}

// beside is the same library, seen by another process.
func (l *library) beside() *library {
	d, other := *l.desk, *l.Table
	d.wire = &wire{engine: l.engine.Transport()}
	other.Client = dynamodb.New(l.Client.Options(), func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: d.wire} })
	d.Table = &other
	return &library{desk: &d, owner: l.owner, rows: slices.Clip(l.rows)}
}

func (l *library) fold() error {
	return Roll{l.Table}.Fold(context.Background(), logPartition(l.owner.OrganizationID))
}

// sound checks what must hold of the roll at any moment.
func (l *library) sound() {
	l.t.Helper()
	s := survey{desk: l.desk, all: l.all()}
	k := rollKey(l.owner.OrganizationID)
	if i := s.all[k]; i != nil {
		s.roll(k, l.owner.OrganizationID, readRoll(i))
	}
}

// queries are of every kind: orders, ends, the middle, filters that name a
// range of either order and filters that name none.
func queries(t fataler) (all []customer.Query) {
	for _, raw := range []string{
		"pageSize=7", "pageSize=7&pageNumber=3&sortDirection=desc", "pageSize=200&sortOn=CustomerNumber", "pageNumber=9999",
		"pageSize=5&pageNumber=2&sortOn=CustomerNumber&sortDirection=desc", "pageSize=3&filters[0].field=UserId&filters[0].operator=contains&filters[0].value=3",
		"sortOn=CustomerNumber&filters[0].field=UserId&filters[0].operator=gt&filters[0].value=kp_2",
		"filters[0].field=CustomerNumber&filters[0].operator=startswith&filters[0].value=C-0",
		"pageSize=2&pageNumber=2&sortDirection=desc&filters[0].field=CustomerNumber&filters[0].operator=notcontains&filters[0].value=1",
		"filters[0].field=CustomerNumber&filters[0].operator=endswith&filters[0].value=7&filters[1].field=UserId&filters[1].operator=lte&filters[1].value=kp_3",
	} {
		v, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, query(t, v))
	}
	return all
}

// right checks lists of every kind.
func (l *library) right(t fataler) {
	for _, q := range queries(t) {
		l.matches(t, l.owner, l.rows, q)
	}
}

// killed folds in a process that is killed at its nth call: before the call is
// made or, with made, before it is answered. It reports whether it got so far.
func (l *library) killed(n int, made bool) (killed bool) {
	ctx, kill := context.WithCancel(context.Background())
	defer kill()
	var mu sync.Mutex
	calls := 0
	l.wire.set(func(_ call, send func() (*http.Response, error)) (*http.Response, error) {
		mu.Lock()
		calls++
		now := calls
		mu.Unlock()
		switch {
		case now < n:
			return send()
		case now == n && made:
			if answer, err := send(); err == nil {
				answer.Body.Close()
			}
		}
		kill()
		return nil, ctx.Err()
	})
	err := Roll{l.Table}.Fold(ctx, logPartition(l.owner.OrganizationID))
	l.wire.set(nil)
	if err != nil && calls < n {
		l.t.Fatal(err)
	}
	return calls >= n
}

// Whatever is linked, folded, merged, killed at any call, done twice or late,
// and whatever a warm function remembers: a list is that of all rows.
func TestRollProperties(t *testing.T) {
	t.Parallel()
	d := open(t)
	member := rapid.OneOf(rapid.StringOfN(rapid.SampledFrom(letters[:6]), 1, 2, -1), rapid.StringOfN(rapid.SampledFrom(letters), 1, 3, -1))
	rapid.Check(t, func(t *rapid.T) {
		l := newLibrary(d)
		l.scale.few = rapid.SampledFrom([]int{small.few, 1000}).Draw(t, "few")
		seen := map[string]bool{}
		draw := func(most int) (keys []string) {
			for range rapid.IntRange(1, most).Draw(t, "links") {
				key := member.Draw(t, "user") + sep + member.Draw(t, "number")
				if !seen[key] {
					seen[key] = true
					keys = append(keys, key)
				}
			}
			return keys
		}
		if rapid.Bool().Draw(t, "older") {
			l.link(false, draw(40)...)
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"link", "link", "link", "fold", "kill", "forget"}).Draw(t, "step") {
			case "link":
				l.link(true, draw(30)...)
			case "fold":
				if err := l.fold(); err != nil {
					t.Fatal(err)
				}
			case "kill":
				l.killed(rapid.IntRange(1, 40).Draw(t, "call"), rapid.Bool().Draw(t, "made"))
			case "forget":
				l.Shelf = &Shelf{}
			}
			q := drawQuery(t, rapid.SampledFrom(letters))
			// In the midst of the list, all that waits is folded, or some more is linked.
			at, writes := rapid.IntRange(0, 8).Draw(t, "call"), rapid.Bool().Draw(t, "writes")
			keys := draw(7)
			before := slices.Clone(l.rows)
			aside := l.beside()
			var mu sync.Mutex
			calls, after := 0, before
			l.wire.set(func(_ call, send func() (*http.Response, error)) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				if calls++; calls == at {
					if writes {
						aside.link(true, keys...)
						after = aside.rows
					}
					if err := aside.fold(); err != nil {
						return nil, err
					}
				}
				return send()
			})
			got, err := Register{l.Table}.Associations(context.Background(), l.owner, q)
			l.wire.set(nil)
			if err != nil {
				t.Fatal(err)
			}
			l.rows = slices.Clone(after)
			if !same(got, page(q, before)) && !same(got, page(q, after)) {
				t.Fatalf("%+v: %+v; want\n%+v or\n%+v", q, got, page(q, before), page(q, after))
			}
			for _, key := range keys {
				if !slices.ContainsFunc(l.rows, func(a customer.Association) bool { return a.Key() == key }) {
					delete(seen, key)
				}
			}
		}
		l.matches(t, l.owner, l.rows, drawQuery(t, rapid.SampledFrom(letters)))
		l.sound()
	})
}

func page(q customer.Query, rows []customer.Association) customer.Page {
	var matching []customer.Association
	for _, a := range rows {
		if q.Match(a) {
			matching = append(matching, a)
		}
	}
	return q.Page(matching)
}

func same(a, b customer.Page) bool {
	return slices.Equal(a.Data, b.Data) && a.Total == b.Total && a.Current == b.Current && a.TotalPages == b.TotalPages && a.More == b.More
}

// A fold is killed at each of its calls: when it first makes sheets, when it
// folds and when it merges. Lists are right all the while, the next fold goes on
// where it was, and after two more nothing that the killed one made is left.
func TestFoldKilledAtAnyCall(t *testing.T) {
	for _, made := range []bool{false, true} {
		for n, over := 1, false; !over; n++ {
			d := open(t)
			l := newLibrary(d)
			l.link(false, l.some(20)...)
			l.link(true, l.some(5)...)
			if err := l.fold(); err != nil {
				t.Fatal(err)
			}
			l.link(true, l.some(33)...) // three folds and a merge
			over = !l.killed(n, made)
			l.right(t)
			l.sound()
			l.link(true, l.some(4)...)
			if err := l.fold(); err != nil {
				t.Fatal(err)
			}
			l.right(t)
			l.sound()
			l.link(true, l.some(30)...)
			if err := l.fold(); err != nil {
				t.Fatal(err)
			}
			l.right(t)
			l.sound()
			if roll, err := l.standingRoll(t.Context(), l.owner.OrganizationID); err != nil || roll.draft != "" ||
				slices.ContainsFunc(roll.trash, func(s string) bool { return strings.HasPrefix(s, "draft") }) || roll.rows < len(l.rows)-small.fold {
				t.Fatalf("killed at call %d: %+v (%v) of %d", n, roll, err, len(l.rows))
			}
		}
	}
}

// The first sheets are made, while folds are killed at each call.
func TestFirstSheetsKilledAtAnyCall(t *testing.T) {
	for n, over := 1, false; !over; n++ {
		l := newLibrary(open(t))
		l.link(false, l.some(60)...)
		l.link(true, l.some(6)...)
		over = !l.killed(n, n%2 == 0)
		l.right(t)
		if err := l.fold(); err != nil {
			t.Fatal(err)
		}
		l.right(t)
		l.sound()
	}
}

// Many fold at once what others go on linking: none fails for it, and nothing
// is lost.
func TestFoldAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		l := newLibrary(d)
		l.link(false, l.some(30)...)
		l.link(true, l.some(100)...)
		d.wire.lockstep()
		together(4, func(int) {
			if err := l.fold(); err != nil {
				t.Error(err)
			}
		})
		d.wire.set(nil)
		l.right(t)
		l.sound()
	})
}

// What a roll is read from may come late everywhere but in consistent reads.
func TestLateSheets(t *testing.T) {
	l := newLibrary(open(t))
	l.link(true, l.some(200)...)
	if err := l.fold(); err != nil {
		t.Fatal(err)
	}
	l.link(true, l.some(3)...)
	l.Shelf = &Shelf{}
	var late atomic.Int64
	l.wire.set(func(c call, send func() (*http.Response, error)) (*http.Response, error) {
		answer, err := send()
		if err != nil || c.op != "BatchGetItem" || !strings.Contains(c.body, `"ConsistentRead":false`) {
			return answer, err
		}
		var read struct {
			Responses       map[string][]json.RawMessage
			UnprocessedKeys struct{}
		}
		if err := json.NewDecoder(answer.Body).Decode(&read); err != nil {
			return nil, err
		}
		for name, items := range read.Responses {
			late.Add(int64(len(items)+1) / 2)
			read.Responses[name] = items[:len(items)/2]
		}
		body, err := json.Marshal(read)
		answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		answer.Header.Del("X-Amz-Crc32")
		return answer, err
	})
	l.right(t)
	if late.Load() == 0 {
		t.Error("nothing came late")
	}
}

// A walk with cursors, while others link and fold: what was there when it began
// comes exactly once, in order, and nothing comes twice.
func TestWalk(t *testing.T) {
	for _, raw := range []string{"pageSize=7", "pageSize=4&sortOn=CustomerNumber&sortDirection=desc",
		"pageSize=3&sortDirection=desc&filters[0].field=CustomerNumber&filters[0].operator=notcontains&filters[0].value=3"} {
		l := newLibrary(open(t))
		l.link(false, l.some(40)...)
		l.link(true, l.some(50)...)
		v, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		there := slices.Clone(l.rows)
		times := map[string]int{}
		for walked := 0; ; walked++ {
			if walked > 1000 {
				t.Fatal("a walk without an end")
			}
			q := query(t, v)
			p, err := Register{l.Table}.Associations(t.Context(), l.owner, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range p.Data {
				times[a.Key()]++
			}
			if p.NextCursor == "" {
				break
			}
			v.Set("cursor", p.NextCursor)
			if len(l.rows) < 150 {
				l.link(true, l.some(2)...)
			}
			if walked%3 == 0 {
				if err := l.fold(); err != nil {
					t.Fatal(err)
				}
			}
		}
		v.Del("cursor")
		q := query(t, v)
		for _, a := range there {
			if want := map[bool]int{true: 1}[q.Match(a)]; times[a.Key()] != want {
				t.Errorf("%s: %q came %d times; want %d", raw, a.Key(), times[a.Key()], want)
			}
		}
		for key, n := range times {
			if n > 1 {
				t.Errorf("%s: %q came %d times", raw, key, n)
			}
		}
	}
}

// A cursor is of its organization and query, and of nobody's making.
func TestCursors(t *testing.T) {
	l := newLibrary(open(t))
	l.link(true, l.some(20)...)
	register := Register{l.Table}
	first, err := register.Associations(t.Context(), l.owner, query(t, url.Values{"pageSize": {"5"}}))
	if err != nil || first.NextCursor == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	list := func(who caller.Caller, cursor string, more ...string) error {
		v := url.Values{"cursor": {cursor}}
		for n := 0; n < len(more); n += 2 {
			v.Set(more[n], more[n+1])
		}
		_, err := register.Associations(t.Context(), who, query(t, v))
		return err
	}
	wants(t, "another size", list(l.owner, first.NextCursor, "pageSize", "200"))
	wants(t, "another order", list(l.owner, first.NextCursor, "sortOn", "CustomerNumber"), customer.BadCursor)
	wants(t, "another direction", list(l.owner, first.NextCursor, "sortDirection", "desc"), customer.BadCursor)
	wants(t, "another filter", list(l.owner, first.NextCursor, "filters", `[{"field":"UserId","operator":"gt","value":"a"}]`), customer.BadCursor)
	wants(t, "another organization", list(newLibrary(l.desk).owner, first.NextCursor), customer.BadCursor)
	forged := []byte(first.NextCursor)
	forged[3] = map[bool]byte{true: 'B', false: 'A'}[forged[3] == 'A'] // still base64
	wants(t, "a forged one", list(l.owner, string(forged)), customer.BadCursor)
	l.Secret = []byte("another secret of thirty-two bytes")
	wants(t, "another key", list(l.owner, first.NextCursor), customer.BadCursor)
}

// meter adds up capacity units.
type meter struct {
	mu          sync.Mutex
	read, write float64
}

// metered is a table like t whose units the meter adds up.
func metered(t *Table, m *meter) *Table {
	other := *t
	add := middleware.InitializeMiddlewareFunc("meter", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
		middleware.InitializeOutput, middleware.Metadata, error) {

		const total = types.ReturnConsumedCapacityTotal
		switch in := in.Parameters.(type) {
		case *dynamodb.QueryInput:
			in.ReturnConsumedCapacity = total
		case *dynamodb.BatchGetItemInput:
			in.ReturnConsumedCapacity = total
		case *dynamodb.BatchWriteItemInput:
			in.ReturnConsumedCapacity = total
		case *dynamodb.PutItemInput:
			in.ReturnConsumedCapacity = total
		case *dynamodb.TransactWriteItemsInput:
			in.ReturnConsumedCapacity = total
		}
		out, meta, err := next.HandleInitialize(ctx, in)
		m.mu.Lock()
		defer m.mu.Unlock()
		sum := func(all ...types.ConsumedCapacity) (units float64) {
			for _, c := range all {
				units += *c.CapacityUnits
			}
			return units
		}
		switch out := out.Result.(type) {
		case *dynamodb.QueryOutput:
			m.read += sum(*out.ConsumedCapacity)
		case *dynamodb.BatchGetItemOutput:
			m.read += sum(out.ConsumedCapacity...)
		case *dynamodb.BatchWriteItemOutput:
			m.write += sum(out.ConsumedCapacity...)
		case *dynamodb.PutItemOutput:
			m.write += sum(*out.ConsumedCapacity)
		case *dynamodb.TransactWriteItemsOutput:
			m.write += sum(out.ConsumedCapacity...)
		}
		return out, meta, err
	})
	other.Client = dynamodb.New(t.Client.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(slices.Clip(o.APIOptions), func(s *middleware.Stack) error { return s.Initialize.Add(add, middleware.Before) })
	})
	return &other
}

func (m *meter) reset() (read, write float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	read, write = m.read, m.write
	m.read, m.write = 0, 0
	return read, write
}

// Lists of a roll stay within their bounds, a log of 200 included: at most 60
// units for a page, whatever its number and order, and 10 where the function has
// seen it before, with or without filters. So they do up to 10,000 and beyond,
// where they take more trips. BenchmarkAssociations says the same of a million.
func TestUnitsOfLists(t *testing.T) {
	t.Run("few", func(t *testing.T) { unitsOfLists(t, 10_000-usual.fold-200, 2, 2) })
	t.Run("many", func(t *testing.T) { unitsOfLists(t, 12_000, 3, 4) })
}

// unitsOfLists lists so many, and what is folded and logged besides.
func unitsOfLists(t *testing.T, rows, trip, filtered int) {
	bubble(t, func(t *testing.T, d *desk) {
		l := newLibrary(d)
		l.scale = scale{}
		var older []customer.Association
		for len(older) < rows {
			id := l.ulid()
			older = append(older, customer.Association{ID: id, OrganizationID: l.owner.OrganizationID, UserID: "kp_" + l.ulid(),
				Number: customer.Number(fmt.Sprintf("C-%07d", len(older)*7919%9_999_991)), CreatedAt: l.Now()})
		}
		l.load(older)
		l.rows = older
		l.link(true, l.some(usual.fold)...)
		if err := l.fold(); err != nil {
			t.Fatal(err)
		}
		l.link(true, l.some(200)...)
		var m meter
		l.Table = metered(l.Table, &m)
		for _, c := range []struct {
			raw  string
			most float64
		}{
			{"pageSize=200", 60},
			{"pageSize=200&pageNumber=31&sortOn=CustomerNumber", 60},
			{"pageSize=200&pageNumber=62&sortDirection=desc", 60},
			{"pageSize=25&pageNumber=9999", 60},
			{"pageSize=200&pageNumber=31&sortOn=CustomerNumber&filters[0].field=UserId&filters[0].operator=contains&filters[0].value=7", 75},
			{"filters[0].field=CustomerNumber&filters[0].operator=endswith&filters[0].value=7", 75},
		} {
			v, err := url.ParseQuery(c.raw)
			if err != nil {
				t.Fatal(err)
			}
			q, most := query(t, v), trip
			if q.Filtered() {
				most = filtered
			}
			for _, warm := range []bool{false, true} {
				if !warm {
					l.Shelf = &Shelf{}
				} else {
					c.most = 10
				}
				m.reset()
				_, end := trips(d, func() { l.matches(t, l.owner, l.rows, q) })
				if units, _ := m.reset(); units > c.most || units == 0 || end > most {
					t.Errorf("%s, warm %v: %v units in %d trips; at most %v in %d", c.raw, warm, units, end, c.most, most)
				}
			}
		}
	})
}

// Ten thousand associations with the longest numbers there are, 7 MB, take two
// trips as well, once there is a roll that knows where to part them.
func TestTenThousandLongAssociations(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		l := newLibrary(d)
		l.scale = scale{}
		for n := range 10_000 - usual.fold {
			l.rows = append(l.rows, customer.Association{ID: l.ulid(), OrganizationID: l.owner.OrganizationID, UserID: fmt.Sprintf("kp_%026d", n/7*7919%9973),
				Number: customer.Number(strings.Repeat("😀", 60) + fmt.Sprintf("%04d", n)), CreatedAt: l.Now()})
		}
		l.load(l.rows)
		l.link(true, l.some(usual.fold)...)
		if err := l.fold(); err != nil {
			t.Fatal(err)
		}
		for _, q := range queries(t) {
			if _, end := trips(d, func() { l.matches(t, l.owner, l.rows, q) }); end > 2 {
				t.Errorf("%+v took %d trips", q, end)
			}
		}
	})
}

// To link costs at most 12 write units, 14 for a new member, and 2 for an
// Idempotency-Key.
func TestUnitsOfALink(t *testing.T) {
	d := open(t)
	co := incorporate(t, d)
	var m meter
	register := Register{metered(d.Table, &m)}
	keyed, _ := attempt(t.Context(), co.owner, "key", "body")
	again, _ := attempt(t.Context(), co.owner, "another", "body")
	for _, c := range []struct {
		what   string
		ctx    context.Context
		user   string
		number customer.Number
		most   float64
	}{
		{"a member", t.Context(), co.member.ID, "2001", 12},
		{"a member, with a key", keyed, co.member.ID, "2002", 14},
		{"a new member", t.Context(), co.stranger.ID, "2001", 14},
		{"an owner, with a key", again, co.owner.UserID, "2001", 14},
	} {
		_, made, err := register.Associate(c.ctx, co.owner, c.user, c.number)
		if _, units := m.reset(); err != nil || !made || units > c.most || units == 0 {
			t.Errorf("%s: %v units, at most %v are due (%v, %v)", c.what, units, c.most, made, err)
		}
	}
}

// A fold is overtaken, just before it publishes, by one that is then killed at
// any call: what the first one made is swept, so it must not be published.
func TestOvertaken(t *testing.T) {
	for n := 1; n < 12; n++ {
		l := newLibrary(open(t))
		l.link(true, l.some(30)...)
		aside := l.beside()
		var once sync.Once
		publishing := 0
		l.wire.set(func(c call, send func() (*http.Response, error)) (*http.Response, error) {
			if c.op == "TransactWriteItems" {
				if publishing++; publishing == 3 {
					once.Do(func() { aside.killed(n, n%2 == 0) })
				}
			}
			return send()
		})
		if err := l.fold(); err != nil {
			t.Fatal(err)
		}
		l.wire.set(nil)
		l.right(t)
		l.sound()
	}
}

// An organization without a roll, with about as many associations as are read
// beside the role, and with some more.
func TestAssociationsWithoutARoll(t *testing.T) {
	l := newLibrary(open(t))
	for _, n := range []int{firstRead - 1, 1, 1, 150} {
		l.link(true, l.some(n)...)
		l.right(t)
	}
}

// A fold takes the trips that keys.go says.
func TestTripsOfAFold(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		l := newLibrary(d)
		l.scale = scale{}
		for range 2 { // the first one also makes the roll
			l.link(true, l.some(usual.fold)...)
			if err := l.fold(); err != nil {
				t.Fatal(err)
			}
		}
		l.link(true, l.some(usual.fold)...)
		made, end := trips(d, func() {
			if err := l.fold(); err != nil {
				t.Fatal(err)
			}
		})
		if want := promises(t)["Roll.Fold"].other; end != want {
			t.Errorf("%d trips, %v; keys.go says %d", end, made, want)
		}
	})
}
