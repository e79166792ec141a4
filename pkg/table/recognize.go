package table

import (
	"context"
	"errors"

	"charter/pkg/caller"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// errLinkRace is a link that was made, or an e-mail that changed hands, between
// our read and our write.
var errLinkRace = errors.New("table: the person was linked meanwhile")

// Recognize is the caller that another issuer's token stands for: the account
// that is linked with the identity. Where none is, the account with its e-mail
// is linked now, and for good: from then on the token's e-mail is not looked at.
// The organization is that of the token, if there is one, whether or not the
// account belongs to it: that is judged where the role is. The issuer has
// verified the e-mail, so such a token acts as one for a verified account does;
// the account itself, whose password may be another's, stays as it is. Errors:
// org.UnknownAccount.
func (d Directory) Recognize(ctx context.Context, id caller.Identity) (caller.Caller, error) {
	keys := []key{issuerKey(id)}
	email, err := mail.ParseAddress(id.Email)
	known := err == nil // "" is none
	if known {
		keys = append(keys, emailKey(email))
	}
	named := mayName(id.Organization)
	if named {
		keys = append(keys, codeKey(id.Organization), orgKey(id.Organization))
	}
	for range mostRounds {
		found, err := d.fetch(ctx, keys...)
		if err != nil {
			return caller.Caller{}, err
		}
		user, err := d.linked(ctx, found[issuerKey(id)])
		if err == nil && user.ID == "" && known {
			user, err = d.link(ctx, id, found[issuerKey(id)], found[emailKey(email)])
		}
		switch {
		case errors.Is(err, errLinkRace):
			continue
		case err != nil:
			return caller.Caller{}, err
		case user.ID == "":
			return caller.Caller{}, org.UnknownAccount
		}
		c := caller.Caller{UserID: user.ID, Email: user.Email.String(), Verified: true, Foreign: true, Expires: id.Expires}
		if o := found[orgKey(id.Organization)]; named && o != nil {
			c.OrganizationID, c.OrgCode = id.Organization, o.text("Code")
		} else if code := found[codeKey(id.Organization)]; named && code != nil {
			c.OrganizationID, c.OrgCode = code.text("OrganizationId"), id.Organization
		}
		return c, nil
	}
	return caller.Caller{}, busy
}

// mayName reports whether a text could be the code or the id of an organization.
func mayName(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// linked is the user of a link, with no id when there is no link, or when its
// account is gone.
func (d Directory) linked(ctx context.Context, link item) (org.User, error) {
	if link == nil {
		return org.User{}, nil
	}
	k := userKey(link.text("UserId"))
	found, err := d.fetch(ctx, k)
	if err != nil {
		return org.User{}, err
	}
	return readUser(found[k])
}

// link links the identity with the account of an e-mail, if there is one. old is
// a link that leads nowhere, or nil.
func (d Directory) link(ctx context.Context, id caller.Identity, old, account item) (org.User, error) {
	user, err := readUser(account)
	if err != nil || user.ID == "" {
		return org.User{}, err
	}
	link := d.claim(newItem(issuerKey(id)).with("UserId", user.ID).with("Issuer", id.Issuer).set("LinkedAt", moment(d.Now())), errLinkRace)
	if old != nil {
		same := "UserId = :gone"
		link.Put.ConditionExpression, link.Put.ExpressionAttributeValues = &same, item{":gone": str(old.text("UserId"))}
	}
	return user, d.transact(ctx, []write{link, d.change(userKey(user.ID), item{"LinkedAt": moment(d.Now())}, nil),
		d.check(emailKey(user.Email), "UserId = :user", item{":user": str(user.ID)}, errLinkRace)})
}
