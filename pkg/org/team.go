package org

import (
	"context"
	"fmt"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/mail"
)

var (
	// NotMember is a caller who does not belong to the organization, or one that
	// does not exist: the two are not told apart.
	NotMember = fault.Fault{Kind: fault.Forbidden, Code: "not_a_member", Message: "You are not a member of this organization."}
	// NotOwner is a caller who does to an owner, or to who becomes one, what only
	// an owner may.
	NotOwner = fault.Fault{Kind: fault.Forbidden, Code: "owner_required",
		Message: "Only an owner may make, change, invite or remove an owner."}
	// ProtectedRole is a built-in role that somebody wants to change.
	ProtectedRole = fault.Fault{Kind: fault.Forbidden, Code: "protected_role", Message: "Built-in roles are protected."}
	// WrongRecipient is an invitation for somebody else.
	WrongRecipient = fault.Fault{Kind: fault.Forbidden, Code: "wrong_recipient",
		Message: "This invitation was sent to another e-mail address."}
	// SlugTaken is a slug that another organization of either dialect has.
	SlugTaken = fault.Fault{Kind: fault.Taken, Code: "slug_taken", Message: "Organization slug is already taken."}
	// LastOwner is the last owner, who has to stay.
	LastOwner = fault.Fault{Kind: fault.Conflict, Code: "last_owner", Message: "Organization must keep at least one owner."}
	// AlreadyMember is an invitation for somebody who belongs already.
	AlreadyMember = fault.Fault{Kind: fault.Conflict, Code: "already_a_member",
		Message: "User is already a member of this organization."}
	// UnknownMember is a user, known or not, who does not belong.
	UnknownMember = fault.Fault{Kind: fault.NotFound, Code: "unknown_member", Message: "Member not found."}
	// UnknownInvitation is an id that no pending invitation has.
	UnknownInvitation = fault.Fault{Kind: fault.NotFound, Code: "unknown_invitation", Message: "Invitation not found."}
	// InvalidInvitation is a token that is used, revoked, expired or was never one.
	InvalidInvitation = fault.Fault{Kind: fault.Invalid, Code: "invalid_invitation", Message: "Invalid or expired invitation token."}
	// UnknownRole is a name that no role of the organization has.
	UnknownRole = fault.Fault{Kind: fault.NotFound, Code: "unknown_role", Message: "Role not found."}
	// RoleTaken is a name that another custom role has.
	RoleTaken = fault.Fault{Kind: fault.Taken, Code: "role_taken", Message: "Role already exists."}
	// RoleInUse is a role that members have.
	RoleInUse = fault.Fault{Kind: fault.Conflict, Code: "role_in_use", Message: "Role is assigned to members and cannot be deleted."}
	// TooManyRoles is one over MaxRoles.
	TooManyRoles = fault.Fault{Kind: fault.Invalid, Code: "too_many_roles",
		Message: fmt.Sprintf("An organization has at most %d custom roles.", MaxRoles)}
	// InvalidCursor is a place in a list that no answer has named.
	InvalidCursor = fault.Fault{Kind: fault.Invalid, Code: "invalid_cursor", Field: "cursor", Message: "Must come from an earlier answer."}
)

// Team keeps organizations as their members see them, each with the policies of
// their role at that moment.
//
// The first methods are about the caller, who is a person. The others are about
// the organization that c.OrganizationID names, which need not be the token's.
// They refuse, before they look at anything else, a caller who is NotMember,
// then one who Lacks the policy that they name. An API client counts as an
// admin of its own organization. Every method may also fail with
// fault.Unavailable: then nothing was done, or it is not known what was.
type Team interface {
	// Establish makes an organization whose owner is the caller. Its name is not
	// claimed. Errors: SlugTaken, AccountGone.
	Establish(ctx context.Context, c caller.Caller, name, slug string, p Profile) (Organization, error)

	// Organizations lists where the caller belongs, oldest membership first.
	Organizations(ctx context.Context, c caller.Caller) ([]Organization, error)

	// Accept makes the caller a member, once, by the token of an invitation.
	// Errors: InvalidInvitation, WrongRecipient, AlreadyMember, TooManyAdmins.
	Accept(ctx context.Context, c caller.Caller, token string) error

	// Organization needs ReadOrganization.
	Organization(ctx context.Context, c caller.Caller) (Organization, error)

	// Revise changes what an organization says of itself; a new name is not
	// claimed, and a claim of the old one ends. It needs UpdateOrganization.
	Revise(ctx context.Context, c caller.Caller, changes Changes) error

	// Roster lists members and pending invitations, at most 1,000 together, from
	// the cursor on ("": the beginning). It needs ReadMembers. Errors:
	// InvalidCursor.
	Roster(ctx context.Context, c caller.Caller, cursor string) (Roster, error)

	// Assign gives a member another role. It needs InviteMembers and a role that
	// Gives that one. Errors: UnknownRole, UnknownMember, NotOwner, LastOwner,
	// TooManyAdmins.
	Assign(ctx context.Context, c caller.Caller, userID string, role Role) error

	// Dismiss ends a membership, and with it the links to customers. It needs InviteMembers. Errors: UnknownMember,
	// NotOwner, LastOwner.
	Dismiss(ctx context.Context, c caller.Caller, userID string) error

	// Invite orders the letter that asks an address to join. An earlier
	// invitation of the address ends. It needs InviteMembers and a role that
	// Gives that one. Errors: UnknownRole, NotOwner, AlreadyMember.
	Invite(ctx context.Context, c caller.Caller, email mail.Address, role Role) error

	// Revoke ends a pending invitation. It needs InviteMembers. Errors:
	// UnknownInvitation.
	Revoke(ctx context.Context, c caller.Caller, invitationID string) error

	// Roles lists the custom roles. It needs ReadOrganization.
	Roles(ctx context.Context, c caller.Caller) (Roles, error)

	// AddRole adds a custom role. It needs UpdateOrganization and a role that
	// Grants its policies, as ChangeRole does. Errors: ProtectedRole, RoleTaken,
	// TooManyRoles.
	AddRole(ctx context.Context, c caller.Caller, d Definition) error

	// ChangeRole changes all but the name of a custom role, for its holders at
	// once. Errors: ProtectedRole, UnknownRole.
	ChangeRole(ctx context.Context, c caller.Caller, d Definition) error

	// RemoveRole removes a custom role that no member has. It needs
	// UpdateOrganization. Errors: ProtectedRole, UnknownRole, RoleInUse.
	RemoveRole(ctx context.Context, c caller.Caller, role Role) error
}

// Roster is a page of the people of an organization.
type Roster struct {
	Members     []Teammate
	Invitations []Invitation // the pending ones
	Next        string       // the cursor of the next page, "" when there is none
}

// Teammate is a member.
type Teammate struct {
	User
	Role     Role
	JoinedAt time.Time
}
