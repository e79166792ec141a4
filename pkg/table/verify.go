package table

import (
	"context"
	"errors"
	"time"

	"charter/pkg/fault"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// Verify implements org.Directory. The password is hashed only for a token that
// is good: nobody guesses one, so the time tells nothing.
func (d Directory) Verify(ctx context.Context, token string, p org.Password, source string) error {
	return d.verify(ctx, token, p, source, func() (string, error) { return p.Hash(d.Random) })
}

func (d Directory) verify(ctx context.Context, token string, p org.Password, source string, hash func() (string, error)) error {
	k := verifyKey(token)
	found, err := d.counted(ctx, []rate{d.Limits.address("verify", source)}, k)
	if err != nil {
		return err
	}
	order := found[k]
	email, err := order.address("Email")
	if err != nil {
		return err
	}
	if order == nil || order.number("ExpiresAt") <= d.Now().Unix() {
		return org.InvalidToken
	}
	if guessed, ok := errors.AsType[fault.Fault](p.Apart(email, "")); ok {
		return guessed.In("Password")
	}
	hashed := ""
	for range mostRounds {
		at, err := d.fetch(ctx, orgKey(order.text("HomeId")))
		if err == nil && hashed == "" {
			hashed, err = hash()
		}
		if err != nil {
			return err
		}
		err = d.transact(ctx, d.verifying(order, email, hashed, at[orgKey(order.text("HomeId"))] != nil))
		if !errors.Is(err, errStale) {
			return err
		}
	}
	return busy
}

// verifying is every item that changes when an e-mail is verified by a link.
func (d Directory) verifying(order item, email mail.Address, hash string, atHome bool) []write {
	user, home := order.text("UserId"), order.text("HomeId")
	used := d.remove(key{order.text("PK"), order.text("SK")})
	exists := "attribute_exists(PK)"
	used.Delete.ConditionExpression, used.failed = &exists, means(org.InvalidToken)
	writes := append(d.verified(org.User{ID: user, HomeID: home, Person: org.Person{Email: email}}, d.Now(), item{"PasswordHash": str(hash)}), used)
	writes = append(writes, d.free(user)...)
	if atHome { // it can have been erased
		writes = append(writes, d.check(orgKey(home), exists, nil, errStale),
			d.audit(home, user, "account.verify", user, org.Difference{Field: "VerifiedAt", New: d.Now().Format(momentFormat)}))
	}
	return writes
}

// verified marks the account as verified, which it can become once, and its
// organization as one that stays.
func (t *Table) verified(u org.User, at time.Time, more item) []write {
	attributes := item{"VerifiedAt": moment(at)}
	account := t.change(userKey(u.ID), more.and(attributes), nil)
	once := "attribute_exists(PK) AND attribute_not_exists(VerifiedAt)"
	account.Update.ConditionExpression, account.failed = &once, means(org.InvalidToken)
	return []write{account, t.change(emailKey(u.Email), attributes, nil), t.remove(expiryKey(u.HomeID))}
}
