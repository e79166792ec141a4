package table

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"charter/pkg/caller"
	"charter/pkg/org"
)

// rosterPage is how many members and invitations one page has.
const rosterPage = 1000

// Roster implements org.Team.
func (t Team) Roster(ctx context.Context, c caller.Caller, cursor string) (org.Roster, error) {
	judged := beside(func() (standing, error) { return t.standing(ctx, c, org.ReadMembers) })
	items, next, err := t.rosterItems(ctx, c.OrganizationID, cursor)
	if _, refused := judged(); refused != nil {
		return org.Roster{}, refused
	}
	if err != nil {
		return org.Roster{}, err
	}
	roster, users := org.Roster{Next: next}, []*org.User{}
	for _, i := range items {
		if i.text("InvitationId") != "" {
			invitation, err := readInvitation(i)
			if err != nil {
				return org.Roster{}, err
			}
			if invitation.Pending(t.Now()) {
				roster.Invitations = append(roster.Invitations, invitation)
			}
			continue
		}
		user, err := readUser(i)
		if err != nil {
			return org.Roster{}, err
		}
		roster.Members = append(roster.Members, org.Teammate{User: user, Role: org.Role(i.text("Role")), JoinedAt: i.time("JoinedAt")})
	}
	for n := range roster.Members {
		users = append(users, &roster.Members[n].User)
	}
	return roster, t.complete(ctx, users)
}

// rosterItems reads one item more than a page has, to know whether another
// page follows.
func (t *Table) rosterItems(ctx context.Context, organization, cursor string) (items []item, next string, err error) {
	in := &dynamodb.QueryInput{TableName: &t.Name, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("PK = :pk"),
		ExpressionAttributeValues: item{":pk": str(membersPartition(organization))}}
	if cursor != "" {
		sk, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || len(sk) > 100 || !strings.Contains(string(sk), sep) {
			return nil, "", org.InvalidCursor
		}
		in.ExclusiveStartKey = key{membersPartition(organization), string(sk)}.attributes()
	}
	for {
		in.Limit = aws.Int32(int32(rosterPage + 1 - len(items)))
		out, err := t.Client.Query(ctx, in)
		if err != nil {
			return nil, "", failure(err)
		}
		for _, i := range out.Items {
			items = append(items, i)
		}
		if len(items) > rosterPage {
			items = items[:rosterPage]
			return items, base64.RawURLEncoding.EncodeToString([]byte(items[rosterPage-1].text("SK"))), nil
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return items, "", nil
		}
	}
}

