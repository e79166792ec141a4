package org

import (
	"context"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/mail"
)

var (
	// NameTaken is a name that another organization of the commerce dialect has.
	NameTaken = fault.Fault{Kind: fault.Taken, Code: "name_taken", Field: "Organization.Name",
		Message: "An organization with this name exists already."}
	// Gone is an organization that does not exist any more.
	Gone = fault.Fault{Kind: fault.NotFound, Code: "organization_gone", Field: "OrganizationId",
		Message: "The token's organization does not exist."}
	// NotAdmin is a caller without the Admin role in the organization.
	NotAdmin = fault.Fault{Kind: fault.Forbidden, Code: "admin_required",
		Message: "This needs the Admin role in the organization."}
	// UnknownAccount is an e-mail or id that no account has.
	UnknownAccount = fault.Fault{Kind: fault.NotFound, Code: "unknown_user", Message: "No user has this account."}
)

// Application asks for a new organization. Founder becomes its owner: with the
// account that the e-mail has already, else with a new one and the password.
type Application struct {
	Organization Profile
	Name         string
	Founder      Person
	Password     Password
}

// Directory keeps organizations and their people. Every method may also fail
// with fault.Unavailable: then nothing was done, or it is not known what was.
type Directory interface {
	// Found makes the organization, whole or not at all, and orders the welcome
	// letter. Errors: NameTaken.
	Found(ctx context.Context, a Application) (Organization, error)

	// Record is the caller's organization. Errors: Gone, NotAdmin.
	Record(ctx context.Context, c caller.Caller) (Record, error)

	// Account is the account of an e-mail with its memberships. For an e-mail
	// without one it takes as many reads. Errors: UnknownAccount.
	Account(ctx context.Context, email mail.Address) (Account, error)

	// Standing is what a user may do in an organization now. Errors: Gone,
	// UnknownAccount when the user is no member.
	Standing(ctx context.Context, userID, organizationID string) (Standing, error)
}

// Account is a user with the organizations that they belong to.
type Account struct {
	User
	Memberships []Membership
}

// Membership says that a user belongs to an organization.
type Membership struct {
	OrganizationID, Code string
}

// Standing is a member's place in an organization.
type Standing struct {
	OrganizationID, Code string
	Role                 Role
}
