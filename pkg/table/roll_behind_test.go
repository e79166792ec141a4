package table

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"charter/pkg/customer"
)

// behind makes a roll of what there is, if none is there, and then so many links
// that are not in it, with numbers of the greatest length.
func (l *library) behind(n int) {
	l.t.Helper()
	l.link(true, l.some(usual.fold)...)
	if err := l.fold(); err != nil {
		l.t.Fatal(err)
	}
	late := l.some(n)
	for i := range late {
		late[i] += strings.Repeat("😀", 57)
	}
	l.link(true, late...)
}

// A roll that is five minutes behind twenty links a second, whose log is more
// than a page: lists are right, and stay so while those who catch up are killed,
// each a few calls further on. A log of which one page is read was caught.
func TestRollMinutesBehind(t *testing.T) {
	t.Parallel()
	l := newLibrary(open(t))
	l.scale = scale{few: 8, fold: usual.fold, loose: usual.loose, sheet: usual.sheet}
	l.link(false, l.some(500)...)
	l.behind(5 * 60 * 20)
	l.right(t)
	for n, over := 1, false; !over; n += 40 {
		over = !l.killed(n, n%80 == 1)
		if n%120 == 1 || over {
			l.right(t)
		}
	}
	l.sound()
	log, _, err := l.log(t.Context(), l.owner.OrganizationID, 0, quarters-1, 0)
	if err != nil || len(log) >= usual.fold {
		t.Errorf("%d are left in the log (%v)", len(log), err)
	}
}

// Up to ten thousand associations are listed in two trips, whatever the filter,
// and where the roll was last kept when there were a few hundred, with the longest
// numbers there are. A log read by one Query was caught.
func TestTenThousandBehind(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		l := newLibrary(d)
		l.scale = scale{}
		l.link(true, l.some(2*usual.fold)...)
		l.behind(10_000 - 3*usual.fold)
		for _, q := range queries(t) {
			if made, end := trips(d, func() { l.matches(t, l.owner, l.rows, q) }); end > 2 {
				t.Errorf("%+v took %d trips: %v", q, end, made)
			}
		}
	})
}

// The log is folded between two pages of it: what was on the one already read,
// and on the other, is listed once. A log that is read without its ends was caught.
func TestFoldBetweenPages(t *testing.T) {
	t.Parallel()
	l := newLibrary(open(t))
	l.scale = scale{few: 8, fold: usual.fold, loose: usual.loose, sheet: usual.sheet}
	l.link(false, l.some(500)...)
	l.behind(3400)
	aside := l.beside()
	pages := 0
	l.wire.set(func(c call, send func() (*http.Response, error)) (*http.Response, error) {
		if c.op == "Query" && strings.Contains(c.body, "LOG") {
			if pages++; pages == 2 {
				if err := aside.fold(); err != nil {
					return nil, err
				}
			}
		}
		return send()
	})
	l.matches(t, l.owner, l.rows, queries(t)[0])
	l.wire.set(nil)
	if pages < 3 {
		t.Errorf("the log was read in %d pages", pages)
	}
}

// Walks go on while many link, and fold, and are killed in it: what was there
// when a walk began comes exactly once, in order, and nothing comes twice. A
// cursor that forgot what is in no sheet yet was caught, as was an entry of the log
// that stayed in it when it was folded.
func TestWalkAmongWriters(t *testing.T) {
	t.Parallel()
	l := newLibrary(open(t))
	l.link(false, l.some(60)...)
	l.link(true, l.some(60)...)
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	defer busy.Wait()
	defer stop()
	for n := range 2 {
		busy.Go(func() {
			writer := l.beside()
			for i := 0; ctx.Err() == nil && i < 300; i++ {
				writer.link(true, fmt.Sprintf("kp_%05d\x01W%d-%05d", i*7919%99991, n, i))
			}
		})
	}
	busy.Go(func() {
		folder, random := l.beside(), rand.New(rand.NewPCG(1, 2))
		for ctx.Err() == nil {
			if random.IntN(2) == 0 {
				folder.killed(1+random.IntN(30), random.IntN(2) == 0)
			} else if err := folder.fold(); err != nil {
				t.Error(err)
			}
		}
	})
	for _, raw := range []string{"pageSize=5", "pageSize=4&sortOn=CustomerNumber&sortDirection=desc",
		"pageSize=3&filters[0].field=UserId&filters[0].operator=contains&filters[0].value=7"} {
		v, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		l.walk(v)
	}
	stop()
	busy.Wait()
	l.sound()
}

// walk goes through a list by its cursors. What the library has comes once.
func (l *library) walk(v url.Values) {
	l.t.Helper()
	var walked []customer.Association
	for {
		q := query(l.t, v)
		p, err := Register{l.Table}.Associations(l.t.Context(), l.owner, q)
		if err != nil {
			l.t.Fatal(err)
		}
		walked = append(walked, p.Data...)
		if p.NextCursor == "" {
			break
		}
		v.Set("cursor", p.NextCursor)
	}
	v.Del("cursor")
	q := query(l.t, v)
	for n, a := range walked {
		if n > 0 && !before(q, walked[n-1], a) {
			l.t.Errorf("%v: %q comes behind %q", v, a.Key(), walked[n-1].Key())
		}
	}
	for _, a := range l.rows {
		if slices.Contains(walked, a) != q.Match(a) {
			l.t.Errorf("%v: of %q the walk says the opposite", v, a.Key())
		}
	}
}

// before reports whether a comes before b in the order of the query.
func before(q customer.Query, a, b customer.Association) bool {
	return page(q, []customer.Association{a, b}).Data[0] == a && a != b
}
