package table

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/fault"
	"charter/pkg/org"
)

// dying is an organization that nobody has verified for thirty days, and people
// elsewhere.
type dying struct {
	*desk
	org.Organization
	owner         caller.Caller
	elsewhere     caller.Caller // an admin of another organization
	guest, member caller.Caller // verified, in no organization; not verified, in this one
	invitation    string        // the guest's
	seat          string        // the guest's invitation as an admin
	link          string        // verifies the owner
	client        org.Client    // of the organization
}

// doomed makes one, and its items to make it again.
func doomed(t *testing.T) (dying, []item) {
	t.Helper()
	d := open(t)
	d.walked = false // it is looked at where it is used
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, directory, team := t.Context(), Directory{d.Table}, Team{d.Table}
	x := dying{desk: d}
	x.Organization, x.owner = d.newcomer("Squatter", "victoria@acme.example")
	_, x.member = d.newcomer("Member's", "mel@acme.example")
	must(directory.Promote(ctx, x.owner, addressOf("mel@acme.example")))
	x.member.OrganizationID, x.member.OrgCode = x.ID, x.Code
	must(directory.Demote(ctx, x.owner, x.member.UserID))
	x.elsewhere = d.newTeam("else").owner
	x.elsewhere.Admin = true
	x.guest = d.account("gus@guest.example")
	seat := d.account("sue@guest.example")
	client, _, err := directory.AddClient(ctx, x.owner, "Robot")
	must(err)
	x.client = client
	must(Book{d.Table}.Add(ctx, x.owner, gold, "EUR"))
	for n := range 3 {
		_, _, err = Register{d.Table}.Associate(ctx, x.owner, x.owner.UserID, customer.Number(fmt.Sprint(n)))
		must(err)
	}
	d.clock.pass(org.UnverifiedTime - time.Hour)
	must(directory.Promote(ctx, x.elsewhere, addressOf("victoria@acme.example")))
	x.link = d.letter("victoria@acme.example").Token
	must(team.Invite(ctx, x.owner, addressOf(x.guest.Email), org.Member))
	must(team.Invite(ctx, x.owner, addressOf(seat.Email), org.Admin))
	x.invitation, x.seat = d.letter(x.guest.Email).Token, d.letter(seat.Email).Token
	d.clock.pass(2 * time.Hour)
	return x, slices.Collect(maps.Values(d.all()))
}

// meeting is something else that goes on while an organization is erased.
type meeting struct {
	what  string
	do    func(ctx context.Context, x dying) error
	may   []fault.Fault // what can come of it beside success
	saves bool          // it can keep the organization
}

var meetings = []meeting{
	{"the owner verifies", func(_ context.Context, x dying) error { return x.verify(x.link) }, nil, true},
	{"the owner is linked with another issuer", func(ctx context.Context, x dying) error {
		_, err := Directory{x.Table}.Recognize(ctx, caller.Identity{Issuer: "https://else.example", Subject: "v", Email: x.owner.Email})
		return err
	}, nil, true},
	{"the member founds another", func(_ context.Context, x dying) error {
		_, err := x.found("Second", x.member.Email)
		return err
	}, nil, false},
	{"one with its name is founded", func(_ context.Context, x dying) error {
		_, err := x.found(x.Name, "new@else.example")
		return err
	}, []fault.Fault{org.NameTaken}, false},
	{"the member is made an admin elsewhere", func(ctx context.Context, x dying) error {
		return Directory{x.Table}.Promote(ctx, x.elsewhere, addressOf(x.member.Email))
	}, []fault.Fault{org.UnknownAccount}, false},
	{"the member is linked elsewhere", func(ctx context.Context, x dying) error {
		_, _, err := Register{x.Table}.Associate(ctx, x.elsewhere, x.member.UserID, "E-1")
		return err
	}, []fault.Fault{customer.UnknownUser}, false},
	{"a guest accepts", func(ctx context.Context, x dying) error {
		return Team{x.Table}.Accept(ctx, x.guest, x.invitation)
	}, []fault.Fault{org.InvalidInvitation}, true},
	{"a guest becomes an admin", func(ctx context.Context, x dying) error {
		sue := x.guest
		sue.UserID, sue.Email = "kp_sue_guest", "sue@guest.example"
		return Team{x.Table}.Accept(ctx, sue, x.seat)
	}, []fault.Fault{org.InvalidInvitation, org.TooManyAdmins.In("")}, true},
	{"a guest is invited", func(ctx context.Context, x dying) error {
		return Team{x.Table}.Invite(ctx, x.owner, addressOf("new@guest.example"), org.Member)
	}, []fault.Fault{org.NotMember}, false},
	{"a guest is made an admin", func(ctx context.Context, x dying) error {
		return Directory{x.Table}.Promote(ctx, x.owner, addressOf(x.guest.Email))
	}, []fault.Fault{org.Gone, org.NotAdmin}, true},
	{"a guest is linked", func(ctx context.Context, x dying) error {
		_, _, err := Register{x.Table}.Associate(ctx, x.owner, x.guest.UserID, "G-1")
		return err
	}, []fault.Fault{org.Gone, org.NotAdmin}, true},
	{"an API client takes the place of another", func(ctx context.Context, x dying) error {
		if err := (Directory{x.Table}).RemoveClient(ctx, x.owner, x.client.ID); err != nil {
			return err
		}
		_, _, err := Directory{x.Table}.AddClient(ctx, x.owner, "Another")
		return err
	}, []fault.Fault{org.Gone, org.NotAdmin, org.UnknownClient}, false},
	{"it gets another name", func(ctx context.Context, x dying) error {
		name := "Renamed"
		_, err := Directory{x.Table}.Change(ctx, x.owner, org.Changes{Name: &name})
		return err
	}, []fault.Fault{org.Gone, org.NotAdmin}, false},
	{"its roll is made", func(ctx context.Context, x dying) error {
		return Roll{x.Table}.Fold(ctx, logPartition(x.ID))
	}, []fault.Fault{busy}, false},
	{"its trail is sealed", func(ctx context.Context, x dying) error {
		return Trail{x.Table}.Seal(ctx, x.ID)
	}, nil, false},
}

