// Package signing opens the keys of access tokens, for the functions that sign or verify.
package signing

import (
	"context"
	"crypto/rand"

	"charter/pkg/env"
	"charter/pkg/token"
)

// Issuer opens the key that signs tokens.
func Issuer(e env.Env) token.Issuer {
	key, err := token.ParsePrivateKey([]byte(e.Must(env.SigningKey)))
	if err != nil {
		panic("env: " + env.SigningKey + ": " + err.Error())
	}
	return token.Issuer{Signer: key, Name: e.Must(env.TokenIssuer), Audience: e.Must(env.TokenAudience),
		Delegated: e.Must(env.EnrichmentAudience), Now: e.Now, Random: rand.Reader}
}

// Keys opens the public keys that verify our tokens.
func Keys(e env.Env) *token.Keys {
	keys, err := token.ParseKeys([]byte(e.Must(env.VerifyingKeys)))
	if err != nil {
		panic("env: " + env.VerifyingKeys + ": " + err.Error())
	}
	return keys
}

// Verifier opens what judges tokens.
func Verifier(e env.Env) token.Verifier {
	keys := Keys(e)
	return token.Verifier{Name: e.Must(env.TokenIssuer), Audience: e.Must(env.TokenAudience), Now: e.Now,
		Keys: func(context.Context) (*token.Keys, error) { return keys, nil }}
}
