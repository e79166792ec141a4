package table

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/fault"
	"charter/pkg/org"
)

func TestRoster(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		mia := m.joins("mia", org.Member)
		m.invited(m.owner, "joe@acme.example", org.Billing)
		m.invited(m.owner, "Sue@acme.example", org.Member)
		if err := m.Revoke(ctx, m.owner, org.InvitationID(m.letter("joe@acme.example").To)); err != nil {
			t.Error(err)
		}
		var r org.Roster
		m.takes("a roster with an owner whom only the account names", 2, func() (err error) { r, err = m.Roster(ctx, m.owner, ""); return err })
		if len(r.Members) != 2 || len(r.Invitations) != 1 || r.Next != "" {
			t.Fatalf("%+v", r)
		}
		if ann := r.Members[0]; ann.FirstName != "ann" || ann.Email.String() != "ann@acme.example" || ann.Role != org.Owner || ann.JoinedAt != m.CreatedAt {
			t.Errorf("%+v", ann)
		}
		if other := r.Members[1]; other.FirstName != "mia" || other.ID != mia.UserID || other.Role != org.Member {
			t.Errorf("%+v", other)
		}
		if i := r.Invitations[0]; i.Email.String() != "Sue@acme.example" || i.Role != org.Member || i.Expires != d.Now().Add(org.InvitationTime).Truncate(1e9) {
			t.Errorf("%+v", i)
		}
		d.clock.pass(org.InvitationTime)
		if r, err := m.Roster(ctx, m.owner, ""); err != nil || len(r.Invitations) != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		for _, cursor := range []string{"x", "####", "TUVNQkVS"} {
			_, err := m.Roster(ctx, m.owner, cursor)
			wants(t, "cursor "+cursor, err, org.InvalidCursor)
		}
	})
}

// A page has a thousand, and names another only where there is one.
func TestPagesOfTheRoster(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		add := func(from, to int) {
			for first := from; first < to; first += 25 {
				var writes []write
				for n := first; n < min(first+25, to); n++ {
					u := org.User{ID: fmt.Sprintf("kp_%04d", n), Person: m.person(fmt.Sprintf("u%04d@acme.example", n))}
					writes = append(writes, d.put(userItem(u)), d.put(emailItem(u)))
					for _, i := range d.belonging(m.Organization, u, org.Member, d.Now()) {
						writes = append(writes, d.put(i))
					}
				}
				d.raw(writes...)
			}
		}
		add(0, 999)
		r, err := m.Roster(ctx, m.owner, "")
		if err != nil || len(r.Members) != 1000 || r.Next != "" {
			t.Fatalf("%d, %q, %v", len(r.Members), r.Next, err)
		}
		add(999, 2345)
		seen, pages := map[string]bool{}, 0
		for next := ""; pages == 0 || next != ""; pages++ {
			r, err := m.Roster(ctx, m.owner, next)
			if err != nil || len(r.Members) > 1000 {
				t.Fatal(len(r.Members), err)
			}
			for _, u := range r.Members {
				seen[u.ID] = true
			}
			next = r.Next
		}
		if pages != 3 || len(seen) != 2346 {
			t.Errorf("%d members on %d pages", len(seen), pages)
		}
	})
}

func (m team) person(address string) org.Person {
	p, err := readPerson(item{"FirstName": str("U"), "LastName": str("V"), "Email": str(address)})
	if err != nil {
		m.t.Fatal(err)
	}
	return p
}

