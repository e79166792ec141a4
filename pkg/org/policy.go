package org

import (
	"cmp"
	"fmt"
	"slices"

	"charter/pkg/fault"
	"charter/pkg/text"
)

// Policy is one thing that a role lets its holder do.
type Policy string

const (
	ReadOrganization   Policy = "org:organization:read"
	UpdateOrganization Policy = "org:organization:update"
	ReadMembers        Policy = "org:member:read"
	InviteMembers      Policy = "org:member:invite"
	ReadKYB            Policy = "org:kyb:read"
	SubmitKYB          Policy = "org:kyb:submit"
	CreatePayments     Policy = "billing:payment:create"
	CreateOrders       Policy = "oms:order:create"
)

// Permission is a policy in words.
type Permission struct {
	Policy      Policy
	Description string
}

// Permissions are all policies, in the order in which they are shown.
var Permissions = []Permission{
	{ReadOrganization, "See the organization and its roles."},
	{UpdateOrganization, "Change the organization's settings and its custom roles."},
	{ReadMembers, "See members and pending invitations."},
	{InviteMembers, "Invite people, change their roles and remove them."},
	{ReadKYB, "See the state of the business verification."},
	{SubmitKYB, "Submit documents for the business verification."},
	{CreatePayments, "Make payments."},
	{CreateOrders, "Place orders."},
}

// Policies are what a role lets its holder do, each once, in the order of Permissions.
type Policies []Policy

var (
	all      = policies(func(Policy) bool { return true })
	unknown  = fault.Fault{Kind: fault.Invalid, Code: "unknown_policy"}
	ownRoles = Roles{
		{Owner, "Everything. An organization keeps at least one.", all, true},
		{Admin, "Manages the organization and its people.", all[:6], true},
		{Billing, "Makes payments.", Policies{CreatePayments}, true},
		{Member, "Sees the organization and places orders.", Policies{ReadOrganization, CreateOrders}, true},
	}
)

func policies(chosen func(Policy) bool) Policies {
	p := Policies{}
	for _, known := range Permissions {
		if chosen(known.Policy) {
			p = append(p, known.Policy)
		}
	}
	return p
}

// ParsePolicies reads a list of policies, in any order.
func ParsePolicies(names []string) (Policies, error) {
	for _, name := range names {
		if !slices.Contains(all, Policy(name)) {
			f := unknown
			f.Message = fmt.Sprintf("%.64q is no policy.", name)
			return nil, f
		}
	}
	return policies(func(p Policy) bool { return slices.Contains(names, string(p)) }), nil
}

// Lacks is a caller without a policy that the request needs.
func Lacks(p Policy) fault.Fault {
	return fault.Fault{Kind: fault.Forbidden, Code: "policy_required",
		Message: fmt.Sprintf("You lack the required IAM policy (%s) to perform this request.", p)}
}

// Definition says what a role is.
type Definition struct {
	Role        Role
	Description string
	Policies    Policies
	Protected   bool // built in: never changed
}

// Allows refuses a role without the policy. Errors: Lacks.
func (d Definition) Allows(p Policy) error {
	if !slices.Contains(d.Policies, p) {
		return Lacks(p)
	}
	return nil
}

// Grants refuses policies that the role itself lacks. Errors: Lacks.
func (d Definition) Grants(policies Policies) error {
	for _, p := range policies {
		if err := d.Allows(p); err != nil {
			return err
		}
	}
	return nil
}

// Gives refuses a role that a holder of d may not give to others: that of
// owners to all but them, and any with a policy that d lacks. Member is the
// least that it can mean to belong, so who may bring people in gives it.
// Errors: NotOwner, Lacks.
func (d Definition) Gives(other Definition) error {
	switch other.Role {
	case Member:
		return nil
	case Owner:
		if d.Role != Owner {
			return NotOwner
		}
	}
	return d.Grants(other.Policies)
}

// Least is the lesser of the roles Admin and Owner that may grant the policies.
func (p Policies) Least() Role {
	admin, _ := BuiltIn(Admin)
	if admin.Grants(p) == nil {
		return Admin
	}
	return Owner
}

// BuiltIn is the definition of a role that every organization has.
func BuiltIn(r Role) (d Definition, ok bool) {
	for _, d := range ownRoles {
		if d.Role == r {
			return d, true
		}
	}
	return d, false
}

// Custom reports whether the role is one that an organization made.
func (r Role) Custom() bool {
	_, builtIn := BuiltIn(r)
	return r != "" && !builtIn
}

// MaxRoles is how many custom roles one organization can have.
const MaxRoles = 50

// Roles are the custom roles of an organization.
type Roles []Definition

// List is every role: the built-in ones, then the custom ones by name.
func (r Roles) List() []Definition {
	custom := slices.SortedFunc(slices.Values(r), func(a, b Definition) int {
		return cmp.Or(cmp.Compare(text.Fold(string(a.Role)), text.Fold(string(b.Role))), cmp.Compare(a.Role, b.Role))
	})
	return append(slices.Clone(ownRoles), custom...)
}

// Named finds a role, built in or custom, by the rule for names.
func (r Roles) Named(name Role) (d Definition, ok bool) {
	for _, d := range append(slices.Clone(ownRoles), r...) {
		if text.SameName(string(d.Role), string(name)) {
			return d, true
		}
	}
	return d, false
}

// ParseRole reads the name of a role: 1 to 200 characters.
func ParseRole(s string) (Role, error) {
	name, err := ParseName(s)
	return Role(name), err
}

// ParseDescription reads what a role is for: at most 200 characters.
func ParseDescription(s string) (string, error) { return text.Parse(s, 0, 200) }
