package org

import (
	"errors"
	"slices"
	"testing"

	"charter/pkg/fault"
)

// What the built-in roles may, as the contract says it.
func TestBuiltInRoles(t *testing.T) {
	want := map[Role]Policies{
		Owner: {"org:organization:read", "org:organization:update", "org:member:read", "org:member:invite", "org:kyb:read", "org:kyb:submit",
			"billing:payment:create", "oms:order:create"},
		Admin: {"org:organization:read", "org:organization:update", "org:member:read", "org:member:invite", "org:kyb:read",
			"org:kyb:submit"},
		Billing: {"billing:payment:create"},
		Member:  {"org:organization:read", "oms:order:create"},
	}
	list := Roles(nil).List()
	for _, d := range list {
		if !slices.Equal(d.Policies, want[d.Role]) || !d.Protected || d.Description == "" {
			t.Errorf("%+v", d)
		}
		if d.Role.Custom() {
			t.Errorf("%s is custom", d.Role)
		}
	}
	if len(list) != len(want) || len(Permissions) != len(want[Owner]) {
		t.Errorf("%d roles, %d permissions", len(list), len(Permissions))
	}
	if !Role("buyer").Custom() || Role("").Custom() {
		t.Error("buyer is a custom role, and no role is none")
	}
}

func TestParsePolicies(t *testing.T) {
	got, err := ParsePolicies([]string{"oms:order:create", "org:member:read", "oms:order:create"})
	if err != nil || !slices.Equal(got, Policies{ReadMembers, CreateOrders}) {
		t.Errorf("%v, %v", got, err)
	}
	if none, err := ParsePolicies(nil); err != nil || none == nil || len(none) != 0 {
		t.Errorf("%#v, %v", none, err)
	}
	for _, name := range []string{"", "org:*", "org:member:invite ", "ORG:member:invite"} {
		if _, err := ParsePolicies([]string{"org:member:read", name}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q is taken: %v", name, err)
		}
	}
}

// Nobody gives what they lack, but for membership itself.
func TestGives(t *testing.T) {
	role := func(name Role, policies ...Policy) Definition { return Definition{Role: name, Policies: policies} }
	owner, _ := BuiltIn(Owner)
	admin, _ := BuiltIn(Admin)
	billing, _ := BuiltIn(Billing)
	member, _ := BuiltIn(Member)
	host := role("host", InviteMembers)
	all := role("all", owner.Policies...)
	for _, c := range []struct {
		from, to Definition
		want     error
	}{
		{owner, owner, nil}, {owner, admin, nil}, {owner, billing, nil}, {owner, member, nil}, {owner, all, nil},
		{admin, owner, NotOwner}, {admin, admin, nil}, {admin, member, nil}, {admin, host, nil},
		{admin, billing, Lacks(CreatePayments)}, {admin, all, Lacks(CreatePayments)}, {admin, role("buyer", ReadMembers, CreateOrders), Lacks(CreateOrders)},
		{all, owner, NotOwner}, {all, admin, nil}, {all, billing, nil}, {all, all, nil},
		{host, member, nil}, {host, host, nil}, {host, role("none"), nil}, {host, admin, Lacks(ReadOrganization)},
		{host, billing, Lacks(CreatePayments)}, {host, owner, NotOwner},
	} {
		if err := c.from.Gives(c.to); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s gives %s: %v; want %v", c.from.Role, c.to.Role, err, c.want)
		}
	}
	if Policies(nil).Least() != Admin || (Policies{ReadKYB}).Least() != Admin || (Policies{ReadKYB, CreateOrders}).Least() != Owner {
		t.Error("Least is not the lesser role that grants all")
	}
}

func TestRoles(t *testing.T) {
	roles := Roles{{Role: "Zebra"}, {Role: "buyer"}}
	var names []Role
	for _, d := range roles.List() {
		names = append(names, d.Role)
	}
	if !slices.Equal(names, []Role{Owner, Admin, Billing, Member, "buyer", "Zebra"}) {
		t.Errorf("%v", names)
	}
	for name, want := range map[Role]Role{"owner": Owner, "\u00a0OWNER": Owner, "Buyer": "buyer", "zebra": "Zebra", "z": "", "": ""} {
		if d, ok := roles.Named(name); d.Role != want || ok != (want != "") {
			t.Errorf("%q is %q", name, d.Role)
		}
	}
}
