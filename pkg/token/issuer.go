package token

import (
	"context"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/oklog/ulid/v2"

	"charter/pkg/caller"
)

// mediaType is the "typ" of an access token. RFC 9068, section 2.1.
const mediaType = "at+jwt"

// Issuer makes tokens. All its fields are needed.
type Issuer struct {
	Signer    Signer
	Name      string           // "iss": who we are, a constant
	Audience  string           // "aud" of a holder's own token: this service
	Delegated string           // "aud" of a delegated token: the team's own services, never this one
	Now       func() time.Time // the clock
	Random    io.Reader        // for "jti"
}

// Issue makes a token that ends after the lifetime, in whole seconds from now.
// It is an error to ask for a token that a Verifier would refuse, and every
// error is internal: what claims a caller may have was settled before.
func (i Issuer) Issue(ctx context.Context, c caller.Claims, lifetime time.Duration) (string, error) {
	if err := check(c); err != nil {
		return "", fmt.Errorf("token: issue: %w", err)
	}
	if i.Name == "" || i.Audience == "" || i.Delegated == "" || i.Audience == i.Delegated {
		return "", errors.New("token: issue: the issuer lacks a name or two audiences that differ")
	}
	if lifetime < time.Second {
		return "", errors.New("token: issue: a lifetime under a second")
	}
	now := i.Now()
	id, err := ulid.New(ulid.Timestamp(now), i.Random)
	if err != nil {
		return "", fmt.Errorf("token: issue: %w", err)
	}
	p := newPayload(c)
	p.Issuer, p.ID = i.Name, id.String()
	p.Audience = i.Audience
	if c.Actor != "" {
		p.Audience = i.Delegated
	}
	p.IssuedAt = now.Unix()
	p.Expires = p.IssuedAt + int64(lifetime/time.Second)
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("token: issue: %w", err)
	}
	compact, err := sign(ctx, i.Signer, text)
	if err != nil {
		return "", fmt.Errorf("token: issue: %w", err)
	}
	if len(compact) > maxLength {
		return "", errors.New("token: issue: the token is too long")
	}
	return compact, nil
}

func sign(ctx context.Context, s Signer, payload []byte) (string, error) {
	public, err := newKey(s.Public())
	if err != nil {
		return "", err
	}
	key := jose.SigningKey{Algorithm: jose.ES256, Key: opaque{ctx, s, public}}
	signer, err := jose.NewSigner(key, new(jose.SignerOptions).WithType(mediaType))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// opaque is one signing, as go-jose asks for it. The key's id goes into the
// header as "kid".
type opaque struct {
	ctx    context.Context
	signer Signer
	public jose.JSONWebKey
}

func (o opaque) Public() *jose.JSONWebKey        { return &o.public }
func (o opaque) Algs() []jose.SignatureAlgorithm { return []jose.SignatureAlgorithm{jose.ES256} }

var errBadSignature = errors.New("the signer's signature is not ASN.1 of two numbers")

// SignPayload turns the signer's ASN.1 into two numbers of 32 bytes. RFC 7518,
// section 3.4.
func (o opaque) SignPayload(payload []byte, _ jose.SignatureAlgorithm) ([]byte, error) {
	digest := sha256.Sum256(payload)
	der, err := o.signer.Sign(o.ctx, digest[:])
	if err != nil {
		return nil, err
	}
	var n struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &n); err != nil || len(rest) > 0 {
		return nil, errBadSignature
	}
	raw := make([]byte, 64)
	for at, part := range []*big.Int{n.R, n.S} {
		if part.Sign() <= 0 || part.BitLen() > 256 {
			return nil, errBadSignature
		}
		part.FillBytes(raw[32*at : 32*at+32])
	}
	return raw, nil
}
