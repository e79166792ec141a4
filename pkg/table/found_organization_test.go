package table

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/fault"
	"charter/pkg/org"
)

// found makes an organization without the time that hashing takes.
func (d *desk) found(name, email string) (org.Organization, error) {
	return Directory{d.Table}.found(context.Background(), application(name, email), ofNobody)
}

// ofNobody takes the place of hashing a password, which takes long.
func ofNobody() (string, error) { return "$argon2id$of-nobody", nil }

// jitter makes every call take another time, so that callers who start
// together meet in ever other ways.
func (w *wire) jitter() {
	w.set(func(_ call, send func() (*http.Response, error)) (*http.Response, error) {
		time.Sleep(rand.N(4 * trip))
		defer time.Sleep(rand.N(4 * trip))
		return send()
	})
}

func TestFound(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	directory := Directory{d.Table}
	a := application("Acme Corp", "Olive@acme.example")
	o, err := directory.Found(ctx, a)
	wants(t, "found", err)
	if o.Name != a.Name || o.Profile != a.Organization || o.Slug != "acme-corp" || !o.CreatedAt.Equal(d.Now()) {
		t.Errorf("made %+v", o)
	}
	session, err := org.SignIn(ctx, directory, "olive@ACME.example", "correct horse battery staple", o.Code, "192.0.2.1")
	wants(t, "sign in", err)
	if session.Role != org.Owner || session.OrganizationID != o.ID || session.Person != a.Founder {
		t.Errorf("signed in as %+v", session)
	}
	kinds := map[string]int{"NAME": 1, "SLUG": 1, "CODE": 1, "EMAIL": 1, "USER USER": 1, "USER ORG": 1, "HOLDS": shards, "ORG ORG": 1,
		"ORG ADMINS": 1, "ORG ADMIN": 1, "ORG TIERS": 1, "ORG ROLES": 1, "ORG SUB": 1, "MEMBERS": 1, "LETTER": 1, "AUDIT": 1, "RATE": 5,
		"UNVERIFIED": marks, "VERIFY": 1, "EXPIRY": 1}
	if got := d.kinds(); !maps.Equal(got, kinds) {
		t.Errorf("the table holds %v; want %v", got, kinds)
	}

	// With an account there already: it is the owner, and its password stays.
	b := application("Other Corp", "olive@acme.example")
	b.Founder.FirstName = "Somebody else"
	b.Password, _ = org.ParsePassword("another password")
	other, err := directory.Found(ctx, b)
	wants(t, "found by a known e-mail", err)
	account, err := directory.Account(ctx, b.Founder.Email, "192.0.2.2")
	wants(t, "the account", err)
	if account.ID != session.ID || account.FirstName != "Firstname" || account.PasswordHash != session.PasswordHash || len(account.Memberships) != 2 {
		t.Errorf("the account is %+v", account)
	}
	if standing, err := directory.Standing(ctx, account.ID, other.ID); err != nil || standing.Role != org.Owner || standing.Code != other.Code {
		t.Errorf("stands as %+v, %v", standing, err)
	}

	d.unchanged("a name that is taken", func() {
		_, err = directory.Found(ctx, application("acme\u00a0 CORP", "new@acme.example"))
		wants(t, "a name that is taken", err, org.NameTaken)
	})
}

// A slug that is taken gets the next number, past the choices of the first
// trip; a name that has no letter for one takes the code.
func TestSlugs(t *testing.T) {
	d := open(t)
	for n := range 25 {
		o, err := d.found(fmt.Sprint("Same", string(rune('!'+n%15)), string(rune('!'+n/15))), fmt.Sprintf("n%d@same.example", n))
		wants(t, "found", err)
		want := "same"
		if n > 0 {
			want = fmt.Sprint("same-", n+1)
		}
		if o.Slug != want {
			t.Fatalf("the slug %q; want %q", o.Slug, want)
		}
	}
	o, err := d.found("漢字", "kanji@same.example")
	wants(t, "found", err)
	if o.Slug != org.SlugOf("", o.Code) {
		t.Errorf("the slug %q of the code %q", o.Slug, o.Code)
	}
}

