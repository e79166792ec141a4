// Package signing opens the keys of access tokens, for the functions that sign or verify.
package signing

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"charter/pkg/env"
	"charter/pkg/kms"
	"charter/pkg/token"
	"charter/pkg/trust"
)

// Issuer opens the key that signs tokens. One that nobody could verify with the
// keys that are published panics: a token of its would be refused everywhere.
func Issuer(e env.Env) token.Issuer {
	key := signer(e)
	if !Keys(e).Verify(key) {
		panic("env: " + env.SigningKey + " is not among " + env.VerifyingKeys)
	}
	return token.Issuer{Signer: key, Name: e.Must(env.TokenIssuer), Audience: e.Must(env.TokenAudience),
		Delegated: e.Must(env.EnrichmentAudience), Now: e.Now, Random: rand.Reader}
}

// opening is how long a function that starts waits for KMS.
const opening = 5 * time.Second

func signer(e env.Env) token.Signer {
	text := e.Must(env.SigningKey)
	if !strings.HasPrefix(text, "arn:") {
		key, err := token.ParsePrivateKey([]byte(text))
		if err != nil {
			panic("env: " + env.SigningKey + ": " + err.Error())
		}
		return key
	}
	ctx, cancel := context.WithTimeout(context.Background(), opening)
	defer cancel()
	key, err := kms.Open(ctx, kms.Options{Key: text, Endpoint: e.Get("AWS_ENDPOINT_URL_KMS"),
		Credentials: e.Credentials(), HTTP: e.HTTP, Now: e.Now})
	if err != nil {
		panic("env: " + env.SigningKey + ": " + err.Error())
	}
	return key
}

// Keys opens the public keys that verify our tokens.
func Keys(e env.Env) *token.Keys {
	keys, err := token.ParseKeys([]byte(e.Must(env.VerifyingKeys)))
	if err != nil {
		panic("env: " + env.VerifyingKeys + ": " + err.Error())
	}
	return keys
}

// Verifier opens what judges tokens, our own and those of other issuers.
func Verifier(e env.Env) trust.Verifier {
	keys := Keys(e)
	own := token.Verifier{Name: e.Must(env.TokenIssuer), Audience: e.Must(env.TokenAudience), Now: e.Now,
		Keys: func(context.Context) (*token.Keys, error) { return keys, nil }}
	others, err := trust.Parse(e.Must(env.TrustedIssuers))
	if err != nil {
		panic("env: " + env.TrustedIssuers + ": " + err.Error())
	}
	e.Lazy = len(others) == 0 // then nobody's account is ever looked up
	v, err := trust.NewVerifier(own, others, e.Organizations(), e.HTTP, e.Now)
	if err != nil {
		panic("env: " + env.TrustedIssuers + ": " + err.Error())
	}
	return v
}