// Every role is given and taken, and what it comes with.
func TestAssign(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		m.has("host", org.InviteMembers)
		m.has("buyer", org.CreateOrders)
		admin, host, tom, robot := m.joins("ada", org.Admin), m.joins("hal", "host"), m.joins("tom", org.Member), m.robot()
		owner := m.owner
		var none fault.Fault
		for _, c := range []struct {
			by    caller.Caller
			to    org.Role
			want  fault.Fault
			trips int
		}{
			{admin, org.Admin, none, 1}, {admin, org.Member, none, 1}, {admin, org.Billing, org.Lacks(org.CreatePayments), 0},
			{admin, org.Owner, org.NotOwner, 0}, {admin, "host", none, 2}, {admin, "buyer", org.Lacks(org.CreateOrders), 0},
			{admin, "nobody", org.UnknownRole.In("roleName"), 0},
			{robot, org.Member, none, 2}, {robot, org.Admin, none, 1}, {robot, org.Owner, org.NotOwner, 0}, {robot, org.Member, none, 1},
			{owner, "BUYER", none, 2}, {owner, "host", none, 2}, {owner, org.Billing, none, 2}, {owner, org.Member, none, 1},
			{host, "host", none, 2}, {host, org.Admin, org.Lacks(org.ReadOrganization), 0}, {host, org.Member, none, 2},
			{host, "buyer", org.Lacks(org.CreateOrders), 0},
			{owner, org.Owner, none, 1}, {admin, org.Member, org.NotOwner, 0}, {host, org.Member, org.NotOwner, 0},
			{robot, org.Member, org.NotOwner, 0}, {tom, org.Admin, none, 1}, {tom, org.Billing, org.Lacks(org.CreatePayments), 0},
			{tom, org.Member, none, 1}, {tom, org.Admin, org.Lacks(org.InviteMembers), 0},
		} {
			what := fmt.Sprintf("%s%s makes tom, a %s, a %s", c.by.UserID, c.by.ClientID, m.role(tom), c.to)
			if c.want != none {
				m.unchanged(what, func() { wants(t, what, m.Assign(ctx, c.by, tom.UserID, c.to), c.want) })
				continue
			}
			m.takes(what, c.trips, func() error { return m.Assign(ctx, c.by, tom.UserID, c.to) })
			d.sound()
		}
		wants(t, "nobody", m.Assign(ctx, admin, "kp_none", org.Member), org.UnknownMember)
		m.unchanged("the last owner", func() {
			wants(t, "the last owner", m.Assign(ctx, owner, owner.UserID, org.Admin), org.LastOwner)
			wants(t, "the last owner goes", m.Dismiss(ctx, owner, owner.UserID), org.LastOwner)
		})
		// Who has a custom role can give up their own.
		m.takes("hal gives up being host", 2, func() error { return m.Assign(ctx, host, host.UserID, org.Member) })
	})
}

func TestDismiss(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		m.has("host", org.InviteMembers)
		admin, host, tom, sue, joe, second := m.joins("ada", org.Admin), m.joins("hal", "host"), m.joins("tom", org.Member),
			m.joins("sue", "host"), m.joins("joe", org.Admin), m.joins("olga", org.Owner)
		wants(t, "an owner by an admin", m.Dismiss(ctx, admin, second.UserID), org.NotOwner)
		wants(t, "an owner by a host", m.Dismiss(ctx, host, second.UserID), org.NotOwner)
		m.takes("a member", 1, func() error { return m.Dismiss(ctx, admin, tom.UserID) })
		m.takes("an admin by a host", 2, func() error { return m.Dismiss(ctx, host, joe.UserID) })
		m.takes("a host by a host", 2, func() error { return m.Dismiss(ctx, host, sue.UserID) })
		m.takes("a host by himself", 2, func() error { return m.Dismiss(ctx, host, host.UserID) })
		m.takes("an owner", 1, func() error { return m.Dismiss(ctx, m.owner, second.UserID) })
		for _, gone := range []caller.Caller{tom, joe, sue, host, second} {
			if list, err := m.Organizations(ctx, gone); err != nil || len(list) != 0 {
				t.Errorf("%s: %v, %v", gone.UserID, list, err)
			}
			wants(t, gone.UserID+" reads on", errorOf(m.Team.Organization(ctx, gone)), org.NotMember)
			wants(t, gone.UserID+" once more", m.Dismiss(ctx, m.owner, gone.UserID), org.UnknownMember)
		}
		// A host is nobody's role any more.
		if err := m.RemoveRole(ctx, m.owner, "host"); err != nil {
			t.Error(err)
		}
	})
}

// The links of a member outlive the membership; linked again, with what stands
// or anew, they are a member again.
func TestDismissTheLinked(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		tom, register, admin := m.joins("tom", org.Member), Register{d.Table}, m.owner
		admin.Admin = true
		link := func(number customer.Number) (customer.Association, bool) {
			a, made, err := register.Associate(ctx, admin, tom.UserID, number)
			if err != nil {
				t.Fatal(err)
			}
			return a, made
		}
		first, _ := link("C-1")
		for _, number := range []customer.Number{"C-1", "C-2"} {
			m.takes("linked", 1, func() error { return m.Dismiss(ctx, m.owner, tom.UserID) })
			if m.role(tom) != "" {
				t.Error("who was dismissed is a member")
			}
			d.sound()
			a, made := link(number)
			if made != (number == "C-2") || !made && a != first {
				t.Errorf("%s: %v, made: %v", number, a, made)
			}
			if m.role(tom) != org.Member {
				t.Errorf("linked again, the user is %q", m.role(tom))
			}
			d.sound()
		}
	})
}

func errorOf[T any](_ T, err error) error { return err }

