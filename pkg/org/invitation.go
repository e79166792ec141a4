package org

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"io"
	"strings"
	"time"

	"charter/pkg/mail"
)

// InvitationTime is how long an invitation can be accepted.
const InvitationTime = 7 * 24 * time.Hour

// Invitation asks an e-mail address to join an organization.
type Invitation struct {
	ID        string // inv_ and 26 letters and digits
	Email     mail.Address
	Role      Role
	TokenHash []byte // SHA-256
	Expires   time.Time
}

// InvitationID is the id of an invitation in its organization. An address has
// one at most, so a new invitation takes the place of the one before.
func InvitationID(email mail.Address) string {
	sum := sha256.Sum256([]byte(email.Folded()))
	return "inv_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))[:26]
}

// NewInvitation makes an invitation and its token: in base64url, so that it
// needs no escaping in a link, what it is for and 256 random bits.
func NewInvitation(random io.Reader, organizationID string, email mail.Address, role Role, now time.Time) (Invitation, Secret, error) {
	i := Invitation{ID: InvitationID(email), Email: email, Role: role, Expires: now.Add(InvitationTime).Truncate(time.Second)}
	bits := make([]byte, 32)
	if _, err := io.ReadFull(random, bits); err != nil {
		return Invitation{}, Secret{}, err
	}
	token := Secret{base64.RawURLEncoding.EncodeToString([]byte(organizationID + "\n" + i.ID + "\n" + string(bits)))}
	i.TokenHash = token.Hash()
	return i, token, nil
}

// ParseInvitationToken finds which invitation a token is for. Whether it is its
// token Admits says. Errors: InvalidInvitation.
func ParseInvitationToken(token string) (organizationID, id string, err error) {
	const longest = 256
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	parts := strings.SplitN(string(raw), "\n", 3)
	if err != nil || len(token) > longest || len(parts) < 3 || !isID(parts[0], "org_") || !isID(parts[1], "inv_") {
		return "", "", InvalidInvitation
	}
	return parts[0], parts[1], nil
}

func isID(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && rest != "" && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// Admits refuses what is not the invitation's token, in constant time, and an
// invitation whose time is over. Errors: InvalidInvitation.
func (i Invitation) Admits(token string, now time.Time) error {
	if subtle.ConstantTimeCompare(i.TokenHash, hashSecret(token)) == 0 || !i.Pending(now) {
		return InvalidInvitation
	}
	return nil
}

// Pending reports whether the invitation can still be accepted.
func (i Invitation) Pending(now time.Time) bool { return now.Before(i.Expires) }
