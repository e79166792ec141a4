package customer

import (
	"context"

	"charter/pkg/caller"
	"charter/pkg/fault"
)

var (
	// Unknown is a number that no customer of the organization has.
	Unknown = fault.Fault{Kind: fault.NotFound, Code: "unknown_customer", Message: "No customer has this number."}
	// UnknownUser is a user id that no account has.
	UnknownUser = fault.Fault{Kind: fault.Invalid, Code: "unknown_user", Field: "UserId", Message: "No user has this id."}
	// TooBroad is a query that would read more than one request may.
	TooBroad = fault.Fault{Kind: fault.Unprocessable, Code: "query_too_broad",
		Message: "This query would read too many associations; narrow it with a filter on UserId."}
)

// Register keeps customers and associations. The organization is always the
// caller's. Each method also refuses a caller whose organization is gone, then
// one who does not hold the Admin role at that moment (fault.Forbidden), before
// it looks at anything else; fault.Unavailable means that nothing was done, or
// that it is not known what was.
type Register interface {
	// Enter creates the customer, or replaces all of it but CreatedAt. Errors:
	// pricing.UnknownTier in "pricing".
	Enter(ctx context.Context, c caller.Caller, e Entry) (Customer, error)

	// Customer is the customer of that number. Errors: Unknown.
	Customer(ctx context.Context, c caller.Caller, n Number) (Customer, error)

	// Associate links a user to a customer number, which needs no record, and
	// makes the user a member of the organization. For a pair that is linked
	// already it is the association that stands, and made is false. Errors:
	// UnknownUser.
	Associate(ctx context.Context, c caller.Caller, userID string, n Number) (a Association, made bool, err error)

	// Associations is the page that the query asks for. Its total is never a
	// partial one. Errors: TooBroad.
	Associations(ctx context.Context, c caller.Caller, q Query) (Page, error)

	// Enrich is what a token of a user is enriched with in the organization of
	// the code: with the customer of that number, else ("") with the newest that
	// the user was linked to. The user is the caller unless another is named,
	// which takes an admin of that organization. It does not look at the caller's
	// organization. Errors: UnknownCode, UnknownMember, NotLinked, NotMember,
	// AdminOnly.
	Enrich(ctx context.Context, c caller.Caller, code, userID string, n Number) (Enrichment, error)
}
