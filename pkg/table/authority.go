package table

import (
	"context"
	"errors"
	"slices"

	"charter/pkg/caller"
	"charter/pkg/idempotency"
	"charter/pkg/org"
)

// errStale is something that was presumed, or read before, and is not so.
var errStale = errors.New("table: not as it was presumed or read")

// standing is what a caller may do in an organization: as it was read or, with
// found nil, as it is presumed.
type standing struct {
	org.Definition              // of the caller's role
	roles          org.Roles    // the custom roles
	version        int64        // of ROLES
	found          map[key]item // all that was read
}

func presume(r org.Role) standing {
	d, _ := org.BuiltIn(r)
	return standing{Definition: d}
}

// placeKey is the item whose being there makes the caller one of the
// organization.
func placeKey(c caller.Caller) key {
	if c.ClientID != "" {
		return clientKey(c.OrganizationID, c.ClientID)
	}
	return memberKey(c.OrganizationID, c.UserID)
}

// standing reads what the caller may do, the keys, and the outcome under the
// request's key, in one trip. Errors: org.NotMember, org.Lacks.
func (t *Table) standing(ctx context.Context, c caller.Caller, policy org.Policy, keys ...key) (standing, error) {
	organization, place, roles := orgKey(c.OrganizationID), placeKey(c), rolesKey(c.OrganizationID)
	for _, k := range []key{organization, place, roles} {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	keys = append(keys, provingKeys(c)...)
	attempt := idempotency.FromContext(ctx)
	if attempt != nil {
		keys = append(keys, outcomeKey(attempt.Name()))
	}
	found, err := t.fetch(ctx, keys...)
	switch {
	case err != nil:
		return standing{}, err
	case found[organization] == nil || found[place] == nil:
		return standing{}, org.NotMember
	}
	if err := isProven(c, c.OrganizationID, found); err != nil {
		return standing{}, err
	}
	s := standing{roles: readRoles(found[roles]), version: found[roles].number("Version"), found: found}
	role := org.Admin
	if c.ClientID == "" {
		role = org.Role(found[place].text("Role"))
	}
	s.Definition, _ = s.roles.Named(role)
	if err := s.Allows(policy); err != nil {
		return standing{}, err
	}
	return s, t.before(attempt, found)
}

// acting runs do, which writes for a caller with the policy. Nearly every
// writer is an admin or owner, so do is run at once for a caller who is
// presumed to be, while the true standing is read beside it; its transaction
// proves the presumption. Where that fails do runs again for what was read. So
// an admin waits once, the holder of a custom role twice. Presuming "", do
// waits for the read.
func (t *Table) acting(ctx context.Context, c caller.Caller, policy org.Policy, presumed org.Role, keys []key,
	do func(s standing) error) error {

	reading := beside(func() (standing, error) { return t.standing(ctx, c, policy, keys...) })
	err := errStale
	if presumed != "" {
		err = do(presume(presumed))
	}
	read, notRead := reading()
	for range mostRounds {
		if !errors.Is(err, errStale) && !errors.Is(err, errNotHeld) {
			return err
		}
		if notRead != nil {
			return notRead
		}
		err = do(read)
		if errors.Is(err, errStale) || errors.Is(err, errNotHeld) {
			read, notRead = t.standing(ctx, c, policy, keys...)
		}
	}
	return busy
}

// proof is what a transaction checks, so that the caller stands as s says when
// it is done. as is the role of an admin's that it takes, Admin or Owner.
func (t *Table) proof(c caller.Caller, s standing, as org.Role) []write {
	proven := t.proven(c, c.OrganizationID)
	switch {
	case !s.Role.IsAdmin():
		return append([]write{t.hasRole(c, s.Role), t.sameRoles(c.OrganizationID, s)}, proven...)
	case as == org.Owner:
		owns := t.check(adminsKey(c.OrganizationID), "contains(Owners, :caller)", item{":caller": str(c.Subject())}, errNotHeld)
		return append([]write{owns}, proven...)
	}
	return append([]write{t.holds(c)}, proven...)
}

// hasRole checks that the caller is a member with the custom role.
func (t *Table) hasRole(c caller.Caller, role org.Role) write {
	w := t.check(placeKey(c), "#role = :role", item{":role": str(string(role))}, errNotHeld)
	w.ConditionCheck.ExpressionAttributeNames = map[string]string{"#role": "Role"}
	return w
}

// sameRoles checks that the custom roles are those that were read.
func (t *Table) sameRoles(organization string, s standing) write {
	return t.check(rolesKey(organization), sameVersion, item{":version": num(s.version)}, errNotHeld)
}
