package table

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// address is a parsed address.
func address(t *testing.T, s string) mail.Address {
	t.Helper()
	a, err := mail.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestInvite(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		m.has("host", org.InviteMembers, org.ReadMembers)
		admin, host, tom, robot := m.joins("ada", org.Admin), m.joins("hal", "host"), m.joins("tom", org.Member), m.robot()
		jane := address(t, "Jane@roe.example")
		var none fault.Fault
		for _, c := range []struct {
			by    caller.Caller
			role  org.Role
			want  fault.Fault
			trips int
		}{
			{m.owner, org.Owner, none, 2}, {m.owner, org.Billing, none, 2}, {m.owner, "Host", none, 2},
			{admin, org.Member, none, 2}, {admin, org.Admin, none, 2}, {admin, org.Owner, org.NotOwner, 0},
			{admin, org.Billing, org.Lacks(org.CreatePayments), 0}, {admin, "host", none, 2}, {admin, "x", org.UnknownRole.In("roleName"), 0},
			{robot, org.Member, none, 2}, {robot, org.Owner, org.NotOwner, 0},
			{host, "host", none, 2}, {host, org.Member, none, 2}, {host, org.Admin, org.Lacks(org.ReadOrganization), 0},
		} {
			what := fmt.Sprintf("%s%s invites a %s", c.by.UserID, c.by.ClientID, c.role)
			if c.want != none {
				m.unchanged(what, func() { wants(t, what, m.Invite(ctx, c.by, jane, c.role), c.want) })
				continue
			}
			m.takes(what, c.trips, func() error { return m.Invite(ctx, c.by, jane, c.role) })
		}
		for _, there := range []string{"TOM@acme.example", "ada@acme.example", "hal@acme.example"} {
			for _, by := range []caller.Caller{m.owner, admin, host} {
				m.unchanged(there, func() { wants(t, there, m.Invite(ctx, by, address(t, there), org.Member), org.AlreadyMember) })
			}
		}
		// The address has one invitation, the last, and nothing but the letters knows its token.
		r, err := m.Roster(ctx, m.owner, "")
		if err != nil || len(r.Invitations) != 1 || r.Invitations[0].Role != org.Member {
			t.Errorf("%+v, %v", r.Invitations, err)
		}
		letter := m.letter(jane.String())
		if letter.Kind != mail.Invitation || letter.Organization != m.Name || letter.Token == "" {
			t.Errorf("%+v", letter)
		}
		for k, i := range m.all() {
			if k.sk != "LETTER" && strings.Contains(shown(tree(i)), letter.Token) {
				t.Errorf("%v holds the token", k)
			}
			if k == invitationKey(m.ID, org.InvitationID(jane)) && bytes.Contains(i.bytes("TokenHash"), []byte(letter.Token)) {
				t.Error("the token's hash is no hash")
			}
		}
		if err := m.Dismiss(ctx, admin, tom.UserID); err != nil {
			t.Error(err)
		}
		if err := m.Invite(ctx, admin, address(t, tom.Email), org.Member); err != nil {
			t.Errorf("who was a member: %v", err)
		}
	})
}

func TestAccept(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		m.has("host", org.InviteMembers)
		for _, role := range []org.Role{org.Owner, org.Admin, org.Billing, org.Member, "host"} {
			c := d.account(string(role) + "@roe.example")
			token := m.invited(m.owner, strings.ToUpper(c.Email), role)
			m.takes("accepting "+string(role), 2, func() error { return m.Accept(ctx, c, token) })
			c.OrganizationID = m.ID
			if m.role(c) != role {
				t.Errorf("%s is a %s", c.UserID, m.role(c))
			}
			d.sound()
			m.unchanged("a used token", func() { wants(t, "a used token", m.Accept(ctx, c, token), org.InvalidInvitation) })
		}
		jane, joe := d.account("jane@roe.example"), d.account("joe@roe.example")
		old := m.invited(m.owner, jane.Email, org.Member)
		token := m.invited(m.owner, jane.Email, org.Member)
		wants(t, "a token that was replaced", m.Accept(ctx, jane, old), org.InvalidInvitation)
		wants(t, "somebody else's token", m.Accept(ctx, joe, token), org.WrongRecipient)
		wants(t, "no token", m.Accept(ctx, jane, "token"), org.InvalidInvitation)
		m.takes("revoking", 1, func() error { return m.Revoke(ctx, m.owner, org.InvitationID(address(t, jane.Email))) })
		wants(t, "revoking again", m.Revoke(ctx, m.owner, org.InvitationID(address(t, jane.Email))), org.UnknownInvitation)
		wants(t, "a revoked token", m.Accept(ctx, jane, token), org.InvalidInvitation)

		token = m.invited(m.owner, jane.Email, org.Member)
		d.clock.pass(org.InvitationTime - 2*time.Second)
		if err := m.Accept(ctx, jane, token); err != nil {
			t.Errorf("in time: %v", err)
		}
		token = m.invited(m.owner, joe.Email, org.Member)
		d.clock.pass(org.InvitationTime)
		wants(t, "an expired token", m.Accept(ctx, joe, token), org.InvalidInvitation)
		wants(t, "revoking what is expired", m.Revoke(ctx, m.owner, org.InvitationID(address(t, joe.Email))), org.UnknownInvitation)

		// The role was removed since; the user became a member by other means since.
		m.has("guest")
		token = m.invited(m.owner, joe.Email, "guest")
		if err := m.RemoveRole(ctx, m.owner, "guest"); err != nil {
			t.Error(err)
		}
		wants(t, "a role that is gone", m.Accept(ctx, joe, token), org.InvalidInvitation)
		token = m.invited(m.owner, joe.Email, org.Billing)
		admin := m.owner
		admin.Admin = true
		if err := (Directory{d.Table}).Promote(ctx, admin, address(t, joe.Email)); err != nil {
			t.Error(err)
		}
		m.unchanged("a member's token", func() { wants(t, "a member's token", m.Accept(ctx, joe, token), org.AlreadyMember) })
	})
}

// One invitation is accepted four times at the same moment: one does.
func TestAcceptAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		m := d.newTeam("acme")
		m.has("host", org.InviteMembers)
		for round, role := range []org.Role{org.Owner, org.Admin, org.Billing, org.Member, "host", "host", "host"} {
			c := d.account(fmt.Sprintf("u%d@roe.example", round))
			token := m.invited(m.owner, c.Email, role)
			errs := make([]error, 4)
			d.wire.lockstep()
			together(4, func(n int) { errs[n] = m.Accept(t.Context(), c, token) })
			d.wire.set(nil)
			joined := 0
			for _, err := range errs {
				if err == nil {
					joined++
				} else {
					wants(t, "the others", err, org.InvalidInvitation)
				}
			}
			if joined != 1 || m.role(c) != role {
				t.Errorf("%d of 4 made a %s: %v", joined, m.role(c), errs)
			}
			d.sound()
		}
	})
}
