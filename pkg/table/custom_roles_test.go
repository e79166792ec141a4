package table

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/org"
)

func TestCustomRoles(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		m.has("editor", org.UpdateOrganization, org.ReadMembers)
		admin, editor, robot := m.joins("ada", org.Admin), m.joins("eve", "editor"), m.robot()
		define := func(name org.Role, p ...org.Policy) org.Definition {
			return org.Definition{Role: name, Description: "New.", Policies: p}
		}
		for n, c := range []struct {
			by     caller.Caller
			policy org.Policy
			lacks  org.Policy
			trips  int
		}{
			{m.owner, org.CreatePayments, "", 1}, {m.owner, org.ReadKYB, "", 1},
			{admin, org.ReadKYB, "", 1}, {admin, org.CreateOrders, org.CreateOrders, 0},
			{robot, org.InviteMembers, "", 1}, {robot, org.CreatePayments, org.CreatePayments, 0},
			{editor, org.ReadMembers, "", 2}, {editor, org.InviteMembers, org.InviteMembers, 0}, {editor, org.CreateOrders, org.CreateOrders, 0},
		} {
			name := org.Role(fmt.Sprintf("role %d", n))
			what := fmt.Sprintf("%s%s and %s", c.by.UserID, c.by.ClientID, c.policy)
			if c.lacks != "" {
				m.unchanged(what, func() { wants(t, what, m.AddRole(ctx, c.by, define(name, c.policy)), org.Lacks(c.lacks)) })
				m.unchanged(what, func() { wants(t, what, m.ChangeRole(ctx, c.by, define("editor", c.policy)), org.Lacks(c.lacks)) })
				continue
			}
			m.takes(what+", added", c.trips, func() error { return m.AddRole(ctx, c.by, define(name, c.policy)) })
			m.takes(what+", changed", c.trips, func() error { return m.ChangeRole(ctx, c.by, define(name, c.policy)) })
			m.takes(what+", removed", c.trips, func() error { return m.RemoveRole(ctx, c.by, name) })
		}
		for _, by := range []caller.Caller{m.owner, editor} {
			wants(t, "taken", m.AddRole(ctx, by, define(" EDITOR ")), org.RoleTaken)
			wants(t, "unknown", m.ChangeRole(ctx, by, define("none")), org.UnknownRole)
			wants(t, "unknown", m.RemoveRole(ctx, by, "none"), org.UnknownRole)
			wants(t, "in use", m.RemoveRole(ctx, by, "editor"), org.RoleInUse)
			wants(t, "protected", m.AddRole(ctx, by, define("Owner")), org.ProtectedRole)
			wants(t, "protected", m.ChangeRole(ctx, by, define("member")), org.ProtectedRole)
			wants(t, "protected", m.RemoveRole(ctx, by, "ADMIN"), org.ProtectedRole)
		}

		// What a role may is read at the moment of the request.
		_, err := m.Team.Organization(ctx, editor)
		wants(t, "not yet", err, org.Lacks(org.ReadOrganization))
		if err := m.ChangeRole(ctx, m.owner, define("Editor", org.ReadOrganization, org.CreateOrders)); err != nil {
			t.Error(err)
		}
		m.takes("reading with a custom role", 1, func() error { _, err := m.Team.Organization(ctx, editor); return err })
		wants(t, "not any more", m.RemoveRole(ctx, editor, "editor"), org.Lacks(org.UpdateOrganization))
		var roles org.Roles
		m.takes("roles", 1, func() (err error) { roles, err = m.Roles(ctx, editor); return err })
		if len(roles) != 1 || roles[0].Role != "editor" || roles[0].Description != "New." ||
			!slices.Equal(roles[0].Policies, org.Policies{org.ReadOrganization, org.CreateOrders}) || roles[0].Protected {
			t.Errorf("%+v", roles)
		}
	})
}

func TestMostRoles(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		m := d.newTeam("acme")
		for n := range org.MaxRoles {
			m.has(org.Role(fmt.Sprintf("role %d", n)))
		}
		wants(t, "one more", m.AddRole(t.Context(), m.owner, org.Definition{Role: "one more"}), org.TooManyRoles)
	})
}

// A role is removed while it is given.
func TestCustomRolesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		m := d.newTeam("acme")
		tom := m.joins("tom", org.Member)
		for round := range 20 {
			if err := m.Assign(t.Context(), m.owner, tom.UserID, org.Member); err != nil {
				t.Fatal(err)
			}
			name := org.Role(fmt.Sprintf("role %d", round))
			m.has(name, org.UpdateOrganization)
			errs := make([]error, 2)
			d.wire.lockstep()
			together(2, func(n int) {
				if n == 0 {
					errs[n] = m.Assign(t.Context(), m.owner, tom.UserID, name)
				} else {
					errs[n] = m.RemoveRole(t.Context(), m.owner, name)
				}
			})
			d.wire.set(nil)
			switch {
			case errs[0] == nil:
				wants(t, "removed while it was given", errs[1], org.RoleInUse)
			case errs[1] == nil:
				wants(t, "given while it was removed", errs[0], org.UnknownRole.In("roleName"))
			default:
				t.Errorf("round %d: %v", round, errs)
			}
			d.sound()
		}
	})
}

// What a custom role was read to allow has to hold when the write is done.
func TestCustomRoleTakenMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		m.has("editor", org.UpdateOrganization, org.InviteMembers)
		eve, tom := m.joins("eve", "editor"), m.joins("tom", org.Member)
		city := "Mombasa"
		for name, taken := range map[string]func() error{
			"the role is another":    func() error { return m.Assign(ctx, m.owner, eve.UserID, org.Member) },
			"the role is less":       func() error { return m.ChangeRole(ctx, m.owner, org.Definition{Role: "editor"}) },
			"the membership is over": func() error { return m.Dismiss(ctx, m.owner, eve.UserID) },
		} {
			for what, c := range map[string]struct {
				mention string
				write   func() error
			}{
				"revise":        {city, func() error { return m.Revise(ctx, eve, org.Changes{City: &city}) }},
				"add a role":    {"role.add", func() error { return m.AddRole(ctx, eve, org.Definition{Role: "new"}) }},
				"assign":        {"member.update", func() error { return m.Assign(ctx, eve, tom.UserID, org.Member) }},
				"give up":       {"member.update", func() error { return m.Assign(ctx, eve, eve.UserID, org.Member) }},
				"dismiss":       {"member.remove", func() error { return m.Dismiss(ctx, eve, tom.UserID) }},
				"revoke nobody": {"invitation.remove", func() error { return m.Revoke(ctx, eve, "inv_none") }},
			} {
				d.between(c.mention, 2, func() {
					d.wire.set(nil)
					if err := taken(); err != nil {
						t.Error(err)
					}
				})
				if err := c.write(); !errors.Is(err, fault.Forbidden) {
					t.Errorf("%s, and %s: %v", what, name, err)
				}
				d.wire.set(nil)
				if err := m.ChangeRole(ctx, m.owner, org.Definition{Role: "editor", Policies: org.Policies{org.UpdateOrganization, org.InviteMembers}}); err != nil {
					t.Fatal(err)
				}
				if m.role(eve) == "" {
					eve = m.joins("eve", "editor")
				} else if err := m.Assign(ctx, m.owner, eve.UserID, "editor"); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
