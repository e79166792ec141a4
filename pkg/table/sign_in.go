package table

import (
	"context"

	"charter/pkg/mail"
	"charter/pkg/org"
)

// nobody is an id that no user has: it is looked up in place of the account
// that an e-mail does not have, so that both take the same trips.
const nobody = "kp_00000000000000000000000000"

// Account implements org.Directory.
func (d Directory) Account(ctx context.Context, email mail.Address, source string) (org.Account, error) {
	k := emailKey(email)
	found, err := d.counted(ctx, []rate{
		d.Limits.address("sign in", source),
		d.Limits.emailFrom("sign in", email, source),
		d.Limits.email("sign in", email),
	}, k)
	if err != nil {
		return org.Account{}, err
	}
	id := found[k].text("UserId")
	if id == "" {
		id = nobody
	}
	items, err := d.partition(ctx, userPartition(id))
	if err != nil {
		return org.Account{}, err
	}
	var account org.Account
	for _, i := range items {
		if i.text("SK") == "USER" {
			if account.User, err = readUser(i); err != nil {
				return org.Account{}, err
			}
		} else {
			account.Memberships = append(account.Memberships,
				org.Membership{OrganizationID: i.text("OrganizationId"), Code: i.text("Code")})
		}
	}
	if account.ID == "" {
		return org.Account{}, org.UnknownAccount
	}
	return account, nil
}

// Standing implements org.Directory.
func (d Directory) Standing(ctx context.Context, userID, organizationID string) (org.Standing, error) {
	found, err := d.fetch(ctx, orgKey(organizationID), memberKey(organizationID, userID))
	if err != nil {
		return org.Standing{}, err
	}
	o, member := found[orgKey(organizationID)], found[memberKey(organizationID, userID)]
	switch {
	case o == nil:
		return org.Standing{}, org.Gone
	case member == nil:
		return org.Standing{}, org.UnknownAccount
	}
	return org.Standing{OrganizationID: organizationID, Code: o.text("Code"), Role: org.Role(member.text("Role"))}, nil
}
