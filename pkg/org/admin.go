package org

import (
	"fmt"

	"charter/pkg/fault"
	"charter/pkg/mail"
)

// Administrator is a user who holds Admin, with what has become of the letter
// that welcomed them. The platform dialect orders none.
type Administrator struct {
	User
	Welcome mail.Delivery
}

// MaxAdmins is how many users can hold Admin in one organization.
const MaxAdmins = 1000

var (
	// NotAnAdmin is a user, known or not, who does not hold the role.
	NotAnAdmin = fault.Fault{Kind: fault.Invalid, Code: "not_an_admin", Field: "UserId",
		Message: "Is no admin of the organization."}
	// OwnerOnly is an owner whom somebody else than an owner wants to remove.
	OwnerOnly = fault.Fault{Kind: fault.Forbidden, Code: "owner_required", Message: "Only an owner can remove an owner."}
	// LastAdmin is the last admin or owner, who has to stay.
	LastAdmin = fault.Fault{Kind: fault.Conflict, Code: "last_admin", Field: "UserId",
		Message: "An organization keeps at least one admin who is its owner."}
	// TooManyAdmins is one over MaxAdmins.
	TooManyAdmins = fault.Fault{Kind: fault.Invalid, Code: "too_many_admins", Field: "Email",
		Message: fmt.Sprintf("An organization has at most %d admins.", MaxAdmins)}
)
