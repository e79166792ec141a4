package table

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/org"
)

func TestAssociate(t *testing.T) {
	d := open(t)
	co, ctx, register := incorporate(t, d), t.Context(), Register{d.Table}
	a, made, err := register.Associate(ctx, co.client, co.stranger.ID, "1001")
	wants(t, "associate", err)
	if !made || a.ID == "" || a.OrganizationID != co.ID || a.UserID != co.stranger.ID || a.Number != "1001" || !a.CreatedAt.Equal(d.Now()) {
		t.Errorf("made %+v, %v", a, made)
	}
	if role := co.standing(co.stranger.ID); role != org.Member {
		t.Errorf("who was no member is %s", role)
	}
	account, err := Directory{d.Table}.Account(ctx, co.stranger.Email, "192.0.2.1")
	if err != nil || len(account.Memberships) != 2 {
		t.Errorf("belongs to %+v, %v", account.Memberships, err)
	}
	d.clock.pass(time.Hour)
	second, made, err := register.Associate(ctx, co.owner, co.stranger.ID, "1002")
	wants(t, "another customer", err)
	if !made || second.ID == a.ID {
		t.Errorf("made %+v, %v", second, made)
	}
	d.unchanged("a pair that is linked", func() {
		again, made, err := register.Associate(ctx, co.owner, co.stranger.ID, "1001")
		wants(t, "again", err)
		if made || again != a {
			t.Errorf("made %v: %+v; want %+v", made, again, a)
		}
	})
	_, _, err = register.Associate(ctx, co.owner, co.owner.UserID, "1001")
	wants(t, "an owner", err)
	if role := co.standing(co.owner.UserID); role != org.Owner {
		t.Errorf("an owner with a customer is %s", role)
	}
	d.unchanged("nobody", func() {
		_, _, err = register.Associate(ctx, co.owner, nobody, "1001")
		wants(t, "nobody", err, customer.UnknownUser)
	})
}

// A pair that is linked is answered under a key as it was the first time: not made.
func TestAssociateAgainUnderAKey(t *testing.T) {
	d := open(t)
	co := incorporate(t, d)
	for n := range 2 {
		ctx, attempt := attempt(t.Context(), co.owner, "key", "body")
		a, made, err := Register{d.Table}.Associate(ctx, co.owner, co.member.ID, "1001")
		wants(t, "associate", err)
		if made || a.Number != "1001" || a.ID == "" || attempt.Replayed != (n == 1) {
			t.Errorf("%+v, made: %v, replayed: %v", a, made, attempt.Replayed)
		}
	}
}

// Of all who link one user at once each is answered; one pair is made once, and
// who was no member becomes one once.
func TestAssociateAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		co := incorporate(t, d)
		before := d.kinds()
		d.wire.lockstep()
		var made atomic.Int32
		together(9, func(n int) {
			_, first, err := Register{d.Table}.Associate(t.Context(), co.owner, co.stranger.ID, customer.Number(fmt.Sprint(n%3)))
			wants(t, "associate", err)
			if first {
				made.Add(1)
			}
		})
		d.calm()
		after := d.kinds()
		if made.Load() != 3 || after["ASSOCIATIONS"] != before["ASSOCIATIONS"]+3 || after["MEMBERS"] != before["MEMBERS"]+1 {
			t.Errorf("%d made; %v; before: %v", made.Load(), after, before)
		}
	})
}

// listed is a fresh organization with just these associations, by hand.
func (d *desk) listed(t *rapid.T, rows []customer.Association) (caller.Caller, []customer.Association) {
	n := d.clock.now.Load()
	d.clock.pass(time.Second) // that no two organizations are of one moment
	o, owner := d.founded(fmt.Sprint("Company ", n), fmt.Sprintf("n%d@list.example", n))
	for i := range rows {
		rows[i].OrganizationID, rows[i].CreatedAt = o.ID, d.Now()
	}
	d.load(rows)
	return owner, rows
}

// load writes associations past all rules.
func (d *desk) load(rows []customer.Association) {
	d.t.Helper()
	d.walked = false
	type action struct{ Put struct{ TableName, Item any } }
	for some := range slices.Chunk(rows, 100) {
		actions := make([]action, len(some))
		for n, a := range some {
			attributes := map[string]map[string]string{}
			for name, v := range associationItem(a) {
				attributes[name] = map[string]string{"S": item{"": v}.text("")}
			}
			actions[n].Put.TableName, actions[n].Put.Item = d.Name, attributes
		}
		body, err := json.Marshal(map[string]any{"TransactItems": actions})
		if err != nil {
			d.t.Fatal(err)
		}
		d.replay(call{"TransactWriteItems", string(body)})
	}
}

// letters are at the edges of UTF-8, of UTF-16, of case and of normal forms.
var letters = []rune{'!', ' ', 'a', 'A', 'b', 'é', 'e', '\u0301', '\ud7ff', '\ue000', '\ufffd', '\uffff', '😀', '\U0010ffff'}

