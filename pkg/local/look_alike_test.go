package local_test

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"charter/pkg/local"
	"charter/pkg/local/dynamo"
)

// Five hundred logins, of e-mails with an account and without, take turns: what
// is answered, what is called and how often a password is hashed is the same for
// both, each time. A hash takes 19 MiB, which is how it is counted; therefore
// the test is not run beside others.
//
// Tried with the control that it must catch: passwordMatches without the work for
// nobody's hash.
func TestKnownAndUnknownLookAlike(t *testing.T) {
	engine, err := dynamo.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	var (
		mu      sync.Mutex
		calls   []string
		minutes atomic.Int64
	)
	begin := time.Now().Truncate(time.Minute)
	s := start(t, func(o *local.Options) {
		o.TableURL = "http://table.localhost" // no stream, so that nobody else calls it
		o.Now = func() time.Time { return begin.Add(time.Duration(minutes.Load()) * time.Minute) }
		o.Between = func(http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				calls = append(calls, r.Header.Get("X-Amz-Target"))
				mu.Unlock()
				return engine.Transport().RoundTrip(r)
			})
		}
	})
	if err := local.CreateTable(engine, s.Template.Table); err != nil {
		t.Fatal(err)
	}
	const accounts = 5
	for n := range accounts {
		if a := s.send(t, request{"POST", "/api/organizations", fmt.Sprintf(`{"Organization": {"Name": "Own %d"},
			"User": {"FirstName": "A", "LastName": "B", "Email": "known%d@acme.example", "Password": "Password1234!"}}`, n, n)}, ""); !a.ok() {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	seen := map[string]map[string]int{"known": {}, "other": {}}
	for n := range 500 {
		if n%20 == 0 {
			minutes.Add(1) // lest the limits be what is seen
		}
		who := []string{"known", "other"}[n%2]
		login := request{"POST", "/api/auth/login", fmt.Sprintf(`{"Email": "%s%d@acme.example", "Password": "a wrong guess"}`, who, n/2%accounts)}
		var before, after runtime.MemStats
		calls = nil
		runtime.ReadMemStats(&before)
		a := s.send(t, login, "")
		runtime.ReadMemStats(&after)
		a.header.Del("X-Request-Id")
		a.header.Del("X-Amzn-Requestid")
		hashes := math.Round(float64(after.TotalAlloc-before.TotalAlloc) / (19 << 20))
		slices.Sort(calls)
		seen[who][fmt.Sprint(a.status, a.header, a.body, calls, hashes)]++
	}
	if len(seen["known"]) != 1 || !maps.Equal(seen["known"], seen["other"]) {
		t.Errorf("known: %v\nother: %v", seen["known"], seen["other"])
	}
	for what := range seen["known"] {
		if !strings.HasPrefix(what, "401 ") || !strings.HasSuffix(what, " 1") {
			t.Errorf("all logins were %s", what)
		}
	}
}

// Where the limits are those of the cloud, one address gets so many requests a
// minute, whatever it says of itself; on a laptop it gets all it wants.
//
// Tried with the control that it must catch: the address that X-Forwarded-For says.
func TestOneAddress(t *testing.T) {
	t.Parallel()
	verify := request{"POST", "/api/auth/verify", `{"Token": "a guess", "Password": "Password1234!"}`}
	for cloud, want := range map[bool]int{true: 429, false: 400} {
		s := start(t, func(o *local.Options) { o.CloudLimits = cloud })
		for n := range 100 {
			if a := s.send(t, verify, "", "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", n)); a.status != 400 {
				t.Fatalf("attempt %d: %d %s", n, a.status, a.body)
			}
		}
		a := s.send(t, verify, "", "X-Forwarded-For", "198.51.100.7")
		if a.status != want || cloud && (a.header.Get("Retry-After") == "" || !strings.Contains(a.body, `"too_many_attempts"`)) {
			t.Errorf("one more, as in the cloud %v: %d %s", cloud, a.status, a.body)
		}
	}
}
