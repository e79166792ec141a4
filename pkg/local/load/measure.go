package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// kind is a kind of request.
type kind struct {
	name  string
	share int // of a hundred
	trips int // at most, of half of all at least; on a busy machine what is sent at once may not go at once
	ask   func(c *company, client int, random *rand.Rand) (method, path, body string)
}

var mix = []kind{
	{"organization", 60, 1, get("/api/organization")},
	{"associations", 15, 2, page},
	{"admins", 10, 1, get("/api/organizations/users/admins")},
	{"price tiers", 10, 1, get("/api/organizations/price-tiers")},
	{"link", 5, 1, func(c *company, client int, _ *rand.Rand) (string, string, string) {
		return http.MethodPost, "/api/organizations/users/associate-customer", c.association(client)
	}},
}

func get(path string) func(*company, int, *rand.Rand) (string, string, string) {
	return func(*company, int, *rand.Rand) (string, string, string) { return http.MethodGet, path, "" }
}

func page(c *company, _ int, random *rand.Rand) (string, string, string) {
	return http.MethodGet, fmt.Sprintf("/api/organizations/users/associations?pageNumber=%d&sortOn=%s&sortDirection=%s", 1+random.IntN(c.pages()),
		[]string{"UserId", "CustomerNumber"}[random.IntN(2)], []string{"asc", "desc"}[random.IntN(2)]), ""
}

// draw is the kind of the next request.
func draw(random *rand.Rand) int {
	n := random.IntN(100)
	for k := range mix {
		if n -= mix[k].share; n < 0 {
			return k
		}
	}
	panic("load: the shares of the mix are not a hundred")
}

// sample is what was measured at one size.
type sample struct {
	Before, After int // associations
	Took          time.Duration
	Kinds         []series // as in mix
	Failed        int
	Err           error // the first
}

// series is what the answers to one kind of request have taken.
type series struct {
	MS                []float64 // sorted
	Trips             []int     // sorted
	Requests, Waiting int       // to the table, in all; round trips in all
}

// add adds what was measured later.
func (s *sample) add(later sample) {
	if s.Kinds == nil {
		s.Before, s.Kinds = later.Before, make([]series, len(mix))
	}
	s.After, s.Took, s.Failed, s.Err = later.After, s.Took+later.Took, s.Failed+later.Failed, cmp.Or(s.Err, later.Err)
	for k := range s.Kinds {
		s.Kinds[k].add(later.Kinds[k])
		slices.Sort(s.Kinds[k].MS)
		slices.Sort(s.Kinds[k].Trips)
	}
}

func (s *series) add(other series) {
	s.MS, s.Trips = append(s.MS, other.MS...), append(s.Trips, other.Trips...)
	s.Requests, s.Waiting = s.Requests+other.Requests, s.Waiting+other.Waiting
}

// inTurns measures organizations of these sizes, each for so long.
func (t *town) inTurns(ctx context.Context, duration time.Duration, sizes ...int) ([]sample, error) {
	var companies []*company
	for _, rows := range sizes {
		c, err := t.found(ctx, rows)
		if err != nil {
			return nil, err
		}
		companies = append(companies, c)
	}
	samples := make([]sample, len(sizes))
	turns := max(1, int(duration/(10*time.Second)))
	for range turns {
		for n, c := range companies {
			s, err := c.measure(ctx, duration/time.Duration(turns))
			if err != nil {
				return nil, err
			}
			samples[n].add(s)
		}
	}
	return samples, nil
}

// least is how often each client asks, however short the time is: enough to have
// asked everything.
const least = 50

// measure lets all clients ask for so long.
func (c *company) measure(ctx context.Context, duration time.Duration) (sample, error) {
	s := sample{Before: int(c.made.Load()), Kinds: make([]series, len(mix))}
	start := time.Now()
	var mu sync.Mutex
	err := c.each(func(client int) error {
		random := rand.New(rand.NewPCG(uint64(client), uint64(s.Before)))
		mine, failed, first := make([]series, len(mix)), 0, error(nil)
		for n := client; (time.Since(start) < duration || n < client+least) && ctx.Err() == nil; n++ {
			k := draw(random)
			method, path, body := mix[k].ask(c, client, random)
			began := time.Now()
			_, header, err := c.do(c.request(ctx, n, method, path, c.token, body))
			took := time.Since(began)
			if err != nil {
				failed++
				if first == nil {
					first = err
				}
				continue
			}
			trips := counted(header, tripsHeader)
			mine[k].add(series{[]float64{float64(took.Microseconds()) / 1000}, []int{trips}, counted(header, requestsHeader), trips})
		}
		mu.Lock()
		defer mu.Unlock()
		for k := range mine {
			s.Kinds[k].add(mine[k])
		}
		s.Failed += failed
		s.Err = cmp.Or(s.Err, first)
		return ctx.Err()
	})
	s.Took, s.After = time.Since(start), int(c.made.Load())
	return s, err
}

func (s sample) rate() float64 {
	n := 0
	for _, k := range s.Kinds {
		n += len(k.MS)
	}
	return float64(n) / s.Took.Seconds()
}

// rows is how many there were in the middle.
func (s sample) rows() int { return (s.Before + s.After) / 2 }

func percentile[T any](sorted []T, p int) (value T) {
	if len(sorted) == 0 {
		return value
	}
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// head begins a table with a column for each kind behind the others.
func head(columns ...string) string {
	for _, k := range mix {
		columns = append(columns, k.name)
	}
	return "| " + strings.Join(columns, " | ") + " |\n|" + strings.Repeat(" --- |", len(columns))
}

// String is a row of the table: p50 and p99 of each kind, in ms.
func (s sample) String() string {
	var line strings.Builder
	fmt.Fprintf(&line, "| %d–%d | %.0f | %d |", s.Before, s.After, s.rate(), s.Failed)
	for _, k := range s.Kinds {
		fmt.Fprintf(&line, " %.1f, %.1f |", percentile(k.MS, 50), percentile(k.MS, 99))
	}
	return line.String()
}

// trips are the round trips of a request at each size, on average.
func trips(measured []sample) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Round trips to the table, on average; requests to it in brackets:\n\n%s", head("rows"))
	for _, s := range measured {
		fmt.Fprintf(&b, "\n| %d–%d |", s.Before, s.After)
		for _, k := range s.Kinds {
			n := float64(max(len(k.Trips), 1))
			fmt.Fprintf(&b, " %.2f (%.2f) |", float64(k.Waiting)/n, float64(k.Requests)/n)
		}
	}
	return b.String()
}
