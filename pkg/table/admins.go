package table

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"charter/pkg/caller"
	"charter/pkg/idempotency"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// errAdminsRace is a set of admins that changed between our read and our write.
var errAdminsRace = errors.New("table: the admins changed meanwhile")

// Admins implements org.Directory.
func (d Directory) Admins(ctx context.Context, c caller.Caller) ([]org.Administrator, error) {
	whole, err := d.whole(ctx, c)
	if err != nil {
		return nil, err
	}
	items := whole.under("ADMIN")
	admins, each := make([]org.Administrator, len(items)), make([]*org.User, len(items))
	for n, i := range items {
		if admins[n].User, err = readUser(i); err != nil {
			return nil, err
		}
		admins[n].Welcome = readDelivery(i)
		each[n] = &admins[n].User
	}
	if err := d.complete(ctx, each); err != nil {
		return nil, err
	}
	slices.SortFunc(admins, func(a, b org.Administrator) int {
		return cmp.Or(cmp.Compare(a.Email.Folded(), b.Email.Folded()), cmp.Compare(a.ID, b.ID))
	})
	return admins, nil
}

// Promote implements org.Directory.
func (d Directory) Promote(ctx context.Context, c caller.Caller, email mail.Address) error {
	_, err := once(ctx, d.Table, nothing, func(keep func(item) []write) (done struct{}, err error) {
		var held otherRole // a custom role, that the first try finds
		for range mostRounds {
			found, err := d.fetchAs(ctx, c, adminsKey(c.OrganizationID), emailKey(email))
			if err != nil {
				return done, err
			}
			user, err := readUser(found[emailKey(email)])
			admins := found[adminsKey(c.OrganizationID)]
			switch {
			case err != nil:
				return done, err
			case c.ClientID == "" && !admins.has("Admins", c.UserID): // lost the role between one read of it and the other
				return done, d.notAdmin(ctx, c)
			case user.ID == "":
				return done, org.UnknownAccount
			case admins.has("Admins", user.ID) && c.ClientID == "" && idempotency.FromContext(ctx) == nil:
				return done, nil // one item says it of both
			case admins.has("Admins", user.ID):
				still := d.check(adminsKey(c.OrganizationID), "contains(Admins, :id)", item{":id": str(user.ID)}, errAdminsRace)
				if err = d.transactAs(ctx, c, append(keep(nil), still)...); errors.Is(err, errAdminsRace) {
					continue
				}
				return done, err
			case len(admins.members("Admins")) >= org.MaxAdmins:
				return done, org.TooManyAdmins
			}
			o, err := readOrganization(found[orgKey(c.OrganizationID)])
			if err != nil {
				return done, err
			}
			role := org.Admin
			if found[adminsKey(o.ID)].has("Owners", c.UserID) {
				role = org.Owner
			}
			err = d.transactAs(ctx, c, append(keep(nil), d.promotion(c, o, user, held.Role, role)...)...)
			if !errors.Is(err, errAdminsRace) && !errors.As(err, &held) {
				return done, err
			}
		}
		return done, busy
	})
	return err
}

// otherRole is the role that a member has, where it is not the one thought of.
type otherRole struct{ org.Role }

func (otherRole) Error() string { return "table: the member has another role" }

// promotion is every item that changes when a user gains the role. from is the
// role before, if it is known.
func (d Directory) promotion(c caller.Caller, o org.Organization, user org.User, from, role org.Role) []write {
	now := d.Now()
	letter, writes := d.welcome(o, user)
	// An owner who was demoted meanwhile must not make an owner.
	expression, condition := "ADD Admins :user", "NOT contains(Admins, :id) AND size(Admins) < :most"
	values := item{":user": set(user.ID), ":id": str(user.ID), ":most": num(org.MaxAdmins)}
	if role == org.Owner {
		expression, condition = "ADD Admins :user, Owners :user", condition+" AND contains(Owners, :caller)"
		values[":caller"] = str(c.UserID)
	}
	member := d.hasOneOf(d.change(memberKey(o.ID, user.ID), item{"Role": str(string(role)), "UserId": str(user.ID)}.person(user.Person),
		item{"JoinedAt": moment(now)}), from)
	*member.Update.ConditionExpression = unique + " OR " + *member.Update.ConditionExpression
	member.failed = func(old item) error { return otherRole{org.Role(old.text("Role"))} }
	writes = slices.Concat(writes, d.hold(o.ID, user.ID), d.stays(user, "Named", errAdminsRace), []write{
		d.update(adminsKey(o.ID), expression, condition, values, means(errAdminsRace)),
		d.put(adminItem(o.ID, user, role).welcomed(letter.ID, now)),
		member,
		d.change(membershipKey(user.ID, o.ID), item{"OrganizationId": str(o.ID), "Code": str(o.Code)}, item{"JoinedAt": moment(now)}),
		d.audit(o.ID, c.Subject(), "admin.add", user.ID, org.Difference{Field: "Role", Old: string(from), New: string(role)})})
	return append(writes, d.recount(o.ID, 0, from, role)...)
}

// Demote implements org.Directory. All that it depends on is in ADMINS, the
// caller's own role too, so it is one trip, and two owners who demote each
// other meet in one item.
func (d Directory) Demote(ctx context.Context, c caller.Caller, userID string) error {
	_, err := once(ctx, d.Table, nothing, func(keep func(item) []write) (struct{}, error) {
		if !c.MayBeAdmin() || c.OrganizationID == "" {
			return struct{}{}, d.notAdmin(ctx, c)
		}
		condition := "contains(Admins, :id) AND size(Admins) > :one AND "
		values := item{":id": str(userID), ":user": set(userID), ":one": num(1)}
		writes := keep(nil)
		if c.ClientID != "" {
			condition += "NOT contains(Owners, :id)"
			writes = append(writes, d.holds(c))
		} else {
			condition += "contains(Admins, :caller) AND (NOT contains(Owners, :id) OR (contains(Owners, :caller) AND size(Owners) > :one))"
			values[":caller"] = str(c.UserID)
		}
		writes = append(writes, d.update(adminsKey(c.OrganizationID), "DELETE Admins :user, Owners :user", condition, values,
			func(old item) error { return demotionRefused(c, old, userID) }))
		writes = append(writes, d.drop(c.OrganizationID, userID)...)
		writes = append(writes, d.proven(c, c.OrganizationID)...)
		err := d.transact(ctx, append(writes,
			d.remove(adminKey(c.OrganizationID, userID)),
			d.change(memberKey(c.OrganizationID, userID), item{"Role": str(string(org.Member)), "UserId": str(userID)}, nil),
			d.audit(c.OrganizationID, c.Subject(), "admin.remove", userID, org.Difference{Field: "Role", New: string(org.Member)})))
		if errors.Is(err, errNotHeld) {
			err = d.notAdmin(ctx, c)
		}
		return struct{}{}, err
	})
	return err
}

// demotionRefused says which part of the condition did not hold.
func demotionRefused(c caller.Caller, admins item, userID string) error {
	owner := admins.has("Owners", userID)
	switch {
	case admins == nil:
		return org.Gone
	case c.ClientID == "" && !admins.has("Admins", c.UserID):
		return org.NotAdmin
	case !admins.has("Admins", userID):
		return org.NotAnAdmin
	case owner && !admins.has("Owners", c.UserID):
		return org.OwnerOnly
	}
	return org.LastAdmin
}
