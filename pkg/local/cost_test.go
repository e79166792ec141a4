package local_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"charter/pkg/local/calls"
)

var update = flag.Bool("update", false, "write the README's table of costs and the examples of openapi.yaml anew")

// limit is the most that a call may take: sequential waits for the table, and
// capacity units written, 0 for no limit. A second number is that of a call
// with an Idempotency-Key.
type limit struct {
	call   string // the function, and what sets the call apart
	trips  int
	writes [2]float64
}

var limits = []limit{
	{"create-organization", 2, [2]float64{}},
	{"create-organization, an e-mail that has an account", 2, [2]float64{}},
	{"get-organization", 1, [2]float64{}},
	{"update-organization", 2, [2]float64{}},
	{"update-organization, a new name", 2, [2]float64{}},
	{"list-admins", 1, [2]float64{}},
	{"add-admin", 2, [2]float64{}},
	{"remove-admin", 1, [2]float64{}},
	{"create-price-tier", 1, [2]float64{}},
	{"list-price-tiers", 1, [2]float64{}},
	{"change-price-tier", 2, [2]float64{}},
	{"delete-price-tier", 2, [2]float64{}},
	{"delete-price-tier, customers handed over", 2, [2]float64{}},
	{"put-customer", 2, [2]float64{}},
	{"get-customer", 1, [2]float64{}},
	{"associate-customer", 1, [2]float64{12, 14}},
	{"associate-customer, a new member", 2, [2]float64{14, 16}},
	{"list-associations", 1, [2]float64{}},
	{"list-associations, two links", 1, [2]float64{}},
	{"create-api-access", 1, [2]float64{}},
	{"list-api-access", 1, [2]float64{}},
	{"delete-api-access", 1, [2]float64{}},
	{"verify", 3, [2]float64{}},
	{"login", 3, [2]float64{}},
	{"login, an API client", 2, [2]float64{}},
	{"access", 3, [2]float64{}},
	{"access, CustomerNumber named", 2, [2]float64{}},
	{"list-audit-entries", 1, [2]float64{}},
	{"platform-create-organization", 1, [2]float64{}},
	{"platform-list-organizations", 2, [2]float64{}},
	{"platform-get-organization", 1, [2]float64{}},
	{"platform-update-organization", 1, [2]float64{}},
	{"platform-list-members", 1, [2]float64{}},
	{"platform-change-member", 1, [2]float64{}},
	{"platform-remove-member", 1, [2]float64{}},
	{"platform-invite-member", 2, [2]float64{}},
	{"platform-revoke-invitation", 1, [2]float64{}},
	{"platform-accept-invitation", 2, [2]float64{}},
	{"platform-list-roles", 1, [2]float64{}},
	{"platform-create-role", 1, [2]float64{}},
	{"platform-update-role", 1, [2]float64{}},
	{"platform-delete-role", 1, [2]float64{}},
	{"jwks", 0, [2]float64{}},
	{"authorizer", 0, [2]float64{}},
	{"mail-letters", 4, [2]float64{}}, // one of them to SES
	{"mark-addresses", 1, [2]float64{}},
	{"redrive-letters", 1, [2]float64{}},
	{"index-associations", 2, [2]float64{}},
	{"seal-audit", 4, [2]float64{}},
	{"erase-unverified, verified meanwhile", 1, [2]float64{}},
}

// Dollars for a million units, on demand, in us-east-1, since 1 November 2024.
// https://aws.amazon.com/dynamodb/pricing/on-demand/
const (
	readPrice  = 0.125
	writePrice = 0.625
)