// Whatever goes on while an organization is erased, it is gone afterwards with
// all that it had, or whole; and what was answered as done elsewhere is there.
// Either is held before each of its calls for the other to go on: so each order
// in which they part one another once is tried, and of those after the first two
// calls of the other every third.
//
// Tried with the controls that it must catch: a Verify that looked for the home
// before its transaction alone left an audit entry; an erasure that read the members
// once left a membership, one that counted the API clients another; a Fold and
// a Seal that did not look for the organization after their first write left a roll and
// a seal; an Associate that did not look for it at all made a member of nothing.
func TestExpireMeets(t *testing.T) {
	whole, items := doomed(t)
	for _, m := range meetings {
		t.Run(m.what, func(t *testing.T) {
			t.Parallel()
			count := map[bool]int{}
			for j, parted := int64(1), true; parted; j++ {
				parted = false
				for k, held := int64(1), true; held && !t.Failed(); k++ {
					if j > 2 && (j+k)%3 != 0 {
						continue
					}
					bubble(t, func(t *testing.T, d *desk) {
						x := whole
						x.desk = d
						x.again(items, whole.Now())
						var reached bool
						if reached, held = x.meet(t, m, j, k); reached {
							parted = true
						}
						if gone := x.ended(); t.Failed() {
							t.Fatalf("the other was held at its call %d, the erasure at %d", j, k)
						} else {
							count[gone]++
						}
						held = held && reached
					})
				}
			}
			if count[true] == 0 || m.saves != (count[false] > 0) {
				t.Errorf("gone %d times, whole %d times", count[true], count[false])
			}
			t.Logf("%d orders", count[true]+count[false])
		})
	}
}

// again makes the table that the items are.
func (x dying) again(items []item, now time.Time) {
	x.walked = false // it has been
	for some := range slices.Chunk(items, 100) {
		var writes []write
		for _, i := range some {
			writes = append(writes, x.put(i))
		}
		x.raw(writes...)
	}
	x.scale = scale{few: 1, fold: 3, loose: 100, sheet: 8}
	x.clock.pass(now.Sub(x.Now()))
}

// meet holds the other before its call j until the erasure is about to make its
// call k, or has ended. The erasure goes on once the other has ended.
func (x dying) meet(t *testing.T, m meeting, j, k int64) (reached, held bool) {
	t.Helper()
	ended, goOn := make(chan error, 1), make(chan struct{})
	erase := func() {
		at, own := make(chan struct{}), &wire{engine: x.wire.engine}
		own.before(k, func() {
			close(at)
			<-goOn
		})
		eraser := *x.Table
		eraser.Client = dynamodb.New(x.Client.Options(), func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: own} })
		go func() { ended <- Directory{&eraser}.Expire(context.Background(), x.ID) }()
		select {
		case <-at:
			held = true
		case err := <-ended:
			ended <- err
		}
	}
	x.wire.before(j, func() {
		reached = true
		erase()
	})
	err := m.do(t.Context(), x)
	x.wire.set(nil)
	if !reached {
		erase()
	}
	close(goOn)
	wants(t, "the erasure", <-ended)
	if err != nil {
		faults, _ := fault.All(err)
		if len(faults) != 1 || !slices.Contains(m.may, faults[0]) {
			t.Errorf("the other: %v", err)
		}
	}
	return reached, held
}

// before runs f when call n is about to be made.
func (w *wire) before(n int64, f func()) {
	var calls atomic.Int64
	w.set(func(_ call, send func() (*http.Response, error)) (*http.Response, error) {
		if calls.Add(1) == n {
			f()
		}
		return send()
	})
}

// ended reports whether the organization is gone, and fails unless it is gone
// or there as a whole.
func (x dying) ended() (gone bool) {
	x.t.Helper()
	x.sound()
	all := x.all()
	if all[orgKey(x.ID)] != nil {
		return false
	}
	for k, i := range all {
		claimed := k.sk != "LETTER" && k.sk != "AUDIT" && i.text("OrganizationId") == x.ID
		if claimed || strings.Contains(k.pk+sep+k.sk, x.ID) {
			x.t.Errorf("left: %s", strings.ReplaceAll(k.pk+" | "+k.sk, sep, "#"))
		}
	}
	return true
}
