package token_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/token"
)

func publicPEM(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	pkix, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})
}

// A key's id is fixed by the key. The example of RFC 7638, section 3.1.
func TestThumbprint(t *testing.T) {
	modulus, err := base64.RawURLEncoding.DecodeString("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4" +
		"cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6C" +
		"f0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTW" +
		"hAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(&rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := kids(t, keys)[0], "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; got != want {
		t.Fatalf("kid %s, want %s", got, want)
	}
}

// While keys rotate, tokens of both are taken, and both are published; after
// it the old one's are refused.
func TestRotation(t *testing.T) {
	before, after := newParty(t), newParty(t)
	keys, err := token.ParseKeys(append(append(before.public, '\n'), after.public...))
	if err != nil {
		t.Fatal(err)
	}
	if got := kids(t, keys); len(got) != 2 || got[0] != before.kid || got[1] != after.kid {
		t.Fatalf("kids %v", got)
	}
	for _, p := range []party{before, after} {
		compact, err := p.issuer.Issue(t.Context(), caller.Claims{Caller: person}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		taken(t, trusting(keys), compact)
	}
	compact, err := before.issuer.Issue(t.Context(), caller.Claims{Caller: person}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, after.verifier, compact, "kid is unknown")
}

// What is published holds just what verifies, and can be read back.
func TestJWKS(t *testing.T) {
	p := newParty(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(p.key.Public(), &rsaKey.PublicKey, p.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(keys.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 {
		t.Fatalf("%d keys, want 2: %s", len(set.Keys), keys.JWKS())
	}
	for i, want := range []struct{ kty, alg, members string }{
		{"EC", "ES256", "alg crv kid kty use x y"}, {"RSA", "RS256", "alg e kid kty n use"},
	} {
		key := set.Keys[i]
		if key["kty"] != want.kty || key["alg"] != want.alg || key["use"] != "sig" || len(key["kid"]) != 43 {
			t.Errorf("key %v", key)
		}
		for name := range key {
			if !strings.Contains(" "+want.members+" ", " "+name+" ") {
				t.Errorf("key %v has %q", key, name)
			}
		}
	}
	again, err := token.ParseKeys(keys.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.JWKS(), keys.JWKS()) {
		t.Errorf("read back as %s,\nwant %s", again.JWKS(), keys.JWKS())
	}
}

func TestParseKeysRefuses(t *testing.T) {
	p := newParty(t)
	private, _, err := token.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak := func(bits uint, e int) *rsa.PublicKey {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: e}
	}
	off := bytes.Clone(mustDecode(t, p.public))
	off[len(off)-1] ^= 1
	const unusable = "neither ECDSA on P-256 nor RSA"
	for name, test := range map[string]struct {
		text   []byte
		reason string
	}{
		"nothing":           {nil, "no usable key"},
		"white space":       {[]byte(" \n"), "no usable key"},
		"no PEM":            {[]byte("hello"), "PUBLIC KEY"},
		"a private key":     {append(bytes.Clone(p.public), private...), "PUBLIC KEY"},
		"a certificate":     {bytes.ReplaceAll(p.public, []byte("PUBLIC KEY"), []byte("CERTIFICATE")), "PUBLIC KEY"},
		"text after":        {append(bytes.Clone(p.public), "more"...), "PUBLIC KEY"},
		"no key inside":     {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}), "PUBLIC KEY"},
		"off the curve":     {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: off}), "PUBLIC KEY"},
		"P-384":             {publicPEM(t, &p384.PublicKey), unusable},
		"Ed25519":           {publicPEM(t, edwards), unusable},
		"RSA of 2047 bits":  {publicPEM(t, weak(2047, 65537)), unusable},
		"RSA of 8193 bits":  {publicPEM(t, weak(8193, 65537)), unusable},
		"RSA, exponent 3":   {publicPEM(t, weak(2048, 3)), unusable},
		"RSA, even":         {publicPEM(t, weak(2048, 65538)), unusable},
		"a set of nothing":  {[]byte(`{"keys":[]}`), "no usable key"},
		"no set":            {[]byte(`{}`), "not a JWK Set"},
		"a set in capitals": {[]byte(`{"KEYS":[]}`), "not a JWK Set"},
		"two sets":          {[]byte(`{"keys":[],"keys":[]}`), "not a JWK Set"},
		"a key's id twice":  {[]byte(`{"keys":[{"kid":"a","kid":"b"}]}`), "not a JWK Set"},
		"keys no list":      {[]byte(`{"keys":{}}`), "not a JWK Set"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := token.ParseKeys(test.text)
			if err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Fatalf("keys %v, error %v, want %q", keys, err, test.reason)
			}
			if strings.Contains(err.Error(), string(private[40:60])) {
				t.Fatalf("error %q tells of a private key", err)
			}
		})
	}
	for _, bits := range []uint{2048, 8192} {
		if _, err := token.ParseKeys(publicPEM(t, weak(bits, 65537))); err != nil {
			t.Errorf("RSA of %d bits: %v", bits, err)
		}
	}
}

