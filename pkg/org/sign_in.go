package org

import (
	"context"
	"errors"
	"slices"

	"charter/pkg/fault"
	"charter/pkg/mail"
)

// WrongCredentials does not say which part was wrong.
var WrongCredentials = fault.Fault{Kind: fault.Unauthenticated, Code: "invalid_credentials",
	Message: "The credentials are wrong."}

// Session is what a sign-in gives. Standing is empty when the session is in no
// organization.
type Session struct {
	User
	Standing
}

// SignIn checks a person's password and finds the organization of the session:
// the one with the code, or without a code the person's only one; for an
// unverified account its home, with that one's code or none. It does the same work for an e-mail that has no account. Errors: WrongCredentials,
// TooManyAttempts.
func SignIn(ctx context.Context, d Directory, email, password, code, source string) (Session, error) {
	address, err := mail.ParseAddress(email)
	if err != nil {
		address = mail.Address{} // nobody's
	}
	account, err := d.Account(ctx, address, source)
	if err != nil && !errors.Is(err, UnknownAccount) {
		return Session{}, err
	}
	if !passwordMatches(account.PasswordHash, password) {
		return Session{}, WrongCredentials
	}
	session := Session{User: account.User}
	membership, ok := account.membership(code)
	if !ok && code != "" {
		return Session{}, WrongCredentials
	}
	if !ok {
		return session, nil
	}
	session.Standing, err = d.Standing(ctx, account.ID, membership.OrganizationID)
	if errors.Is(err, Gone) || errors.Is(err, UnknownAccount) {
		if code != "" {
			return Session{}, WrongCredentials
		}
		return session, nil
	}
	return session, err
}

func (a Account) membership(code string) (Membership, bool) {
	if !a.Verified() {
		a.Memberships = slices.DeleteFunc(slices.Clone(a.Memberships), func(m Membership) bool { return m.OrganizationID != a.HomeID })
	}
	if code == "" {
		if len(a.Memberships) != 1 {
			return Membership{}, false
		}
		return a.Memberships[0], true
	}
	for _, m := range a.Memberships {
		if m.Code == code {
			return m, true
		}
	}
	return Membership{}, false
}
