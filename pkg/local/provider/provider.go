// Package provider stands in for an OpenID provider, in tests: a team's own, whose tokens Charter takes.
//
// It publishes its discovery document and its keys, and signs with go-jose as it
// is: none of the code that checks its tokens.
package provider

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// Provider is an OpenID provider on this machine. It is safe for concurrent use.
type Provider struct {
	*httptest.Server

	mu     sync.Mutex
	keys   []jose.JSONWebKey // private; the last one signs
	asked  []string
	answer http.HandlerFunc
}

// Start starts a provider with a key for ES256. Its URL, which is also its "iss", is
// https, with a certificate that its Client trusts, or http.
func Start(https bool) *Provider {
	p := &Provider{}
	p.Rotate(jose.ES256)
	if https {
		p.Server = httptest.NewTLSServer(http.HandlerFunc(p.serve))
	} else {
		p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	}
	return p
}

// Rotate makes a new key, which signs from now on; the old ones stay published.
// It returns the new key's id.
func (p *Provider) Rotate(alg jose.SignatureAlgorithm) string {
	var private crypto.Signer
	var err error
	if alg == jose.ES256 {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := fmt.Sprintf("key-%d", len(p.keys)+1)
	p.keys = append(p.keys, jose.JSONWebKey{Key: private, KeyID: id, Algorithm: string(alg), Use: "sig"})
	return id
}

// Sign makes a token of the claims, with "iss" where they have none.
func (p *Provider) Sign(claims map[string]any) string {
	p.mu.Lock()
	key := p.keys[len(p.keys)-1]
	p.mu.Unlock()
	if _, held := claims["iss"]; !held {
		claims["iss"] = p.URL
	}
	return Sign(key, claims)
}

// Sign makes a token with any key, under the key's id and algorithm.
func Sign(key jose.JSONWebKey, claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key},
		new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return compact
}

// Answer puts a handler in the place of the provider's own, nil its own again.
func (p *Provider) Answer(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = h
}

// Asked lists the paths that were asked for since the last call.
func (p *Provider) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.URL.Path)
	answer := p.answer
	p.mu.Unlock()
	if answer == nil {
		answer = p.Serve
	}
	answer(w, r)
}

// Serve is the provider's own handler.
func (p *Provider) Serve(w http.ResponseWriter, r *http.Request) {
	var document any
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		document = map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys", "authorization_endpoint": p.URL + "/authorize",
			"token_endpoint": p.URL + "/token", "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256"}}
	case "/keys":
		set := jose.JSONWebKeySet{}
		p.mu.Lock()
		for _, key := range p.keys {
			set.Keys = append(set.Keys, key.Public())
		}
		p.mu.Unlock()
		document = set
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document) // whoever asked has gone
}
