package org

// Role is what a member may do. A member has exactly one: one of these, or a
// custom one, by its name.
type Role string

const (
	Owner   Role = "owner"   // everything; at least one is left, always
	Admin   Role = "admin"   // manages the organization and its people
	Billing Role = "billing" // makes payments
	Member  Role = "member"  // belongs to it
)

// IsAdmin reports whether the role is Admin in the commerce dialect.
func (r Role) IsAdmin() bool { return r == Owner || r == Admin }