// complete adds what the platform dialect has left out of the items of members
// and admins, which it writes without a read of the account: the person, whom
// every account knows by a first name. It takes a trip only where some lack it.
func (t *Table) complete(ctx context.Context, users []*org.User) error {
	users = slices.DeleteFunc(slices.Clone(users), func(u *org.User) bool { return u.FirstName != "" })
	for some := range slices.Chunk(users, 100) {
		keys := make([]key, len(some))
		for n, u := range some {
			keys[n] = userKey(u.ID)
		}
		found, err := t.fetch(ctx, keys...)
		if err != nil {
			return err
		}
		for n, u := range some {
			if account := found[keys[n]]; account != nil {
				if u.Person, err = readPerson(account); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Assign implements org.Team. A change from one built-in role to another takes
// no read; what role a member has, and what a custom one may, has to be read.
func (t Team) Assign(ctx context.Context, c caller.Caller, userID string, role org.Role) error {
	presumed := org.Role("")
	if d, builtIn := org.Roles(nil).Named(role); builtIn {
		presumed = giver(d)
	}
	return t.move(ctx, c, userID, presumed, func(s standing) (to, as org.Role, err error) {
		d, ok := s.roles.Named(role)
		if !ok {
			return "", "", org.UnknownRole.In("roleName")
		}
		return d.Role, giver(d), s.Gives(d)
	})
}

// giver is the lesser of the roles Admin and Owner that may give the role.
func giver(d org.Definition) org.Role {
	if presume(org.Admin).Gives(d) == nil {
		return org.Admin
	}
	return org.Owner
}

// Dismiss implements org.Team. Links to customers stay, as what was once true:
// nobody's token is enriched where they are no member.
func (t Team) Dismiss(ctx context.Context, c caller.Caller, userID string) error {
	return t.move(ctx, c, userID, org.Admin, func(standing) (to, as org.Role, err error) { return "", org.Admin, nil })
}

// move gives a member the role that choose says, or "" to end the membership.
func (t Team) move(ctx context.Context, c caller.Caller, userID string, presumed org.Role,
	choose func(s standing) (to, as org.Role, err error)) error {

	member := memberKey(c.OrganizationID, userID)
	_, err := once(ctx, t.Table, nothing, func(keep func(item) []write) (struct{}, error) {
		return struct{}{}, t.acting(ctx, c, org.InviteMembers, presumed, []key{member}, func(s standing) error {
			to, as, err := choose(s)
			if err != nil {
				return err
			}
			from := org.Role(s.found[member].text("Role"))
			if s.found != nil && from == "" {
				return org.UnknownMember
			}
			err = t.transact(ctx, append(keep(nil), t.moving(c, s, as, userID, from, to)...))
			if errors.Is(err, org.UnknownMember) && userID == c.UserID {
				err = errStale // the caller's own membership has ended
			}
			return err
		})
	})
	return err
}

// moving writes every item that a member's role stands in, whichever they had
// before: from is "" where it is not known, and then has to be built in.
func (t Team) moving(c caller.Caller, s standing, as org.Role, userID string, from, to org.Role) []write {
	id := c.OrganizationID
	writes := append(t.provedElsewhere(c, s, as, userID), t.seat(c, s, as, userID, to))
	switch {
	case to == "":
		gone := t.hasOneOf(t.remove(memberKey(id, userID)), from)
		writes = append(writes, gone, t.remove(membershipKey(userID, id)),
			t.audit(id, c.Subject(), "member.remove", userID, org.Difference{Field: "Role", Old: string(from)}))
	default:
		w := t.update(memberKey(id, userID), "SET #role = :to", "", item{":to": str(string(to))}, nil)
		writes = append(writes, t.hasOneOf(w, from),
			t.audit(id, c.Subject(), "member.update", userID, org.Difference{Field: "Role", Old: string(from), New: string(to)}))
	}
	if to.IsAdmin() {
		writes = append(writes, t.change(adminKey(id, userID), item{"UserId": str(userID), "Role": str(string(to))}, nil))
		writes = append(writes, t.hold(id, userID)...)
	} else {
		writes = append(writes, t.remove(adminKey(id, userID)))
		writes = append(writes, t.drop(id, userID)...)
	}
	writes = append(writes, t.recount(id, s.version, from, to)...)
	return append(writes, t.proven(c, id)...)
}

// provedElsewhere is the part of the caller's standing that the items which
// change do not prove: seat proves that of an admin, recount that the custom
// roles are those that were read.
func (t Team) provedElsewhere(c caller.Caller, s standing, as org.Role, userID string) []write {
	switch {
	case !s.Role.IsAdmin() && userID != c.UserID:
		return []write{t.hasRole(c, s.Role)}
	case s.Role.IsAdmin() && c.ClientID != "" && as == org.Admin:
		return []write{t.holds(c)}
	}
	return nil
}

// hasOneOf makes it the condition of a write to a member that their role is
// from, or with "" any built-in one.
func (t *Table) hasOneOf(w write, from org.Role) write {
	condition, values := "#role = :from", item{":from": str(string(from))}
	if from == "" {
		condition = "#role IN (:owner, :admin, :billing, :member)"
		values = item{":owner": str(string(org.Owner)), ":admin": str(string(org.Admin)),
			":billing": str(string(org.Billing)), ":member": str(string(org.Member))}
	}
	names := map[string]string{"#role": "Role"}
	if w.Update != nil {
		maps.Copy(names, w.Update.ExpressionAttributeNames)
		w.Update.ConditionExpression, w.Update.ExpressionAttributeNames = &condition, names
		w.Update.ExpressionAttributeValues = values.and(w.Update.ExpressionAttributeValues)
	} else {
		w.Delete.ConditionExpression, w.Delete.ExpressionAttributeNames, w.Delete.ExpressionAttributeValues = &condition, names, values
	}
	w.failed = func(member item) error {
		if member == nil {
			return org.UnknownMember
		}
		return errStale
	}
	return w
}

// seat changes ADMINS. All that a change of a role depends on, but for custom
// roles, is in it: that the caller is an admin or owner still, that an owner is
// touched by an owner alone, and that one is left.
func (t *Table) seat(c caller.Caller, s standing, as org.Role, userID string, to org.Role) write {
	expression := "DELETE Admins :user, Owners :user"
	switch to {
	case org.Owner:
		expression = "ADD Admins :user, Owners :user"
	case org.Admin:
		expression = "ADD Admins :user DELETE Owners :user"
	}
	condition, values := seatCondition(c, s, as, userID, to)
	return t.update(adminsKey(c.OrganizationID), expression, condition, values.and(item{":user": set(userID)}),
		func(admins item) error { return seatRefused(c, s, as, admins, userID, to) })
}

func seatCondition(c caller.Caller, s standing, as org.Role, userID string, to org.Role) (string, item) {
	values := item{":id": str(userID), ":caller": str(c.Subject())}
	var conditions []string
	switch {
	case s.Role.IsAdmin() && as == org.Owner:
		conditions = append(conditions, "contains(Owners, :caller)")
	case s.Role.IsAdmin() && c.ClientID == "":
		conditions = append(conditions, "contains(Admins, :caller)")
	}
	if to == org.Owner {
		conditions = append(conditions, "contains(Owners, :caller)")
	} else {
		conditions = append(conditions, "(NOT contains(Owners, :id) OR (contains(Owners, :caller) AND size(Owners) > :one))")
		values[":one"] = num(1)
	}
	if to.IsAdmin() {
		conditions = append(conditions, "(contains(Admins, :id) OR size(Admins) < :most)")
		values[":most"] = num(org.MaxAdmins)
	}
	return strings.Join(conditions, " AND "), values
}

// seatRefused says which part of the condition did not hold.
func seatRefused(c caller.Caller, s standing, as org.Role, admins item, userID string, to org.Role) error {
	owns := admins.has("Owners", c.Subject())
	switch {
	case s.Role.IsAdmin() && as == org.Owner && !owns, s.Role.IsAdmin() && c.ClientID == "" && !admins.has("Admins", c.UserID):
		return errNotHeld
	case admins.has("Owners", userID) && !owns:
		return org.NotOwner
	case to != org.Owner && admins.has("Owners", userID):
		return org.LastOwner
	}
	return org.TooManyAdmins.In("roleName")
}
