package table

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"charter/pkg/caller"
	"charter/pkg/idempotency"
	"charter/pkg/org"
)

// errNotHeld is a check that did not find the caller's role.
var errNotHeld = errors.New("table: the caller does not hold the role")

// hold gives the Admin role to a subject.
func (t *Table) hold(organization, subject string) []write {
	writes := make([]write, shards)
	for n := range writes {
		writes[n] = t.put(newItem(holdsKey(organization, subject, n)))
	}
	return writes
}

// drop takes the Admin role from a subject.
func (t *Table) drop(organization, subject string) []write {
	writes := make([]write, shards)
	for n := range writes {
		writes[n] = t.remove(holdsKey(organization, subject, n))
	}
	return writes
}

// holds checks that the caller still has the Admin role, in the transaction
// that does what the role is for.
func (t *Table) holds(c caller.Caller) write {
	return t.check(holdsKey(c.OrganizationID, c.Subject(), rand.N(shards)), "attribute_exists(PK)", nil, errNotHeld)
}

// transactAs is transact for a caller who must hold the Admin role.
func (t *Table) transactAs(ctx context.Context, c caller.Caller, writes ...write) error {
	if !c.MayBeAdmin() || c.OrganizationID == "" {
		return t.notAdmin(ctx, c)
	}
	checks := append([]write{t.holds(c)}, t.proven(c, c.OrganizationID)...)
	err := t.transact(ctx, append(checks, writes...))
	if errors.Is(err, errNotHeld) {
		return t.notAdmin(ctx, c)
	}
	return err
}

// notAdmin is why a caller who does not hold the role is refused: an
// organization that is gone is found before the role is judged.
func (t *Table) notAdmin(ctx context.Context, c caller.Caller) error {
	if c.OrganizationID == "" {
		return org.NotAdmin
	}
	found, err := t.fetch(ctx, orgKey(c.OrganizationID))
	if err == nil && found[orgKey(c.OrganizationID)] == nil {
		err = org.Gone
	}
	return cmp.Or(err, error(org.NotAdmin))
}

// judge finds the caller's organization and role in what was fetched.
func judge(c caller.Caller, found map[key]item) error {
	switch {
	case c.OrganizationID == "":
		return org.NotAdmin
	case found[orgKey(c.OrganizationID)] == nil:
		return org.Gone
	case !c.MayBeAdmin() || found[roleKey(c)] == nil:
		return org.NotAdmin
	}
	return isProven(c, c.OrganizationID, found)
}

// fetchAs is fetch for a caller who must hold the Admin role, which is read in
// the same trip, with the outcome under the request's key.
func (t *Table) fetchAs(ctx context.Context, c caller.Caller, keys ...key) (map[key]item, error) {
	if c.OrganizationID == "" {
		return nil, org.NotAdmin
	}
	keys = slices.Concat(keys, []key{orgKey(c.OrganizationID), roleKey(c)}, provingKeys(c))
	attempt := idempotency.FromContext(ctx)
	if attempt != nil {
		keys = append(keys, outcomeKey(attempt.Name()))
	}
	found, err := t.fetch(ctx, keys...)
	if err == nil {
		err = judge(c, found)
	}
	if err == nil {
		err = t.before(attempt, found)
	}
	return found, err
}

// roleKey is the item whose being there is the caller's Admin role, for reads.
func roleKey(c caller.Caller) key {
	if c.ClientID != "" {
		return clientKey(c.OrganizationID, c.ClientID)
	}
	return adminKey(c.OrganizationID, c.UserID)
}
