package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Signer signs with one ECDSA P-256 key, which may be in another place: a key
// service takes the same digest and gives the same signature.
type Signer interface {
	// Public is the key that verifies what Sign signs. It never changes.
	Public() *ecdsa.PublicKey
	// Sign signs a SHA-256 digest. The signature is ASN.1 DER (RFC 3279,
	// section 2.2.3), as crypto/ecdsa and AWS KMS make it.
	Sign(ctx context.Context, digest []byte) (der []byte, err error)
}

// PrivateKey is the Signer whose key is at hand.
type PrivateKey struct{ key *ecdsa.PrivateKey }

var errNotPrivateKey = errors.New(`token: not one "PRIVATE KEY" in PEM that is ECDSA on P-256`)

// ParsePrivateKey reads a key as NewKeyPair writes it: one PEM block with
// PKCS #8, and nothing else. No error tells anything of the key.
func ParsePrivateKey(text []byte) (PrivateKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || !blank(rest) {
		return PrivateKey{}, errNotPrivateKey
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, is := parsed.(*ecdsa.PrivateKey)
	if err != nil || !is || key.Curve != elliptic.P256() {
		return PrivateKey{}, errNotPrivateKey
	}
	return PrivateKey{key}, nil
}

// Public is the public half.
func (k PrivateKey) Public() *ecdsa.PublicKey { return &k.key.PublicKey }

// Sign signs here and now, whatever the context.
func (k PrivateKey) Sign(_ context.Context, digest []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, k.key, digest)
}

// NewKeyPair makes a key, as PEM: the private half for ParsePrivateKey (PKCS
// #8), the public half for ParseKeys (PKIX).
func NewKeyPair() (private, public []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("token: new key: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("token: new key: %w", err)
	}
	pkix, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, nil, fmt.Errorf("token: new key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}), nil
}
