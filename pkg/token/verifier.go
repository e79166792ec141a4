package token

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"charter/pkg/caller"
	"charter/pkg/fault"
)

const (
	// maxLength is the longest token in bytes, as long as all of a request's
	// headers may be at API Gateway.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
	maxLength = 8 << 10

	// Leeway is how far the clocks of issuer and verifier may be apart.
	Leeway = 60 * time.Second
)

// Verifier checks tokens. All its fields are needed.
type Verifier struct {
	Name     string // the "iss" to take
	Audience string // the "aud" to take
	// Keys are the keys to trust now. It is asked once for each token that is
	// in good form, so it keeps what it has fetched.
	Keys func(context.Context) (*Keys, error)
	Now  func() time.Time // the clock
}

// Invalid is every refusal of a token: what was wrong with it is none of the
// holder's business.
var Invalid = fault.Fault{Kind: fault.Unauthenticated, Message: "Invalid or expired token."}

// refuse is Invalid with the reason for our own log. It repeats nothing of the
// token.
func refuse(reason string) error { return fmt.Errorf("%w Refused: %s.", Invalid, reason) }

// Verify checks a token in compact form and returns what it says. Anything
// wrong with the token is a fault.Unauthenticated. Any other error says that
// nothing could be checked, and nothing about the token.
//
// It takes exactly what an Issuer writes, or another that follows RFC 9068
// with ES256 or RS256, and goes by the advice of RFC 8725: the algorithm is
// the key's, the key is found by "kid" among those that are trusted and never
// taken from the token, and there is one way to read each byte.
func (v Verifier) Verify(ctx context.Context, compact string) (caller.Claims, error) {
	if v.Name == "" || v.Audience == "" {
		return caller.Claims{}, errors.New("token: verify: the verifier lacks a name or an audience")
	}
	header, payload, err := open(compact)
	if err == nil && header.typ != mediaType && header.typ != "application/"+mediaType { // RFC 9068, section 4
		err = refuse("header: typ is not at+jwt")
	}
	if err != nil {
		return caller.Claims{}, err
	}
	keys, err := v.Keys(ctx)
	if err == nil {
		err = header.authenticate(compact, keys)
	} else {
		err = unverified(err)
	}
	if err != nil {
		return caller.Claims{}, err
	}
	return v.judge(payload)
}

// unverified is a source of keys that failed. It is not wrapped: a fault of the
// source's is not the token's.
func unverified(err error) error { return errors.New("token: verify: keys: " + err.Error()) }

// header is what we read of a token's header; typ is "" where there is none.
type header struct{ alg, kid, typ string }

// authenticate checks the signature of a token whose header this is.
func (h header) authenticate(compact string, keys *Keys) error {
	if keys == nil {
		return fmt.Errorf("token: verify: %w", errNoKeys)
	}
	key, held := keys.find(h.kid)
	switch {
	case !held:
		return refuse("kid is unknown")
	case h.alg != key.Algorithm:
		return refuse("alg is not the key's")
	}
	signed, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Algorithm)})
	if err != nil {
		return refuse("not a signed token")
	}
	if _, err := signed.Verify(key.Key); err != nil {
		return refuse("the signature is wrong")
	}
	return nil
}

// open takes a token apart, without trust in any of it.
func open(compact string) (h header, payload []byte, err error) {
	if len(compact) > maxLength {
		return header{}, nil, refuse("longer than 8 KB")
	}
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return header{}, nil, refuse("not three parts")
	}
	var raw [3][]byte
	for i, part := range parts {
		if raw[i], err = decode(part); err != nil {
			return header{}, nil, refuse("not canonical base64url")
		}
	}
	h, err = readHeader(raw[0])
	return h, raw[1], err
}

// decode reads base64url without padding, in the one form that encodes the
// bytes: Strict refuses trailing bits, but passes over line ends.
func decode(part string) ([]byte, error) {
	if part == "" || strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("empty or broken")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

// refused are the header members that bring a key along, point to one, or
// change how the token is read. We need none of them: "crit" may name no
// member that we understand, and may not be empty (RFC 7515, section 4.1.11).
var refused = []string{"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"}

func readHeader(raw []byte) (header, error) {
	m, err := readMembers(raw, append([]string{"alg", "kid", "typ"}, refused...))
	if err != nil {
		return header{}, refuse("header: " + err.Error())
	}
	for _, name := range refused {
		if m.hold(name) {
			return header{}, refuse("header: " + name + " is not taken")
		}
	}
	var r reader
	h := header{alg: r.text(m, "alg"), kid: r.text(m, "kid"), typ: r.text(m, "typ")}
	switch {
	case r.err != nil:
		return header{}, refuse("header: " + r.err.Error())
	case h.alg != string(jose.ES256) && h.alg != string(jose.RS256):
		return header{}, refuse("header: alg is neither ES256 nor RS256")
	case h.kid == "":
		return header{}, refuse("header: kid is missing")
	}
	return h, nil
}

// judge reads the claims of a token whose signature is right.
func (v Verifier) judge(payload []byte) (caller.Claims, error) {
	m, err := readMembers(payload, known)
	if err != nil {
		return caller.Claims{}, refuse("claims: " + err.Error())
	}
	c, err := readClaims(m)
	if err != nil {
		return caller.Claims{}, refuse("claims: " + err.Error())
	}
	if err := m.admit(v.Name, "aud", v.Audience, c.Expires, v.Now()); err != nil {
		return caller.Claims{}, err
	}
	return c, nil
}

// admit judges the claims that every token has: whose it is, for whom, from
// when to when.
func (m members) admit(name, audienceClaim, audience string, expires, now time.Time) error {
	var r reader
	issuer := r.text(m, "iss")
	notBefore, _ := r.date(m, "nbf") // without one, a time long past
	issuedAt, _ := r.date(m, "iat")
	switch {
	case r.err != nil:
		return refuse("claims: " + r.err.Error())
	case issuer != name:
		return refuse("claims: iss is another")
	case !slices.Contains(audiences(m[audienceClaim]), audience):
		return refuse("claims: " + audienceClaim + " is another")
	case !now.Before(expires.Add(Leeway)):
		return refuse("claims: exp has passed")
	case now.Add(Leeway).Before(notBefore):
		return refuse("claims: nbf is to come")
	case now.Add(Leeway).Before(issuedAt):
		return refuse("claims: iat is to come")
	}
	return nil
}

// audiences are those of a string or an array of strings. RFC 7519, section
// 4.1.3.
func audiences(raw json.RawMessage) []string {
	var one *string
	if json.Unmarshal(raw, &one) == nil && one != nil {
		return []string{*one}
	}
	var many []*string
	if json.Unmarshal(raw, &many) != nil || slices.Contains(many, nil) {
		return nil
	}
	names := make([]string, len(many))
	for i, name := range many {
		names[i] = *name
	}
	return names
}
