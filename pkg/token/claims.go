// Package token makes and checks access tokens: sign, verify, key sets,
// issuers.
//
// A token is a signed JWT (RFC 7519) with the profile of RFC 9068: ES256, "typ"
// at+jwt, "kid" always. An Issuer writes Claims with a Signer; a Verifier
// reads them back with the Keys that are trusted, and refuses whatever an
// Issuer would not have written. Nothing here makes an outbound call: a key
// that signs elsewhere is behind Signer, and keys come from where the Verifier
// is told to look.
package token

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"charter/pkg/caller"
)

const (
	admin        = "Admin"
	clientPrefix = "client:"
)

// payload is a token's claims set, in the order in which it is written.
type payload struct {
	Issuer         string `json:"iss"`
	Audience       string `json:"aud"`
	Subject        string `json:"sub"`
	IssuedAt       int64  `json:"iat"`
	Expires        int64  `json:"exp"`
	ID             string `json:"jti"`
	Email          string `json:"email,omitempty"`
	EmailVerified  *bool  `json:"email_verified,omitempty"` // a person's: OpenID Connect Core 1.0, section 5.1
	OrganizationID string `json:"OrganizationId,omitempty"`
	OrgCode        string `json:"OrgCode,omitempty"`
	Role           string `json:"role,omitempty"`
	UserID         string `json:"UserId,omitempty"`
	*caller.Enrichment
	Actor *actor `json:"act,omitempty"`
}

// actor is who acts for the subject. RFC 8693, section 4.1.
type actor struct {
	Subject string `json:"sub"`
}

// known are the members that a payload may hold: another spelling of one is
// refused, any other member is left alone.
var known = []string{
	"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "email", "email_verified", "OrganizationId", "OrgCode", "role", "UserId",
	"CustomerNumber", "PriceTier", "CurrencyCode", "act",
}

// newPayload is c as it is written, but for what the Issuer adds.
func newPayload(c caller.Claims) payload {
	p := payload{
		Subject: c.Subject(), Email: c.Email, OrganizationID: c.OrganizationID, OrgCode: c.OrgCode,
		Enrichment: c.Enrichment,
	}
	if c.ClientID == "" {
		p.EmailVerified = &c.Verified
	}
	if c.Admin {
		p.Role = admin
	}
	if c.OrganizationID != "" {
		p.UserID = c.UserID
	}
	if c.Actor != "" {
		p.Actor = &actor{c.Actor}
	}
	return p
}

// readClaims is payload's way back. Dates and audience are the Verifier's to
// judge, all but the form of "exp".
func readClaims(m members) (caller.Claims, error) {
	var r reader
	subject, userID, role := r.text(m, "sub"), r.text(m, "UserId"), r.text(m, "role")
	c := caller.Claims{Caller: caller.Caller{
		Email: r.text(m, "email"), Verified: r.truth(m, "email_verified"), OrganizationID: r.text(m, "OrganizationId"), OrgCode: r.text(m, "OrgCode"),
		Admin: role == admin,
	}}
	if client, is := strings.CutPrefix(subject, clientPrefix); is {
		c.ClientID = client
	} else {
		c.UserID = subject
	}
	if m.hold("CustomerNumber") || m.hold("PriceTier") || m.hold("CurrencyCode") {
		c.Enrichment = &caller.Enrichment{
			CustomerNumber: r.text(m, "CustomerNumber"),
			PriceTier:      r.text(m, "PriceTier"), CurrencyCode: r.text(m, "CurrencyCode"),
		}
	}
	if raw, held := m["act"]; held {
		act, err := readMembers(raw, []string{"sub"})
		if err != nil {
			return caller.Claims{}, errors.New("act: " + err.Error())
		}
		if c.Actor = r.text(act, "sub"); c.Actor == "" {
			return caller.Claims{}, errors.New("act names nobody")
		}
	}
	exp, held := r.date(m, "exp")
	switch {
	case r.err != nil:
		return caller.Claims{}, r.err
	case !held:
		return caller.Claims{}, errors.New("exp is missing")
	case userID != "" && userID != subject:
		return caller.Claims{}, errors.New("UserId is not the subject")
	}
	c.Expires = exp
	return c, check(c)
}

// check refuses claims that contradict themselves. Both ends call it, so that
// nothing is issued that would be refused.
func check(c caller.Claims) error {
	switch {
	case c.Nobody():
		return errors.New("no subject")
	case c.UserID != "" && c.ClientID != "" || strings.HasPrefix(c.UserID, clientPrefix):
		return errors.New("the subject is a user and a client")
	case len(c.Subject()) > 255 || !visible(c.Subject()):
		return errors.New("the subject is not at most 255 visible ASCII characters")
	case (c.OrganizationID == "") != (c.OrgCode == ""):
		return errors.New("an organization's id and code come together")
	case c.OrganizationID == "" && (c.Admin || c.Enrichment != nil):
		return errors.New("a role or an enrichment without an organization")
	case c.Actor != "" && c.Admin:
		return errors.New("a delegated token carries no role")
	}
	return nil
}

func visible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// reader reads members of a type, and keeps the first error.
type reader struct{ err error }

// text is the named string, "" when there is none.
func (r *reader) text(m members, name string) string {
	raw, held := m[name]
	if !held {
		return ""
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		r.fail(name + " is not a string")
	}
	return s
}

// truth is the named boolean, false when there is none.
func (r *reader) truth(m members, name string) bool {
	raw, held := m[name]
	if held && string(raw) != "true" && string(raw) != "false" {
		r.fail(name + " is not true or false")
	}
	return string(raw) == "true"
}

// date is the named NumericDate: seconds since 1970, fractions allowed, until
// the year 9999. RFC 7519, section 2.
func (r *reader) date(m members, name string) (at time.Time, held bool) {
	raw, held := m[name]
	if !held {
		return time.Time{}, false
	}
	const end = 253402300800
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(seconds >= 0 && seconds < end) {
		r.fail(name + " is not a date in seconds")
		return time.Time{}, true
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), true
}

func (r *reader) fail(text string) {
	if r.err == nil {
		r.err = errors.New(text)
	}
}
