package table

import (
	"cmp"
	"context"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/fault"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// Operator is the table as the team sees it that runs the service: an
// organization as a whole, for who is asked by it to hand it out, to erase it or
// to enter much into it.
type Operator struct{ *Table }

var (
	// NoOrganization is a name that leads to none.
	NoOrganization = fault.Fault{Kind: fault.NotFound, Code: "unknown_organization", Message: "No organization has this id, code or slug."}
	// NoActor is a name that leads to nobody who may change customers.
	NoActor = fault.Fault{Kind: fault.Invalid, Code: "unknown_actor",
		Message: "ACTOR has to be the e-mail or the id of an admin, or the id of an API client, of the organization."}
	// ManyOwners is an organization with several owners, none of whom is named.
	ManyOwners = fault.Fault{Kind: fault.Invalid, Code: "actor_required",
		Message: "The organization has more than one owner. Name who is to stand in its audit trail as ACTOR."}
)

// Find is the id of the organization with that id, code or slug. It also finds
// one whose erasure has begun: what it had claimed goes last. Errors:
// NoOrganization.
func (o Operator) Find(ctx context.Context, name string) (id string, err error) {
	keys := []key{orgKey(name), codeKey(name), slugKey(name)}
	found, err := o.fetch(ctx, keys...)
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		if i := found[k]; i != nil {
			return i.text("OrganizationId"), nil
		}
	}
	return "", NoOrganization
}

// Actor is the caller who makes changes for the organization and stands in its
// audit trail: the admin of an e-mail or a user id, an API client by its id, or
// with "" the only owner. What they may is judged at each change, as ever.
// Errors: NoOrganization, NoActor, ManyOwners.
func (o Operator) Actor(ctx context.Context, id, name string) (caller.Caller, error) {
	items, err := o.partition(ctx, orgPartition(id))
	if err != nil {
		return caller.Caller{}, err
	}
	w := whole(items)
	if w.one("ORG") == nil {
		return caller.Caller{}, NoOrganization
	}
	c := caller.Caller{OrganizationID: id, OrgCode: w.one("ORG").text("Code"), Admin: true}
	if w.one(clientKey(id, name).sk) != nil {
		c.ClientID = name
		return c, nil
	}
	if owners := w.one("ADMINS").members("Owners"); name == "" && len(owners) != 1 {
		return caller.Caller{}, ManyOwners
	} else if name == "" {
		name = owners[0]
	}
	user, err := o.Account(ctx, name)
	if err != nil || user.ID == "" || w.one(adminKey(id, user.ID).sk) == nil {
		return caller.Caller{}, cmp.Or(err, error(NoActor))
	}
	c.UserID, c.Email, c.Verified = user.ID, user.Email.String(), user.Verified()
	return c, nil
}

// Account is the account with that user id or e-mail, a User without an id when
// there is none.
func (o Operator) Account(ctx context.Context, name string) (org.User, error) {
	k := userKey(name)
	if email, err := mail.ParseAddress(name); err == nil {
		k = emailKey(email)
	}
	found, err := o.fetch(ctx, k)
	if err != nil {
		return org.User{}, err
	}
	return readUser(found[k])
}

// Linked reports whether the association of a user with a customer stands, and
// who is a member by now.
func (o Operator) Linked(ctx context.Context, a customer.Association) (bool, error) {
	member := memberKey(a.OrganizationID, a.UserID)
	found, err := o.fetch(ctx, associationKey(a), member)
	return found[associationKey(a)] != nil && found[member] != nil, err
}
