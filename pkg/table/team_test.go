package table

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// team is an organization of the platform dialect with people in it.
type team struct {
	*desk
	Team
	org.Organization
	owner caller.Caller
}

// newTeam makes an organization that ann owns.
func (d *desk) newTeam(slug string) team {
	d.t.Helper()
	owner := d.account("ann@" + slug + ".example")
	o, err := Team{d.Table}.Establish(d.t.Context(), owner, "Team "+slug, slug, org.Profile{Country: "Kenya"})
	if err != nil {
		d.t.Fatal(err)
	}
	owner.OrganizationID = o.ID
	return team{d, Team{d.Table}, o, owner}
}

// account makes the account of an address, whose first name is what stands
// before the @. Its id is made of the address: kp_ann_acme.
func (d *desk) account(address string) caller.Caller {
	d.t.Helper()
	email, err := mail.ParseAddress(address)
	if err != nil {
		d.t.Fatal(err)
	}
	name, domain, _ := strings.Cut(address, "@")
	u := org.User{ID: "kp_" + name + "_" + strings.TrimSuffix(domain, ".example"), Person: org.Person{FirstName: name, LastName: "Roe", Email: email, Phone: "7"}}
	now := moment(d.Now())
	d.raw(d.put(userItem(u).set("VerifiedAt", now)), d.put(emailItem(u).set("VerifiedAt", now)))
	return caller.Caller{UserID: u.ID, Email: address, Verified: true}
}

// joins makes an account a member, by an invitation of the owner.
func (m team) joins(name string, role org.Role) caller.Caller {
	m.t.Helper()
	c := m.account(name + "@" + m.Slug + ".example")
	if err := m.Accept(m.t.Context(), c, m.invited(m.owner, c.Email, role)); err != nil {
		m.t.Fatal(err)
	}
	c.OrganizationID = m.ID
	return c
}

// invited invites an address and returns the token in the letter.
func (m team) invited(by caller.Caller, address string, role org.Role) string {
	m.t.Helper()
	email, err := mail.ParseAddress(address)
	if err != nil {
		m.t.Fatal(err)
	}
	m.clock.pass(time.Millisecond) // letters are told apart by their ids, which sort by time
	if err := m.Invite(m.t.Context(), by, email, role); err != nil {
		m.t.Fatal(err)
	}
	return m.letter(address).Token
}

// letter is the last letter to an address.
func (d *desk) letter(address string) (last mail.Letter) {
	d.t.Helper()
	for k, i := range d.all() {
		if k.sk == "LETTER" && i.text("To") == address && i.text("LetterId") > last.ID {
			letter, err := readLetter(i)
			if err != nil {
				d.t.Fatal(err)
			}
			last = letter
		}
	}
	return last
}

// robot is an API client of the organization.
func (m team) robot() caller.Caller {
	m.t.Helper()
	admin := m.owner
	admin.Admin = true
	client, _, err := Directory{m.desk.Table}.AddClient(m.t.Context(), admin, "robot")
	if err != nil {
		m.t.Fatal(err)
	}
	return caller.Caller{ClientID: client.ID, OrganizationID: m.ID}
}

// has adds a custom role with the policies.
func (m team) has(role org.Role, policies ...org.Policy) {
	m.t.Helper()
	if err := m.AddRole(m.t.Context(), m.owner, org.Definition{Role: role, Description: "One of ours.", Policies: policies}); err != nil {
		m.t.Fatal(err)
	}
}

// role is the role of a user, "" for no member.
func (m team) role(c caller.Caller) org.Role {
	return org.Role(m.all()[memberKey(m.ID, c.UserID)].text("Role"))
}

// trips is how many calls f waits for, one after another: calls in flight
// together are one. It is for bubbles.
func (d *desk) trips(f func()) int {
	d.wire.lockstep()
	defer d.wire.set(nil)
	start := time.Now()
	f()
	return int(time.Since(start) / trip)
}

// between runs meanwhile before the last of so many transactions that mention
// a text is sent.
func (d *desk) between(mention string, transactions int32, meanwhile func()) {
	var seen atomic.Int32
	d.wire.set(func(c call, send func() (*http.Response, error)) (*http.Response, error) {
		if c.op == "TransactWriteItems" && strings.Contains(c.body, mention) && seen.Add(1) == transactions {
			meanwhile()
		}
		return send()
	})
}

