package table

import (
	"math/rand/v2"

	"charter/pkg/caller"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// confine marks a new account as unverified: it acts at home alone.
func (t *Table) confine(u org.User) []write {
	writes := make([]write, marks)
	for n := range writes {
		writes[n] = t.put(newItem(unverifiedKey(u.ID, n)).with("HomeId", u.HomeID))
	}
	return writes
}

// free takes the mark away, and with it the tokens that were made under it.
func (t *Table) free(user string) []write {
	writes := make([]write, marks)
	for n := range writes {
		writes[n] = t.remove(unverifiedKey(user, n))
	}
	return writes
}

// confined reports whether the caller's token was made for an unverified account.
func confined(c caller.Caller) bool { return c.ClientID == "" && !c.Verified }

// admits is the condition of UNVERIFIED under which a caller who is confined may act.
const admits = "HomeId = :here OR attribute_exists(Accepted)"

// proven checks that the caller may act in the organization for all that is
// known of their e-mail, in the transaction that does so; "" is that of none.
func (t *Table) proven(c caller.Caller, organization string) []write {
	if !confined(c) {
		return nil
	}
	return []write{t.check(unverifiedKey(c.UserID, rand.N(marks)), admits, item{":here": str(organization)}, org.Unverified)}
}

// provingKeys are what to read for isProven.
func provingKeys(c caller.Caller) []key {
	if !confined(c) {
		return nil
	}
	return []key{unverifiedKey(c.UserID, 0)}
}

// isProven is proven for a read. Errors: org.Unverified.
func isProven(c caller.Caller, organization string, found map[key]item) error {
	if mark := found[unverifiedKey(c.UserID, 0)]; confined(c) && mark["Accepted"] == nil &&
		(organization == "" || mark.text("HomeId") != organization) {
		return org.Unverified
	}
	return nil
}

// welcome is the letter to somebody who became an admin, and what it needs. For
// an unverified account it has a link, which only the owner of the address gets.
func (t *Table) welcome(o org.Organization, u org.User) (letter mail.Letter, writes []write) {
	letter = mail.Letter{ID: t.ulid(), Kind: mail.Welcome, To: u.Email, Name: u.FirstName, Organization: o.Name,
		UserID: u.ID, OrganizationID: o.ID}
	if !u.Verified() {
		secret, err := org.NewSecret(t.Random)
		if err != nil {
			panic(err) // as in code: there is no randomness
		}
		letter.Token = secret.Reveal()
		writes = append(writes, t.put(newItem(verifyKey(letter.Token)).with("UserId", u.ID).with("HomeId", u.HomeID).
			with("Email", u.Email.String()).set("ExpiresAt", num(t.Now().Add(org.VerifyTime).Unix()))))
	}
	return letter, append(writes, t.put(letterItem(letter, t.Now())))
}

// stays keeps an account, which an organization is about to name or it is about
// to found one more with, from being erased meanwhile as one that belongs
// nowhere else. gone is what it means that it was.
func (t *Table) stays(u org.User, as string, gone error) []write {
	return []write{t.update(userKey(u.ID), "ADD "+as+" :one", "attribute_exists(PK)", item{":one": num(1)}, means(gone))}
}