// However many organizations have a slug, the next one gets the next number, in
// few trips: it fails where a number is left out, or more are looked for than
// one call can ask for.
//
// Tried with the controls that it must catch: a search that looked at the numbers
// one after another gave up among 1,500; one that took the first free number that
// it had leapt to left out the rest.
func TestManyOfOneSlug(t *testing.T) {
	for _, many := range []int{0, 3, 4, 5, 19, 20, 21, 36, 37, 600, 5_000, 1_100_000} {
		taken, trips, free := many, 0, slugSearch{}
		for found := false; !found; trips++ {
			choices := free.next()
			if len(choices) > 95 || !slices.IsSorted(choices) {
				t.Fatalf("of %d, looks at %v", many, choices)
			}
			var n int
			n, found = free.among(choices, func(n int) bool { return n > taken })
			if found && n != taken+1 {
				t.Errorf("of %d, number %d", many, n)
			}
			if trips == 2 && many == 600 {
				taken += 50 // meanwhile
			}
		}
		if trips > 6 || many < 4 && trips > 1 {
			t.Errorf("of %d, %d trips", many, trips)
		}
	}

	d := open(t)
	d.walked = false // slugs of no organization
	const many = 1500
	var requests []types.WriteRequest
	for n := range many {
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: newItem(slugKey(org.SlugChoice("same", n+1)))}})
	}
	wants(t, "many of one slug", d.write(t.Context(), requests))
	o, err := d.found("Same", "late@same.example")
	wants(t, "found", err)
	if want := org.SlugChoice("same", many+1); o.Slug != want {
		t.Errorf("the slug %q; want %q", o.Slug, want)
	}
}

// Of all who want one name at once one gets it, the others are told so, and of
// the others nothing is left.
func TestFoundersOfOneName(t *testing.T) {
	const rounds = 20
	one := []string{"Größe ", "GRÖSSE "} // one name, of two slugs
	t.Parallel()
	bubble(t, func(t *testing.T, d *desk) {
		for round := range rounds {
			founders := 64
			if d.wire.lockstep(); round%4 != 0 {
				d.wire.jitter()
				founders = 16
			}
			var won atomic.Int32
			together(founders, func(n int) {
				switch _, err := d.found(fmt.Sprint(one[n%2], round), fmt.Sprintf("n%d@round%d.example", n, round)); {
				case err == nil:
					won.Add(1)
				default:
					wants(t, "a loser", err, org.NameTaken)
				}
			})
			if won.Load() != 1 {
				t.Errorf("round %d: %d won", round, won.Load())
			}
		}
		d.calm()
		kinds := d.kinds()
		for kind, n := range kinds {
			want := rounds * cmp.Or(map[string]int{"HOLDS": shards, "UNVERIFIED": marks}[kind], 1)
			if n != want && kind != "RATE" {
				t.Errorf("%d items %s; want %d", n, kind, want)
			}
		}
		if len(kinds) == 0 {
			t.Error("nothing was made")
		}
	})
}

// Of all who come with one new e-mail at once one makes the account, and all
// own their organizations with it.
func TestFoundersWithOneEmail(t *testing.T) {
	const founders = 16
	bubble(t, func(t *testing.T, d *desk) {
		d.wire.lockstep()
		together(founders, func(n int) {
			_, err := d.found(fmt.Sprint("Company ", n), "same@same.example")
			wants(t, "found", err)
		})
		d.calm()
		account, err := Directory{d.Table}.Account(t.Context(), addressOf("same@same.example"), "192.0.2.1")
		wants(t, "the account", err)
		if kinds := d.kinds(); len(account.Memberships) != founders || kinds["USER USER"] != 1 || kinds["LETTER"] != founders {
			t.Errorf("%d memberships, %v", len(account.Memberships), kinds)
		}
	})
}

// Of all who want one slug at once each gets one of its own, without gaps. So
// many are sure to get theirs; of more, some may be told to come again.
func TestFoundersOfOneSlug(t *testing.T) {
	t.Parallel()
	for _, founders := range []int{6, 16} {
		t.Run(fmt.Sprint(founders), func(t *testing.T) {
			bubble(t, func(t *testing.T, d *desk) {
				d.wire.lockstep()
				var mu sync.Mutex
				var slugs []string
				together(founders, func(n int) {
					o, err := d.found("Same"+string(rune('!'+n%15))+string(rune('!'+n/15)), fmt.Sprintf("n%d@same.example", n))
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						slugs = append(slugs, o.Slug)
					case founders <= 6 || !errors.Is(err, fault.Unavailable):
						t.Error(err)
					}
				})
				for n := range slugs {
					if !slices.Contains(slugs, org.SlugChoice("same", n+1)) {
						t.Errorf("%d slugs, and not the %dth: %v", len(slugs), n+1, slugs)
					}
				}
				if len(slugs) < 6 {
					t.Errorf("only %v", slugs)
				}
			})
		})
	}
}
