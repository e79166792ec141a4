package org

import (
	"context"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/mail"
)

var (
	// NameTaken is a name that another organization of the commerce dialect has.
	NameTaken = fault.Fault{Kind: fault.Taken, Code: "name_taken", Field: "Name",
		Message: "An organization with this name exists already."}
	// Gone is an organization that does not exist any more.
	Gone = fault.Fault{Kind: fault.NotFound, Code: "organization_gone", Field: "OrganizationId",
		Message: "The token's organization does not exist."}
	// NotAdmin is a caller without the Admin role in the organization.
	NotAdmin = fault.Fault{Kind: fault.Forbidden, Code: "admin_required",
		Message: "This needs the Admin role in the organization."}
	// UnknownAccount is an e-mail that no account has.
	UnknownAccount = fault.Fault{Kind: fault.NotFound, Code: "unknown_user", Field: "Email", Message: "No user has this e-mail."}
	// AccountGone is a caller whose account was erased since the token was made.
	AccountGone = fault.Fault{Kind: fault.Unauthenticated, Message: "Unauthorized: Invalid or expired token."}
	// Unverified is a caller whose token is for an unverified account, and who
	// is not at home, or whose account was verified since the token was made.
	Unverified = fault.Fault{Kind: fault.Forbidden, Code: "email_not_verified",
		Message: "Verify the e-mail address of your account by the link in its welcome letter, then sign in again."}
	// InvalidToken is the token of a link that is used, over or was never one.
	InvalidToken = fault.Fault{Kind: fault.Invalid, Code: "invalid_token", Field: "Token", Message: "Is no token, or is used or over."}
)

const (
	// VerifyTime is how long the link in a welcome letter verifies an e-mail.
	VerifyTime = 7 * 24 * time.Hour
	// UnverifiedTime is how long an organization made in the commerce dialect
	// stays without a member whose e-mail is verified.
	UnverifiedTime = 30 * 24 * time.Hour
)

// Application asks for a new organization. Founder becomes its owner: with the
// account that the e-mail has already, else with a new one and the password.
type Application struct {
	Organization Profile
	Name         string
	Founder      Person
	Password     Password
	Source       string // the address it comes from
}

// Directory keeps organizations and their people. A method that takes a caller
// is about the caller's organization and refuses, before it looks at anything
// else, one whose organization is Gone, then one who is NotAdmin at that moment.
// Every method may also fail with fault.Unavailable: then nothing was done, or
// it is not known what was.
type Directory interface {
	// Found makes the organization, whole or not at all, and orders the welcome
	// letter. A new account is unverified. It counts the attempt. Errors:
	// NameTaken, TooManyAttempts.
	Found(ctx context.Context, a Application) (Organization, error)

	// Record is the caller's organization.
	Record(ctx context.Context, c caller.Caller) (Record, error)

	// Change changes what an organization says of itself. Errors: NameTaken.
	Change(ctx context.Context, c caller.Caller, changes Changes) (Record, error)

	// Admins lists who holds the role, by e-mail, then id.
	Admins(ctx context.Context, c caller.Caller) ([]Administrator, error)

	// Promote gives the caller's own role (an API client's: Admin) to the account
	// of an e-mail, makes it a member if it is none, and orders the welcome
	// letter. For who is an admin already it does nothing. Errors:
	// UnknownAccount, TooManyAdmins.
	Promote(ctx context.Context, c caller.Caller, email mail.Address) error

	// Demote takes the role from a user, who stays a member. Errors:
	// NotAnAdmin, OwnerOnly, LastAdmin.
	Demote(ctx context.Context, c caller.Caller, userID string) error

	// AddClient makes an API client of the organization. Errors: TooManyClients;
	// a repeat under one Idempotency-Key: NotKept.
	AddClient(ctx context.Context, c caller.Caller, name string) (Client, Secret, error)

	// Clients lists the API clients, oldest first.
	Clients(ctx context.Context, c caller.Caller) ([]Client, error)

	// RemoveClient ends an API client and its tokens at once. Errors:
	// UnknownClient.
	RemoveClient(ctx context.Context, c caller.Caller, clientID string) error

	// Account is the account of an e-mail with its memberships. It counts the
	// attempt; for an e-mail without an account it takes as many trips. Errors:
	// UnknownAccount, TooManyAttempts.
	Account(ctx context.Context, email mail.Address, source string) (Account, error)

	// Verify proves by the token of a welcome letter that the account's e-mail is
	// its holder's, who chooses a password; the account's older tokens end. It
	// counts the attempt. Errors: InvalidToken, TooManyAttempts, a password that
	// anybody would guess.
	Verify(ctx context.Context, token string, p Password, source string) error

	// Expire erases an organization, whole, that is older than UnverifiedTime and
	// has no member whose account is verified; any other it leaves alone. The
	// accounts that were made with it and belong nowhere else go with it. Called
	// again it goes on where it ended.
	Expire(ctx context.Context, organizationID string) error

	// Standing is what a user may do in an organization now. Errors: Gone,
	// UnknownAccount when the user is no member.
	Standing(ctx context.Context, userID, organizationID string) (Standing, error)

	// Client is an API client that signs in. It counts the attempt; for an
	// unknown id it takes as many trips. Errors: UnknownClient, TooManyAttempts.
	Client(ctx context.Context, clientID, source string) (Client, error)
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
