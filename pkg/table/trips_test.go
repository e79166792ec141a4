package table

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// promise is what keys.go says that a pattern costs on success.
type promise struct {
	trips   int        // 0: as many as there are pages
	calls   [][]string // by trip, sorted
	variant string     // for what it is other than that
	other   int        // trips of the variant
}

var (
	patternLine = regexp.MustCompile(`(?m)^//\t\S.*? {2,}(\w+\.\w+) +(\d+|n)  (.+)$`)
	operation   = regexp.MustCompile(`(?:(\d+) )?\b(\w+Items?|Query)\b`)
	exception   = regexp.MustCompile(`, (\d+) for (.+)$`)
)

// promises reads the access patterns out of keys.go.
func promises(t *testing.T) map[string]promise {
	t.Helper()
	source, err := os.ReadFile("keys.go")
	if err != nil {
		t.Fatal(err)
	}
	promised := map[string]promise{}
	for _, line := range patternLine.FindAllStringSubmatch(string(source), -1) {
		var p promise
		p.trips, _ = strconv.Atoi(line[2])
		if other := exception.FindStringSubmatch(line[3]); other != nil {
			p.other, _ = strconv.Atoi(other[1])
			p.variant = other[2]
		}
		for step := range strings.SplitSeq(exception.ReplaceAllString(line[3], ""), ";") {
			var calls []string
			for _, op := range operation.FindAllStringSubmatch(step, -1) {
				n, _ := strconv.Atoi(op[1])
				calls = append(calls, slices.Repeat([]string{op[2]}, max(n, 1))...)
			}
			slices.Sort(calls)
			p.calls = append(p.calls, calls)
		}
		promised[line[1]] = p
	}
	if len(promised) == 0 {
		t.Fatal("keys.go names no access pattern")
	}
	return promised
}

// Every pattern takes the trips that keys.go says, in the calls that it says,
// with an Idempotency-Key as well as without. In lockstep a trip is a moment,
// and all calls of the same moment are one.
func TestTrips(t *testing.T) {
	promised, tried := promises(t), map[string]bool{}
	for _, p := range patterns {
		tried[p.name] = true
		for _, key := range []string{"", "key"} {
			if key != "" && !p.keyed {
				continue
			}
			t.Run(fmt.Sprint(p, " ", key), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T, d *desk) {
					co := incorporate(t, d)
					ctx, _ := attempt(t.Context(), p.by(co), key, "body")
					made, end := trips(d, func() {
						if _, err := p.call(ctx, co, p.by(co)); err != nil {
							t.Fatal(err)
						}
					})
					want := promised[p.name]
					if p.variant == want.variant && p.variant != "" {
						if want.trips == want.other { // it differs in its last call
							want.calls = want.calls[:want.trips-1]
						}
						want.trips = want.other
					}
					if end != max(want.trips, 1) {
						t.Errorf("%d trips, %v; keys.go says %d", end, made, want.trips)
					}
					for n := range min(end, len(want.calls)) {
						if !slices.Equal(made[n], want.calls[n]) {
							t.Errorf("trip %d calls %v; keys.go says %v", n+1, made[n], want.calls[n])
						}
					}
				})
			})
		}
	}
	for name := range promised {
		if !tried[name] && !strings.HasPrefix(name, "Team.") { // those are held to it where they are tested
			t.Errorf("no pattern of this test is %s", name)
		}
	}
}

// trips runs f in lockstep: made is the calls by the trip that they were in,
// sorted; end is in how many trips f was done.
func trips(d *desk, f func()) (made [][]string, end int) {
	var mu sync.Mutex
	start := time.Now()
	d.wire.set(func(c call, send func() (*http.Response, error)) (*http.Response, error) {
		mu.Lock()
		n := int(time.Since(start) / trip)
		for len(made) <= n {
			made = append(made, nil)
		}
		made[n] = append(made[n], c.op)
		slices.Sort(made[n])
		mu.Unlock()
		time.Sleep(trip)
		return send()
	})
	f()
	end = int(time.Since(start) / trip)
	d.wire.set(nil)
	synctest.Wait()
	return made, end
}