// takes checks that f succeeds, in so many trips.
func (m team) takes(what string, trips int, f func() error) {
	m.t.Helper()
	got := m.trips(func() {
		if err := f(); err != nil {
			m.t.Errorf("%s: %v", what, err)
		}
	})
	if got != trips {
		m.t.Errorf("%s takes %d trips; want %d", what, got, trips)
	}
}

// Every method refuses who is no member, and the member who lacks its policy,
// and does nothing for them.
func TestPoliciesOfATeam(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		m, other := d.newTeam("acme"), d.newTeam("bolt")
		m.has("buyer", org.CreateOrders)
		member, target := m.joins("mia", org.Member), m.joins("tom", "buyer")
		biller := m.joins("bob", org.Billing)
		m.invited(m.owner, "joe@acme.example", org.Member)
		email, _ := mail.ParseAddress("new@acme.example")
		stranger := d.account("eve@evil.example")
		stranger.OrganizationID = m.ID
		gone := m.owner
		gone.OrganizationID = "org_gone"
		robot := other.robot()
		robot.OrganizationID = m.ID
		city := "Mombasa"
		for _, c := range []struct {
			what   string
			policy org.Policy
			call   func(ctx context.Context, c caller.Caller) error
		}{
			{"read", org.ReadOrganization, func(ctx context.Context, c caller.Caller) error { _, err := m.Team.Organization(ctx, c); return err }},
			{"revise", org.UpdateOrganization, func(ctx context.Context, c caller.Caller) error {
				return m.Revise(ctx, c, org.Changes{City: &city})
			}},
			{"roster", org.ReadMembers, func(ctx context.Context, c caller.Caller) error { _, err := m.Roster(ctx, c, ""); return err }},
			{"assign", org.InviteMembers, func(ctx context.Context, c caller.Caller) error { return m.Assign(ctx, c, target.UserID, org.Member) }},
			{"assign a custom role", org.InviteMembers, func(ctx context.Context, c caller.Caller) error {
				return m.Assign(ctx, c, member.UserID, "buyer")
			}},
			{"assign no role", org.InviteMembers, func(ctx context.Context, c caller.Caller) error {
				return m.Assign(ctx, c, target.UserID, "none")
			}},
			{"make an owner", org.InviteMembers, func(ctx context.Context, c caller.Caller) error { return m.Assign(ctx, c, c.UserID, org.Owner) }},
			{"dismiss", org.InviteMembers, func(ctx context.Context, c caller.Caller) error { return m.Dismiss(ctx, c, target.UserID) }},
			{"dismiss nobody", org.InviteMembers, func(ctx context.Context, c caller.Caller) error { return m.Dismiss(ctx, c, "kp_none") }},
			{"invite", org.InviteMembers, func(ctx context.Context, c caller.Caller) error { return m.Invite(ctx, c, email, org.Member) }},
			{"revoke", org.InviteMembers, func(ctx context.Context, c caller.Caller) error { return m.Revoke(ctx, c, org.InvitationID(email)) }},
			{"roles", org.ReadOrganization, func(ctx context.Context, c caller.Caller) error { _, err := m.Roles(ctx, c); return err }},
			{"add a role", org.UpdateOrganization, func(ctx context.Context, c caller.Caller) error {
				return m.AddRole(ctx, c, org.Definition{Role: "new", Policies: org.Policies{org.CreateOrders}})
			}},
			{"change a role", org.UpdateOrganization, func(ctx context.Context, c caller.Caller) error {
				return m.ChangeRole(ctx, c, org.Definition{Role: "buyer"})
			}},
			{"change owners", org.UpdateOrganization, func(ctx context.Context, c caller.Caller) error {
				return m.ChangeRole(ctx, c, org.Definition{Role: "owner"})
			}},
			{"remove a role", org.UpdateOrganization, func(ctx context.Context, c caller.Caller) error { return m.RemoveRole(ctx, c, "buyer") }},
		} {
			refused := func(who string, by caller.Caller, want fault.Fault) {
				m.unchanged(c.what+" by "+who, func() { wants(t, c.what+" by "+who, c.call(ctx, by), want) })
			}
			refused("a stranger", stranger, org.NotMember)
			refused("the owner of nothing", gone, org.NotMember)
			refused("another's client", robot, org.NotMember)
			refused("billing", biller, org.Lacks(c.policy))
			if c.policy == org.ReadOrganization {
				if err := c.call(ctx, member); err != nil {
					t.Errorf("%s by a member: %v", c.what, err)
				}
			} else {
				refused("a member", member, org.Lacks(c.policy))
			}
		}
	})
}
