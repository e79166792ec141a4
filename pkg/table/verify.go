package table

import (
	"context"
	"errors"
	"time"

	"charter/pkg/fault"
	"charter/pkg/org"
)

// Verify implements org.Directory. The password is hashed only for a token that
// is good: nobody guesses one, so the time tells nothing.
func (d Directory) Verify(ctx context.Context, token string, p org.Password, source string) error {
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
	user, home := order.text("UserId"), order.text("HomeId")
	at, err := d.fetch(ctx, orgKey(home))
	if err != nil {
		return err
	}
	hash, err := p.Hash(d.Random)
	if err != nil {
		return err
	}
	used := d.remove(k)
	exists := "attribute_exists(PK)"
	used.Delete.ConditionExpression, used.failed = &exists, means(org.InvalidToken)
	writes := append(d.verified(org.User{ID: user, HomeID: home, Person: org.Person{Email: email}}, d.Now(), item{"PasswordHash": str(hash)}), used)
	writes = append(writes, d.free(user)...)
	if at[orgKey(home)] != nil { // it can have been erased
		writes = append(writes, d.audit(home, user, "account.verify", user, org.Difference{Field: "VerifiedAt", New: d.Now().Format(momentFormat)}))
	}
	return d.transact(ctx, writes)
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
