package token

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // for thumbprints
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Keys are the public keys that tokens are verified with: more than one while
// an old key's last tokens run out.
type Keys struct{ set []jose.JSONWebKey }

// An RSA key's modulus, in bits.
const minModulus, maxModulus = 2048, 8192

// go-jose ignores keys of a set that are longer than this, 4096 if nobody says.
func init() { jose.MaxRSAModulusBits = maxModulus }

var (
	errNoKeys     = errors.New("token: no usable key")
	errNotPublic  = errors.New(`token: not a bundle of "PUBLIC KEY" blocks in PEM`)
	errNotKeySet  = errors.New("token: not a JWK Set")
	errUnusable   = errors.New("token: neither ECDSA on P-256 nor RSA of 2048 to 8192 bits")
	errThumbprint = errors.New("token: key without a thumbprint")
)

// NewKeys holds the given keys: *ecdsa.PublicKey on P-256 (ES256) or
// *rsa.PublicKey of 2048 to 8192 bits (RS256). A key's id is its thumbprint
// (RFC 7638, SHA-256), so there is no name to keep in step. The same key twice
// is one key; none is an error.
func NewKeys(public ...crypto.PublicKey) (*Keys, error) {
	k := &Keys{}
	for _, p := range public {
		key, err := newKey(p)
		if err != nil {
			return nil, err
		}
		if _, held := k.find(key.KeyID); !held {
			k.set = append(k.set, key)
		}
	}
	if len(k.set) == 0 {
		return nil, errNoKeys
	}
	return k, nil
}

// ParseKeys reads a bundle of public keys in PEM (PKIX), or what ParseKeySet
// reads. In a bundle, which is of our own making, whatever is not a usable
// public key is an error.
func ParseKeys(text []byte) (*Keys, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return ParseKeySet(text)
	}
	var public []crypto.PublicKey
	for !blank(text) {
		block, rest := pem.Decode(text)
		if block == nil || block.Type != "PUBLIC KEY" {
			return nil, errNotPublic
		}
		p, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, errNotPublic
		}
		public, text = append(public, p), rest
	}
	return NewKeys(public...)
}

// ParseKeySet reads a JWK Set (RFC 7517). A key is ignored that has another use
// than to verify signatures, another algorithm than its own, no id or an
// unusable value (section 5); two different keys with one id are both ignored.
// A set with no usable key is an error.
func ParseKeySet(text []byte) (*Keys, error) {
	m, err := readMembers(text, []string{"keys"})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotKeySet, err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(m["keys"], &list); err != nil {
		return nil, errNotKeySet
	}
	k, disputed := &Keys{}, map[string]bool{}
	for _, raw := range list {
		key, err := readKey(raw)
		if err != nil {
			continue
		}
		switch holder, held := k.find(key.KeyID); {
		case !held:
			k.set = append(k.set, key)
		case !key.Key.(interface{ Equal(crypto.PublicKey) bool }).Equal(holder.Key):
			disputed[key.KeyID] = true
		}
	}
	k.set = slices.DeleteFunc(k.set, func(key jose.JSONWebKey) bool { return disputed[key.KeyID] })
	if len(k.set) == 0 {
		return nil, errNoKeys
	}
	return k, nil
}

// readKey reads one key of a set, or says why it is to be ignored.
func readKey(raw []byte) (jose.JSONWebKey, error) {
	m, err := readMembers(raw, []string{"kty", "use", "key_ops", "alg", "kid", "crv", "x", "y", "n", "e", "d", "k"})
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	var given jose.JSONWebKey
	if err := given.UnmarshalJSON(raw); err != nil {
		return jose.JSONWebKey{}, err
	}
	key, err := newKey(given.Key) // a private or symmetric key is no public key
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	var ops []string
	switch {
	case given.KeyID == "":
		return jose.JSONWebKey{}, errors.New("no kid")
	case m.hold("use") && given.Use != key.Use:
		return jose.JSONWebKey{}, errors.New("another use")
	case m.hold("alg") && given.Algorithm != key.Algorithm:
		return jose.JSONWebKey{}, errors.New("another alg")
	case m.hold("key_ops") && (json.Unmarshal(m["key_ops"], &ops) != nil || !slices.Contains(ops, "verify")):
		return jose.JSONWebKey{}, errors.New("other key_ops")
	}
	key.KeyID = given.KeyID
	return key, nil
}

// newKey is a public key with its algorithm and thumbprint. An RSA exponent is
// at least 65537 (NIST SP 800-56B, section 6.2).
func newKey(public crypto.PublicKey) (jose.JSONWebKey, error) {
	key := jose.JSONWebKey{Key: public, Use: "sig"}
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return key, errUnusable
		}
		if _, err := p.ECDH(); err != nil { // not a point on the curve
			return key, errUnusable
		}
		key.Algorithm = string(jose.ES256)
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < minModulus || bits > maxModulus || p.E < 65537 || p.E%2 == 0 {
			return key, errUnusable
		}
		key.Algorithm = string(jose.RS256)
	default:
		return key, errUnusable
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return key, errThumbprint
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	return key, nil
}

// Hold reports whether there is a key with the id.
func (k *Keys) Hold(id string) bool {
	_, held := k.find(id)
	return held
}

// Verify reports whether k verifies what the signer signs.
func (k *Keys) Verify(s Signer) bool {
	key, err := newKey(s.Public())
	return err == nil && k.Hold(key.KeyID)
}

func (k *Keys) find(id string) (jose.JSONWebKey, bool) {
	i := slices.IndexFunc(k.set, func(key jose.JSONWebKey) bool { return key.KeyID == id })
	if i < 0 {
		return jose.JSONWebKey{}, false
	}
	return k.set[i], true
}

// JWKS is the set as JSON, for /.well-known/jwks.json. RFC 7517, section 5.
func (k *Keys) JWKS() []byte {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: k.set})
	if err != nil {
		panic("token: a key that was usable cannot be written: " + err.Error())
	}
	return text
}

func blank(text []byte) bool { return len(bytes.TrimSpace(text)) == 0 }