// drawQuery is any query, in texts of the letters.
func drawQuery(t *rapid.T, letter *rapid.Generator[rune]) customer.Query {
	type filter struct {
		Field    string `json:"field"`
		Operator string `json:"operator"`
		Value    string `json:"value"`
	}
	filters := []filter{}
	for range rapid.SampledFrom([]int{0, 1, 1, 2, 2, 3}).Draw(t, "filters") {
		filters = append(filters, filter{
			rapid.SampledFrom([]string{"UserId", "CustomerNumber"}).Draw(t, "field"),
			rapid.SampledFrom(strings.Fields("startswith contains notcontains endswith equals notequals gt gte lt lte")).Draw(t, "operator"),
			rapid.OneOf(rapid.StringOfN(letter, 0, 2, -1), rapid.StringOfN(rapid.OneOf(letter, rapid.SampledFrom([]rune{0, 1, 2, 0x1f})), 1, 3, -1),
				rapid.Map(letter, func(r rune) string { return strings.Repeat(string(r), 65) })).Draw(t, "value"),
		})
	}
	array, err := json.Marshal(filters)
	if err != nil {
		t.Fatal(err)
	}
	return query(t, url.Values{
		"pageNumber": {rapid.SampledFrom([]string{"1", "1", "2", "3", "1000000000000"}).Draw(t, "page")},
		"pageSize":   {rapid.SampledFrom([]string{"1", "2", "25", "200"}).Draw(t, "size")}, "filters": {string(array)},
		"sortOn":        {rapid.SampledFrom([]string{"UserId", "CustomerNumber"}).Draw(t, "sort on")},
		"sortDirection": {rapid.SampledFrom([]string{"asc", "desc"}).Draw(t, "direction")},
	})
}

type fataler interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func query(t fataler, v url.Values) customer.Query {
	q, err := customer.ParseQuery(v)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// matches compares a page with that of the query over all rows, which package
// customer holds against its contract.
func (d *desk) matches(t fataler, owner caller.Caller, rows []customer.Association, q customer.Query) {
	var matching []customer.Association
	for _, a := range rows {
		if q.Match(a) {
			matching = append(matching, a)
		}
	}
	want := q.Page(matching)
	got, err := Register{d.Table}.Associations(context.Background(), owner, q)
	if err != nil {
		t.Fatal(err)
	}
	want.NextCursor = got.NextCursor // signed by the table: another test's
	if got.Data == nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v over %d rows: %+v; want %+v", q, len(rows), got, want)
	}
}

// A list holds what the query says, whatever the rows, and nothing of another
// organization.
func TestAssociationsProperties(t *testing.T) {
	t.Parallel()
	d := open(t)
	rapid.Check(t, func(t *rapid.T) {
		letter := rapid.SampledFrom([]rune{rapid.SampledFrom(letters).Draw(t, "letter"), rapid.SampledFrom(letters).Draw(t, "letter")})
		member := rapid.OneOf(rapid.StringOfN(letter, 1, 3, -1), rapid.Map(letter, func(r rune) string { return strings.Repeat(string(r), 64) }))
		rows := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) customer.Association {
			return customer.Association{UserID: member.Draw(t, "user"), Number: customer.Number(member.Draw(t, "number"))}
		}), 0, 30, customer.Association.Key).Draw(t, "rows")
		for i := range rows {
			rows[i].ID = strconv.Itoa(i)
		}
		owner, rows := d.listed(t, rows)
		for range 3 {
			d.matches(t, owner, rows, drawQuery(t, letter))
		}
	})
}

// So it does over ten thousand rows, in two trips whatever the query: those of
// one user take one.
func TestTenThousandAssociations(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		o, owner := d.founded("Acme Corp", "olive@acme.example")
		random := rand.New(rand.NewPCG(1, 2))
		text := func() string {
			s := strings.Repeat("x", 40)
			for range 3 {
				s += string(letters[random.IntN(len(letters))])
			}
			return s
		}
		rows, seen := []customer.Association{}, map[string]bool{}
		for len(rows) < 10_000 {
			a := customer.Association{ID: strconv.Itoa(len(rows)), OrganizationID: o.ID, UserID: text(), Number: customer.Number(text()), CreatedAt: d.Now()}
			if !seen[a.Key()] {
				rows, seen[a.Key()] = append(rows, a), true
			}
		}
		d.load(rows)
		for _, c := range []struct {
			v     url.Values
			trips int
		}{
			{url.Values{"pageNumber": {"40"}, "pageSize": {"200"}, "sortOn": {"CustomerNumber"}, "sortDirection": {"desc"},
				"filters": {`[{"field":"CustomerNumber","operator":"notcontains","value":"😀"}]`}}, 2},
			{url.Values{"filters": {`[{"field":"UserId","operator":"startswith","value":"` + rows[0].UserID + `"}]`}}, 1},
		} {
			_, trips := trips(d, func() { d.matches(t, owner, rows, query(t, c.v)) })
			if trips != c.trips {
				t.Errorf("%v took %d trips; want %d", c.v, trips, c.trips)
			}
		}

		for _, q := range queries(t) {
			if _, trips := trips(d, func() { d.matches(t, owner, rows, q) }); trips > 2 {
				t.Errorf("%+v took %d trips; want 2 at most", q, trips)
			}
		}

		// What is over the budget is refused, never cut short.
		budget := mostRead
		defer func() { mostRead = budget }()
		mostRead = len(rows) / 2
		_, err := Register{d.Table}.Associations(t.Context(), owner, query(t, url.Values{}))
		wants(t, "too broad", err, customer.TooBroad)
	})
}
