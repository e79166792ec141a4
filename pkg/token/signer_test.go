package token_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"charter/pkg/token"
)

func TestNewKeyPair(t *testing.T) {
	private, public, err := token.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if got := publicPEM(t, key.Public()); !bytes.Equal(got, public) {
		t.Fatalf("the halves differ:\n%s%s", got, public)
	}
	if again, _, err := token.NewKeyPair(); err != nil || bytes.Equal(again, private) {
		t.Fatalf("the same key again, error %v", err)
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	private, public, err := token.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	for name, text := range map[string][]byte{
		"nothing":       nil,
		"no PEM":        []byte("hello"),
		"a public key":  public,
		"another label": bytes.ReplaceAll(private, []byte("PRIVATE KEY"), []byte("EC PRIVATE KEY")),
		"two keys":      append(bytes.Clone(private), private...),
		"text after":    append(bytes.Clone(private), "more"...),
		"cut short":     private[:len(private)/2],
		"no key inside": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}),
		"P-384":         pkcs8(p384),
		"RSA":           pkcs8(rsaKey),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := token.ParsePrivateKey(text)
			if err == nil {
				t.Fatal("taken")
			}
			if strings.Contains(err.Error(), string(private[40:60])) {
				t.Fatalf("error %q tells of the key", err)
			}
		})
	}
}
