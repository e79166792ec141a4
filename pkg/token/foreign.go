package token

import (
	"context"
	"errors"
	"slices"
	"time"

	"charter/pkg/caller"
)

// Foreign checks the tokens of one other issuer. All its fields are needed, but
// for the names of claims that the issuer does not have.
type Foreign struct {
	Name     string // the "iss" to take
	Audience string // the "aud" to take
	Claims   ClaimNames
	// Keys are the issuer's keys now, for a token that names the key with the id.
	// It is asked once for each token that is in good form.
	Keys func(ctx context.Context, kid string) (*Keys, error)
	Now  func() time.Time // the clock
}

// ClaimNames are what an issuer calls the claims that are not the same
// everywhere.
type ClaimNames struct {
	Audience      string // a text or a list of texts, nearly always "aud"; Amazon Cognito's access tokens have "client_id"
	Email         string // a text, commonly "email"
	EmailVerified string // true or false, commonly "email_verified"
	Organization  string // a text: an organization's code or id; "" where tokens name none
}

// foreignTypes are the "typ" of tokens that other issuers make for their
// holder: few follow RFC 9068. What is no token of a holder's says so by
// another type, as RFC 8725, section 3.11, asks.
var foreignTypes = []string{"", "JWT", mediaType, "application/" + mediaType}

// notHolders are claims of tokens that are not for their holder to show, for
// which some issuers have no "typ": security events, such as a logout (RFC
// 8417), and what somebody does for somebody else (RFC 8693).
var notHolders = []string{"events", "act"}

// Verify checks a token as Verifier.Verify does, with the same errors, in the
// looser profile that other issuers have: it may lack a "typ". Nothing that the
// token says of roles is read.
func (f Foreign) Verify(ctx context.Context, compact string) (caller.Identity, error) {
	if f.Name == "" || f.Audience == "" || f.Claims.Audience == "" {
		return caller.Identity{}, errors.New("token: verify: the issuer lacks a name or an audience")
	}
	header, payload, err := open(compact)
	if err == nil && !slices.Contains(foreignTypes, header.typ) {
		err = refuse("header: typ is not JWT or at+jwt")
	}
	if err != nil {
		return caller.Identity{}, err
	}
	keys, err := f.Keys(ctx, header.kid)
	if err == nil {
		err = header.authenticate(compact, keys)
	} else {
		err = unverified(err)
	}
	if err != nil {
		return caller.Identity{}, err
	}
	return f.read(payload)
}

// read reads the claims of a token whose signature is right.
func (f Foreign) read(payload []byte) (caller.Identity, error) {
	names := slices.DeleteFunc([]string{f.Claims.Audience, f.Claims.Email, f.Claims.EmailVerified, f.Claims.Organization},
		func(name string) bool { return name == "" })
	m, err := readMembers(payload, slices.Concat([]string{"iss", "sub", "iat", "nbf", "exp"}, notHolders, names))
	if err != nil {
		return caller.Identity{}, refuse("claims: " + err.Error())
	}
	for _, name := range notHolders {
		if m.hold(name) {
			return caller.Identity{}, refuse("claims: " + name + " is not a holder's")
		}
	}
	var r reader
	id := caller.Identity{Issuer: f.Name, Subject: r.text(m, "sub"), Organization: r.optional(m, f.Claims.Organization)}
	if email := r.optional(m, f.Claims.Email); string(m[f.Claims.EmailVerified]) == "true" {
		id.Email = email
	}
	expires, held := r.date(m, "exp")
	switch {
	case r.err != nil:
		return caller.Identity{}, refuse("claims: " + r.err.Error())
	case !held:
		return caller.Identity{}, refuse("claims: exp is missing")
	case id.Subject == "":
		return caller.Identity{}, refuse("claims: no subject")
	case len(id.Subject) > 255 || !visible(id.Subject):
		return caller.Identity{}, refuse("claims: the subject is not at most 255 visible ASCII characters")
	}
	if err := m.admit(f.Name, f.Claims.Audience, f.Audience, expires, f.Now()); err != nil {
		return caller.Identity{}, err
	}
	id.Expires = expires
	return id, nil
}

// optional is text for a claim that may be null or have no name.
func (r *reader) optional(m members, name string) string {
	if name == "" || string(m[name]) == "null" {
		return ""
	}
	return r.text(m, name)
}

// ClaimedIssuer is the "iss" of a token, to choose who verifies it: until then
// it says nothing. "" when the token is in no form to say it.
func ClaimedIssuer(compact string) string {
	_, payload, err := open(compact)
	if err != nil {
		return ""
	}
	m, err := readMembers(payload, []string{"iss"})
	if err != nil {
		return ""
	}
	var r reader
	return r.text(m, "iss")
}
