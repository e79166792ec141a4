package table

import (
	"context"
	"errors"
	"slices"
	"time"

	"charter/pkg/caller"
	"charter/pkg/idempotency"
	"charter/pkg/mail"
	"charter/pkg/org"
)

func invitationItem(organization string, i org.Invitation) item {
	return newItem(invitationKey(organization, i.ID)).with("InvitationId", i.ID).with("Email", i.Email.String()).
		with("Role", string(i.Role)).set("TokenHash", bin(i.TokenHash)).set("ExpiresAt", num(i.Expires.Unix()))
}

func readInvitation(i item) (org.Invitation, error) {
	email, err := i.address("Email")
	return org.Invitation{ID: i.text("InvitationId"), Email: email, Role: org.Role(i.text("Role")),
		TokenHash: i.bytes("TokenHash"), Expires: time.Unix(i.number("ExpiresAt"), 0).UTC()}, err
}

// Invite implements org.Team. Who is a member is looked up by id, which the
// e-mail leads to: the account is read beside the caller's standing, and that
// it is none is a condition.
func (t Team) Invite(ctx context.Context, c caller.Caller, email mail.Address, role org.Role) error {
	_, err := once(ctx, t.Table, nothing, func(keep func(item) []write) (struct{}, error) {
		return struct{}{}, t.acting(ctx, c, org.InviteMembers, "", []key{emailKey(email)}, func(s standing) error {
			d, ok := s.roles.Named(role)
			if !ok {
				return org.UnknownRole.In("roleName")
			}
			if err := s.Gives(d); err != nil {
				return err
			}
			o, err := readOrganization(s.found[orgKey(c.OrganizationID)])
			if err != nil {
				return err
			}
			invitation, token, err := org.NewInvitation(t.Random, o.ID, email, d.Role, t.Now())
			if err != nil {
				return err
			}
			letter := mail.Letter{ID: t.ulid(), Kind: mail.Invitation, To: email, Organization: o.Name, Token: token.Reveal()}
			writes := slices.Concat(keep(nil), t.proof(c, s, giver(d)), []write{
				t.put(invitationItem(o.ID, invitation)),
				t.put(letterItem(letter, t.Now())),
				t.audit(o.ID, c.Subject(), "invitation.add", invitation.ID, org.Difference{Field: "Role", New: string(d.Role)}),
			})
			switch user := s.found[emailKey(email)].text("UserId"); user {
			case "":
			case c.UserID:
				return org.AlreadyMember
			default:
				writes = append(writes, t.check(memberKey(o.ID, user), unique, nil, org.AlreadyMember))
			}
			return t.transact(ctx, writes)
		})
	})
	return err
}

// Revoke implements org.Team.
func (t Team) Revoke(ctx context.Context, c caller.Caller, invitationID string) error {
	_, err := once(ctx, t.Table, nothing, func(keep func(item) []write) (struct{}, error) {
		return struct{}{}, t.acting(ctx, c, org.InviteMembers, org.Admin, nil, func(s standing) error {
			gone := t.remove(invitationKey(c.OrganizationID, invitationID))
			pending := "ExpiresAt > :now"
			gone.Delete.ConditionExpression, gone.Delete.ExpressionAttributeValues = &pending, item{":now": num(t.Now().Unix())}
			gone.failed = means(org.UnknownInvitation)
			return t.transact(ctx, slices.Concat(keep(nil), t.proof(c, s, org.Admin),
				[]write{gone, t.audit(c.OrganizationID, c.Subject(), "invitation.remove", invitationID)}))
		})
	})
	return err
}

// Accept implements org.Team.
func (t Team) Accept(ctx context.Context, c caller.Caller, token string) error {
	id, invitationID, err := org.ParseInvitationToken(token)
	if err != nil {
		return err
	}
	_, err = once(ctx, t.Table, nothing, func(keep func(item) []write) (struct{}, error) {
		for range mostRounds {
			keys := []key{invitationKey(id, invitationID), userKey(c.UserID), orgKey(id), rolesKey(id)}
			attempt := idempotency.FromContext(ctx)
			if attempt != nil {
				keys = append(keys, outcomeKey(attempt.Name()))
			}
			found, err := t.fetch(ctx, keys...)
			if err == nil {
				err = t.before(attempt, found)
			}
			if err != nil {
				return struct{}{}, err
			}
			writes, err := t.accepting(found, id, invitationID, c, token)
			if err == nil {
				err = t.transact(ctx, append(keep(nil), writes...))
			}
			if !errors.Is(err, errStale) {
				return struct{}{}, err
			}
		}
		return struct{}{}, busy
	})
	return err
}

// accepting judges what was read, and is every item of a new member.
func (t Team) accepting(found map[key]item, id, invitationID string, c caller.Caller, token string) ([]write, error) {
	k := invitationKey(id, invitationID)
	invitation, err := readInvitation(found[k])
	if err != nil {
		return nil, err
	}
	user, err := readUser(found[userKey(c.UserID)])
	if err != nil {
		return nil, err
	}
	o, err := readOrganization(found[orgKey(id)])
	if err != nil {
		return nil, err
	}
	// A custom role can have been removed since.
	role, ok := readRoles(found[rolesKey(id)]).Named(invitation.Role)
	if err := invitation.Admits(token, t.Now()); err != nil || !ok || o.ID == "" {
		return nil, org.InvalidInvitation
	}
	if user.Email.Folded() != invitation.Email.Folded() {
		return nil, org.WrongRecipient
	}
	used := t.remove(k)
	same := "TokenHash = :hash"
	used.Delete.ConditionExpression, used.Delete.ExpressionAttributeValues = &same, item{":hash": bin(invitation.TokenHash)}
	used.failed = means(org.InvalidInvitation)
	belonging := t.belonging(o, user, role.Role, t.Now())
	writes := []write{used, t.claim(belonging[0], org.AlreadyMember), t.put(belonging[1]),
		t.audit(id, user.ID, "invitation.accept", user.ID, org.Difference{Field: "Role", New: string(role.Role)})}
	writes = append(writes, t.proving(c, user)...)
	if role.Role.Custom() {
		writes = append(writes, t.recount(id, found[rolesKey(id)].number("Version"), "", role.Role)...)
	}
	if role.Role.IsAdmin() {
		expression := "ADD Admins :user"
		if role.Role == org.Owner {
			expression = "ADD Admins :user, Owners :user"
		}
		writes = append(writes, t.hold(id, user.ID)...)
		writes = append(writes, t.put(adminItem(id, user, role.Role)),
			t.update(adminsKey(id), expression, "size(Admins) < :most", item{":user": set(user.ID), ":most": num(org.MaxAdmins)},
				means(org.TooManyAdmins.In(""))))
	}
	return writes, nil
}

// proving is what an invitation's token proves beside the invitation: it was
// mailed to the account's own address. The token that the caller holds goes on
// to count, and the items that say so go when no such token can be left.
func (t Team) proving(c caller.Caller, u org.User) (writes []write) {
	if u.Verified() {
		return append(t.stays(u, "Named", errStale), t.proven(c, "")...)
	}
	writes = t.verified(u, t.Now(), item{})
	writes[0].failed = means(errStale)
	for n := range marks {
		writes = append(writes, t.update(unverifiedKey(u.ID, n), "SET Accepted = :yes, ExpiresAt = :end", "attribute_exists(PK)",
			item{":yes": flag(true), ":end": num(t.Now().Add(24 * time.Hour).Unix())}, means(errStale)))
	}
	return writes
}