func mustDecode(t *testing.T, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("no PEM")
	}
	return block.Bytes
}

// Of a foreign set, only keys that are to verify our kind of token count.
func TestKeySet(t *testing.T) {
	p, other := newParty(t), newParty(t)
	member := func(p party) (x, y string) {
		var set struct{ Keys []struct{ X, Y string } }
		if err := json.Unmarshal(p.verifierKeys(t).JWKS(), &set); err != nil {
			t.Fatal(err)
		}
		return set.Keys[0].X, set.Keys[0].Y
	}
	x, y := member(p)
	x2, y2 := member(other)
	key := func(more string) string { return fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q%s}`, x, y, more) }
	modulus := func(bits uint, more string) string {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		n.Add(n, big.NewInt(1))
		return fmt.Sprintf(`{"kty":"RSA","n":%q%s}`, base64.RawURLEncoding.EncodeToString(n.Bytes()), more)
	}
	second := func(more string) string {
		return fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q%s}`, x2, y2, more)
	}
	for name, test := range map[string]struct {
		keys string
		want string // the ids that are left, "" for none
	}{
		"the least":            {key(`,"kid":"a"`), "a"},
		"all said":             {key(`,"kid":"a","use":"sig","alg":"ES256","key_ops":["verify"]`), "a"},
		"more ops":             {key(`,"kid":"a","key_ops":["sign","verify"]`), "a"},
		"members we ignore":    {key(`,"kid":"a","nbf":1`), "a"},
		"two":                  {key(`,"kid":"a"`) + "," + second(`,"kid":"b"`), "a b"},
		"the same twice":       {key(`,"kid":"a"`) + "," + key(`,"kid":"a"`), "a"},
		"one id for two":       {key(`,"kid":"a"`) + "," + second(`,"kid":"a"`), ""},
		"one id for two, more": {key(`,"kid":"a"`) + "," + second(`,"kid":"a"`) + "," + second(`,"kid":"b"`), "b"},
		"one id, one unusable": {second(`,"kid":"a","use":"enc"`) + "," + key(`,"kid":"a"`), "a"},
		"another use":          {key(`,"kid":"a","use":"enc"`), ""},
		"use null":             {key(`,"kid":"a","use":null`), ""},
		"USE":                  {key(`,"kid":"a","USE":"sig"`), ""},
		"other ops":            {key(`,"kid":"a","key_ops":["encrypt","wrapKey"]`), ""},
		"no ops":               {key(`,"kid":"a","key_ops":[]`), ""},
		"ops no list":          {key(`,"kid":"a","key_ops":"verify"`), ""},
		"another alg":          {key(`,"kid":"a","alg":"RS256"`), ""},
		"an HMAC alg":          {key(`,"kid":"a","alg":"HS256"`), ""},
		"alg in lower case":    {key(`,"kid":"a","alg":"es256"`), ""},
		"no id":                {key(``), ""},
		"id empty":             {key(`,"kid":""`), ""},
		"id a number":          {key(`,"kid":1`), ""},
		"off the curve":        {fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"a","x":%q,"y":%q}`, x, y2), ""},
		"another curve":        {fmt.Sprintf(`{"kty":"EC","crv":"P-384","kid":"a","x":%q,"y":%q}`, x, y), ""},
		"no y":                 {fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"a","x":%q}`, x), ""},
		"symmetric":            {`{"kty":"oct","kid":"a","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, ""},
		"a private key":        {key(`,"kid":"a","d":"` + x + `"`), ""},
		"RSA":                  {modulus(2048, `,"kid":"a","e":"AQAB"`), "a"},
		"RSA, all said":        {modulus(2048, `,"kid":"a","e":"AQAB","use":"sig","alg":"RS256","key_ops":["verify"]`), "a"},
		"RSA of 8192 bits":     {modulus(8192, `,"kid":"a","e":"AQAB"`), "a"},
		"RSA of 2047 bits":     {modulus(2047, `,"kid":"a","e":"AQAB"`), ""},
		"RSA of 8193 bits":     {modulus(8193, `,"kid":"a","e":"AQAB"`), ""},
		"RSA, exponent 3":      {modulus(2048, `,"kid":"a","e":"Aw"`), ""},
		"RSA, exponent 1":      {modulus(2048, `,"kid":"a","e":"AQ"`), ""},
		"RSA, even exponent":   {modulus(2048, `,"kid":"a","e":"AQAC"`), ""},
		"RSA, no exponent":     {modulus(2048, `,"kid":"a"`), ""},
		"RSA for RS512":        {modulus(2048, `,"kid":"a","e":"AQAB","alg":"RS512"`), ""},
		"RSA for PS256":        {modulus(2048, `,"kid":"a","e":"AQAB","alg":"PS256"`), ""},
		"RSA for ES256":        {modulus(2048, `,"kid":"a","e":"AQAB","alg":"ES256"`), ""},
		"RSA to encrypt":       {modulus(2048, `,"kid":"a","e":"AQAB","use":"enc","alg":"RSA-OAEP"`), ""},
		"RSA to encrypt, ops":  {modulus(2048, `,"kid":"a","e":"AQAB","key_ops":["encrypt"]`), ""},
		"one id, two types":    {key(`,"kid":"a"`) + "," + modulus(2048, `,"kid":"a","e":"AQAB"`), ""},
		"unknown type":         {`{"kty":"XYZ","kid":"a"}`, ""},
		"not an object":        {`7`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := token.ParseKeys([]byte(`{"keys":[` + test.keys + `]}`))
			if test.want == "" {
				if err == nil || err.Error() != "token: no usable key" {
					t.Fatalf("error %v, with %s", err, test.keys)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(kids(t, keys), " "); got != test.want {
				t.Fatalf("ids %q, want %q", got, test.want)
			}
		})
	}
	t.Run("tokens by a foreign id", func(t *testing.T) {
		keys, err := token.ParseKeys([]byte(`{"keys":[` + key(`,"kid":"2026"`) + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		taken(t, trusting(keys), forge(p.key, `{"alg":"ES256","kid":"2026","typ":"at+jwt"}`, claims(nil)))
		refused(t, trusting(keys), forge(p.key, p.header(), claims(nil)), "kid is unknown")
	})
}

// FuzzParseKeySet reads sets as they come from elsewhere: what is left of one
// can be published, and read back as it is.
func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
		`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"` + strings.Repeat("_", 342) + `","e":"AQAB"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"oct","kid":"a","k":"AAAA"},{"kty":"EC"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := token.ParseKeySet(text)
		if err != nil {
			return
		}
		again, err := token.ParseKeySet(keys.JWKS())
		if err != nil || !bytes.Equal(again.JWKS(), keys.JWKS()) {
			t.Fatalf("%s became %s (%v)", text, keys.JWKS(), err)
		}
		ids := kids(t, keys)
		for n, id := range ids {
			if !keys.Hold(id) || slices.Contains(ids[n+1:], id) {
				t.Fatalf("%s holds %q, and should once", keys.JWKS(), id)
			}
		}
	})
}