// A change of role in one dialect is seen in the other at the next call.
func TestRolesAcrossDialects(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		commerce := Directory{d.Table}
		m.has("buyer", org.CreateOrders)
		owner, tom := m.owner, m.joins("tom", "buyer")
		owner.Admin, tom.Admin = true, true
		if err := commerce.Promote(ctx, owner, m.person(tom.Email).Email); err != nil || m.role(tom) != org.Owner {
			t.Errorf("an owner's promotion makes a %s: %v", m.role(tom), err)
		}
		d.sound()
		if err := m.RemoveRole(ctx, owner, "buyer"); err != nil {
			t.Errorf("whose only holder was promoted: %v", err)
		}
		if _, err := commerce.Record(ctx, tom); err != nil {
			t.Error(err)
		}
		if err := m.Assign(ctx, owner, tom.UserID, org.Admin); err != nil {
			t.Error(err)
		}
		wants(t, "an owner's demotion by an admin", commerce.Demote(ctx, tom, owner.UserID), org.OwnerOnly)
		if err := m.Assign(ctx, owner, tom.UserID, org.Billing); err != nil {
			t.Error(err)
		}
		_, err := commerce.Record(ctx, tom)
		wants(t, "billing in the other dialect", err, org.NotAdmin)
		if err := m.Assign(ctx, owner, tom.UserID, org.Admin); err != nil {
			t.Error(err)
		}
		admins, err := commerce.Admins(ctx, tom)
		if err != nil || len(admins) != 2 || admins[0].FirstName != "ann" || admins[1].FirstName != "tom" {
			t.Errorf("%+v, %v", admins, err)
		}
		if err := commerce.Demote(ctx, owner, tom.UserID); err != nil || m.role(tom) != org.Member {
			t.Errorf("a demotion leaves a %s: %v", m.role(tom), err)
		}
		wants(t, "the last owner there", commerce.Demote(ctx, owner, owner.UserID), org.LastAdmin)
	})
}

// Two owners demote themselves, demote each other, or leave, at the same
// moment: one of them stays an owner.
func TestOwnersAtOnce(t *testing.T) {
	for name, act := range map[string]func(ctx context.Context, m team, own, other caller.Caller) error{
		"demote themselves": func(ctx context.Context, m team, own, _ caller.Caller) error {
			return m.Assign(ctx, own, own.UserID, org.Member)
		},
		"demote each other": func(ctx context.Context, m team, own, other caller.Caller) error {
			return m.Assign(ctx, own, other.UserID, org.Member)
		},
		"leave": func(ctx context.Context, m team, own, _ caller.Caller) error { return m.Dismiss(ctx, own, own.UserID) },
		"remove the other": func(ctx context.Context, m team, own, other caller.Caller) error {
			return m.Dismiss(ctx, own, other.UserID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, d *desk) {
				for round := range 8 {
					m := d.newTeam(fmt.Sprintf("acme-%d", round))
					owners := []caller.Caller{m.owner, m.joins(fmt.Sprintf("olga%d", round), org.Owner)}
					errs := make([]error, 2)
					d.wire.lockstep()
					together(2, func(n int) { errs[n] = act(t.Context(), m, owners[n], owners[1-n]) })
					d.wire.set(nil)
					if (errs[0] == nil) == (errs[1] == nil) {
						t.Fatalf("round %d: %v", round, errs)
					}
					for _, err := range errs {
						if err != nil && !errors.Is(err, fault.Forbidden) && !errors.Is(err, org.LastOwner) {
							t.Errorf("round %d: %v", round, err)
						}
					}
					d.sound()
				}
			})
		})
	}
}

// Four owners do all of it to themselves and to each other, over two services
// at once. Somebody stays an owner, which the table's soundness says.
func TestOwnersInAMess(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		other := *d.Table
		services := []Team{{d.Table}, {&other}}
		for round := range 5 {
			m := d.newTeam(fmt.Sprintf("acme-%d", round))
			owners := []caller.Caller{m.owner}
			for n := range 3 {
				owners = append(owners, m.joins(fmt.Sprintf("olga%d-%d", round, n), org.Owner))
			}
			d.wire.lockstep()
			together(16, func(n int) {
				own, next := owners[n%4], owners[(n+round+1)%4]
				own.Admin = true // for the other dialect
				act := []func(s Team) error{
					func(s Team) error { return s.Assign(t.Context(), own, own.UserID, org.Billing) },
					func(s Team) error { return s.Dismiss(t.Context(), own, next.UserID) },
					func(s Team) error { return s.Assign(t.Context(), own, next.UserID, org.Admin) },
					func(s Team) error { return Directory(s).Demote(t.Context(), own, next.UserID) },
				}[n/4]
				err := act(services[n%2])
				if _, ok := fault.All(err); !ok {
					t.Errorf("round %d, %d: %v", round, n, err)
				}
			})
			d.wire.set(nil)
			d.sound()
		}
	})
}