// TestCost counts what every endpoint asks of the table, on calls that succeed,
// and holds the README to it. Time stands still but for trips.
func TestCost(t *testing.T) {
	quiet()
	walks := [2]map[string]calls.Call{}
	synctest.Test(t, func(t *testing.T) {
		world, err := calls.Open("../..", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer world.Close()
		world.Trip = time.Millisecond
		for n := range walks {
			made, err := world.Walk(t.Context(), n, n == 1)
			if err != nil {
				t.Fatal(err)
			}
			walks[n] = map[string]calls.Call{}
			for _, c := range slices.Backward(made) { // the first of a kind stays
				walks[n][name(c)] = c
			}
		}
		for _, f := range world.Template.Functions {
			if !slices.ContainsFunc(limits, func(l limit) bool { return l.call == f.Name || strings.HasPrefix(l.call, f.Name+", ") }) {
				t.Errorf("%s has no limit here", f.Name)
			}
		}
		rows := []string{"| | trips | at most | read units | written | with a key | $ a million |", "| --- | --- | --- | --- | --- | --- | --- |"}
		for _, l := range limits {
			call, keyed := walks[0][l.call], walks[1][l.call]
			if call.Function == "" {
				t.Fatalf("no step of package calls is %s", l.call)
			}
			rows = append(rows, row(t, l, call, keyed, title(world, call)))
		}
		compare(t, rows)
	})
}

func name(c calls.Call) string {
	if c.Case == "" {
		return c.Function
	}
	return c.Function + ", " + c.Case
}

// title is what a call is in the README: its route, where it has one.
func title(w *calls.World, c calls.Call) string {
	title := "`" + c.Function + "`"
	if routes := w.Function(c.Function).Routes; len(routes) > 0 {
		title = "`" + routes[0].String() + "`"
	}
	if c.Case != "" {
		title += ", " + c.Case
	}
	return title
}

func row(t *testing.T, l limit, call, keyed calls.Call, title string) string {
	t.Helper()
	read, written := call.Units()
	_, withKey := keyed.Units()
	for n, c := range []calls.Call{call, keyed} {
		if trips := c.Trips(); trips > l.trips {
			t.Errorf("%s waits %d times, at most %d", l.call, trips, l.trips)
		}
		if _, units := c.Units(); l.writes[n] > 0 && units > l.writes[n] {
			t.Errorf("%s writes %g units, at most %g", l.call, units, l.writes[n])
		}
	}
	mark := ""
	if slices.ContainsFunc(call.Requests, func(r calls.Request) bool { return r.Refused }) {
		mark = " †"
	}
	most := func(n int) string {
		if l.writes[n] == 0 {
			return ""
		}
		return fmt.Sprintf(" of %g", l.writes[n])
	}
	key := "–"
	if withKey != written {
		key = fmt.Sprintf("%g%s", withKey, most(1))
	}
	return fmt.Sprintf("| %s | %d | %d | %g | %g%s%s | %s | %.2f |", title, call.Trips(), l.trips, read, written, most(0), mark, key,
		math.Round(100*(read*readPrice+written*writePrice))/100)
}

var costs = regexp.MustCompile(`(?m)^\| \| trips \|.*\n(\|.*\n)*`)

// compare holds the README's table to what was counted, or writes it.
func compare(t *testing.T, rows []string) {
	t.Helper()
	const file = "../../README.md"
	readme, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	table := strings.Join(rows, "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, costs.ReplaceAllLiteral(readme, []byte(table)), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got := string(costs.Find(readme)); got != table {
		t.Errorf("the README says\n%s\ncounted (go test ./pkg/local -run TestCost -update writes it):\n%s", got, table)
	}
}

// pings counts the connections that a function makes when it starts.
type pings struct{ atomic.Int64 }

func (p *pings) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && r.URL.Path == "/ping" {
		p.Add(1)
	}
	return nil, errors.New("nobody answers")
}

// A function that asks the table in its calls starts with one connection, and no
// other does.
func TestConnection(t *testing.T) {
	world, err := calls.Open("../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	made, err := world.Walk(t.Context(), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range made {
		var p pings
		if err := world.Begin(c.Function, &p); err != nil {
			t.Fatal(err)
		}
		if want := min(1, len(c.Requests)); p.Load() != int64(want) {
			t.Errorf("%s starts with %d connections; want %d", name(c), p.Load(), want)
		}
	}
}
