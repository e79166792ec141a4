package customer

import "charter/pkg/fault"

// Enrichment is what a token is enriched with: where its user stands in an
// organization now, and the terms that one of the user's customers buys at.
type Enrichment struct {
	OrganizationID, Code string
	UserID, Email        string
	Verified             bool   // the user's e-mail is
	Admin                bool   // the user holds the role
	Number               Number // "" when the user has no customer
	Terms
}

var (
	// UnknownCode is a code that no organization has.
	UnknownCode = fault.Fault{Kind: fault.Invalid, Code: "unknown_organization", Field: "OrgCode",
		Message: "No organization has this code."}
	// UnknownMember is a user, known or not, who is no member of the organization.
	UnknownMember = fault.Fault{Kind: fault.Invalid, Code: "unknown_user", Field: "UserId",
		Message: "No member of the organization has this id."}
	// NotLinked is a customer number that the user is not linked to.
	NotLinked = fault.Fault{Kind: fault.Invalid, Code: "unknown_customer", Field: "CustomerNumber",
		Message: "The user is not linked to this customer."}
	// NotMember is a caller who does not belong to the organization.
	NotMember = fault.Fault{Kind: fault.Forbidden, Code: "not_a_member", Message: "You do not belong to this organization."}
	// AdminOnly is a caller who asks for another user and is no admin there.
	AdminOnly = fault.Fault{Kind: fault.Forbidden, Code: "admin_required",
		Message: "For another user this needs a token with the Admin role in the organization."}
)
