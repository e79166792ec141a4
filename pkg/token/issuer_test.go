package token_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"charter/pkg/caller"
	"charter/pkg/token"
)

// parts decodes the header and the payload of a token.
func parts(t *testing.T, compact string) (header, payload string) {
	t.Helper()
	var text [2]string
	for i, part := range strings.Split(compact, ".")[:2] {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		text[i] = string(raw)
	}
	return text[0], text[1]
}

var (
	person = caller.Caller{UserID: "kp_1", Email: "ann@example.com"}
	boss   = caller.Caller{Verified: true,
		UserID: "kp_1", Email: "ann@example.com", OrganizationID: "org_1", OrgCode: "org_a", Admin: true,
	}
	client = caller.Caller{ClientID: "c1", OrganizationID: "org_1", OrgCode: "org_a", Admin: true}
)

// What is issued, byte by byte but for "jti", and that it is read back.
func TestIssue(t *testing.T) {
	p := newParty(t)
	p.issuer.Random = bytes.NewReader(make([]byte, 1<<10))
	jti := ulid.MustNew(ulid.Timestamp(noon), bytes.NewReader(make([]byte, 10))).String()
	dates := `"iat":1772366400,"exp":1772370000,"jti":"` + jti + `"`
	for name, test := range map[string]struct {
		claims  caller.Claims
		payload string
	}{
		"a person": {caller.Claims{Caller: person},
			`{"iss":"https://charter.example","aud":"charter","sub":"kp_1",` + dates + `,"email":"ann@example.com","email_verified":false}`},
		"an admin": {caller.Claims{Caller: boss},
			`{"iss":"https://charter.example","aud":"charter","sub":"kp_1",` + dates + `,"email":"ann@example.com","email_verified":true,` +
				`"OrganizationId":"org_1","OrgCode":"org_a","role":"Admin","UserId":"kp_1"}`},
		"a client": {caller.Claims{Caller: client},
			`{"iss":"https://charter.example","aud":"charter","sub":"client:c1",` + dates + `,` +
				`"OrganizationId":"org_1","OrgCode":"org_a","role":"Admin"}`},
		"enriched": {caller.Claims{Caller: boss, Enrichment: &caller.Enrichment{PriceTier: "Gold", CurrencyCode: "KES"}},
			`{"iss":"https://charter.example","aud":"charter","sub":"kp_1",` + dates + `,"email":"ann@example.com","email_verified":true,` +
				`"OrganizationId":"org_1","OrgCode":"org_a","role":"Admin","UserId":"kp_1",` +
				`"CustomerNumber":"","PriceTier":"Gold","CurrencyCode":"KES"}`},
	} {
		t.Run(name, func(t *testing.T) {
			compact, err := p.issuer.Issue(t.Context(), test.claims, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			header, payload := parts(t, compact)
			if want := p.header(); header != want {
				t.Errorf("header %s, want %s", header, want)
			}
			if payload != test.payload {
				t.Errorf("payload %s,\nwant %s", payload, test.payload)
			}
			want := test.claims
			want.Expires = noon.Add(time.Hour)
			same(t, taken(t, p.verifier, compact), want)
		})
	}
}

func same(t *testing.T, got, want caller.Claims) {
	t.Helper()
	if (got.Enrichment == nil) != (want.Enrichment == nil) ||
		got.Enrichment != nil && *got.Enrichment != *want.Enrichment {
		t.Errorf("enrichment %+v, want %+v", got.Enrichment, want.Enrichment)
	}
	got.Enrichment, want.Enrichment = nil, nil
	if got != want {
		t.Errorf("claims %+v, want %+v", got, want)
	}
}

// A delegated token is for the team's own services: ours refuses it, by its
// audience.
func TestDelegated(t *testing.T) {
	p := newParty(t)
	holder := boss
	holder.Admin = false
	asked := caller.Claims{Caller: holder, Enrichment: &caller.Enrichment{CustomerNumber: "7"}, Actor: "kp_2"}
	compact, err := p.issuer.Issue(t.Context(), asked, 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	_, payload := parts(t, compact)
	if !strings.HasSuffix(payload, `"act":{"sub":"kp_2"}}`) || !strings.Contains(payload, `"aud":"charter-enrichment"`) ||
		strings.Contains(payload, "role") {
		t.Errorf("payload %s", payload)
	}
	refused(t, p.verifier, compact, "claims: aud is another")

	theirs := p.verifier
	theirs.Audience = delegated
	asked.Expires = noon.Add(15 * time.Minute)
	same(t, taken(t, theirs, compact), asked)
}

func TestIssueOwnIDs(t *testing.T) {
	p := newParty(t)
	seen := map[string]bool{}
	for range 3 {
		compact, err := p.issuer.Issue(t.Context(), caller.Claims{Caller: person}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		_, payload := parts(t, compact)
		seen[payload] = true
	}
	if len(seen) != 3 {
		t.Fatalf("%d payloads of 3 differ: jti is no id", len(seen))
	}
}

// Lifetimes count in whole seconds from the second that has begun.
func TestIssueInFractions(t *testing.T) {
	p := newParty(t)
	p.issuer.Now = clock(noon.Add(999 * time.Millisecond))
	compact, err := p.issuer.Issue(t.Context(), caller.Claims{Caller: person}, 2900*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got := taken(t, p.verifier, compact).Expires; !got.Equal(noon.Add(2 * time.Second)) {
		t.Fatalf("expires %s", got)
	}
}

// signer signs with a function, as a key service would.
type signer struct {
	public *ecdsa.PublicKey
	sign   func(context.Context, []byte) ([]byte, error)
}

func (s signer) Public() *ecdsa.PublicKey { return s.public }
func (s signer) Sign(ctx context.Context, digest []byte) ([]byte, error) {
	return s.sign(ctx, digest)
}

func TestIssueRefuses(t *testing.T) {
	p := newParty(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	away := errors.New("the key service is away")
	signing := func(der []byte, err error) token.Signer {
		return signer{p.key.Public(), func(context.Context, []byte) ([]byte, error) { return der, err }}
	}
	change := func(of caller.Caller, f func(*caller.Caller)) caller.Claims {
		f(&of)
		return caller.Claims{Caller: of}
	}
	const notASN1 = "the signer's signature is not ASN.1 of two numbers"
	for name, test := range map[string]struct {
		claims caller.Claims
		issuer func(*token.Issuer)
		life   time.Duration
		reason string
	}{
		"nobody":     {caller.Claims{}, nil, time.Hour, "no subject"},
		"two in one": {change(client, func(c *caller.Caller) { c.UserID = "kp_1" }), nil, time.Hour, "a user and a client"},
		"a disguise": {change(person, func(c *caller.Caller) { c.UserID = "client:c1" }), nil, time.Hour,
			"a user and a client"},
		"a space":     {change(person, func(c *caller.Caller) { c.UserID = "kp 1" }), nil, time.Hour, "visible ASCII"},
		"no code":     {change(boss, func(c *caller.Caller) { c.OrgCode = "" }), nil, time.Hour, "come together"},
		"a free role": {change(person, func(c *caller.Caller) { c.Admin = true }), nil, time.Hour, "without an organization"},
		"a role delegated": {caller.Claims{Caller: boss, Actor: "kp_2"}, nil, time.Hour,
			"a delegated token carries no role"},
		"enriched alone": {caller.Claims{Caller: person, Enrichment: &caller.Enrichment{}}, nil, time.Hour,
			"without an organization"},
		"too long": {change(person, func(c *caller.Caller) { c.Email = strings.Repeat("x", 8<<10) }), nil, time.Hour,
			"the token is too long"},
		"no time":     {caller.Claims{Caller: person}, nil, time.Second - 1, "a lifetime under a second"},
		"no name":     {caller.Claims{Caller: person}, func(i *token.Issuer) { i.Name = "" }, time.Hour, "lacks"},
		"no audience": {caller.Claims{Caller: person}, func(i *token.Issuer) { i.Audience = "" }, time.Hour, "lacks"},
		"no second":   {caller.Claims{Caller: person}, func(i *token.Issuer) { i.Delegated = "" }, time.Hour, "lacks"},
		"one audience for both": {caller.Claims{Caller: person}, func(i *token.Issuer) { i.Delegated = audience }, time.Hour,
			"lacks"},
		"no randomness": {caller.Claims{Caller: person}, func(i *token.Issuer) { i.Random = strings.NewReader("") }, time.Hour,
			"EOF"},
		"a signer that fails": {caller.Claims{Caller: person},
			func(i *token.Issuer) { i.Signer = signing(nil, away) }, time.Hour, away.Error()},
		"a raw signature": {caller.Claims{Caller: person},
			func(i *token.Issuer) { i.Signer = signing(make([]byte, 64), nil) }, time.Hour, notASN1},
		"a signature of zeros": {caller.Claims{Caller: person},
			func(i *token.Issuer) { i.Signer = signing([]byte{0x30, 6, 2, 1, 0, 2, 1, 0}, nil) }, time.Hour, notASN1},
		"a signature and more": {caller.Claims{Caller: person},
			func(i *token.Issuer) { i.Signer = signing([]byte{0x30, 6, 2, 1, 1, 2, 1, 1, 0}, nil) }, time.Hour, notASN1},
		"a signature of 33 bytes": {caller.Claims{Caller: person},
			func(i *token.Issuer) {
				i.Signer = signing(append([]byte{0x30, 38, 2, 33, 1}, append(make([]byte, 32), 2, 1, 1)...), nil)
			}, time.Hour, notASN1},
		"a key of another curve": {caller.Claims{Caller: person},
			func(i *token.Issuer) { i.Signer = signer{public: &p384.PublicKey} }, time.Hour, "neither ECDSA on P-256"},
	} {
		t.Run(name, func(t *testing.T) {
			issuer := p.issuer
			if test.issuer != nil {
				test.issuer(&issuer)
			}
			compact, err := issuer.Issue(t.Context(), test.claims, test.life)
			if err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Fatalf("error %v, want %q", err, test.reason)
			}
			if compact != "" {
				t.Fatalf("token %q came with an error", compact)
			}
		})
	}
}

// The signer gets the digest and the caller's context, and its failure is
// passed on as it is.
func TestSignerElsewhere(t *testing.T) {
	p := newParty(t)
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "traced")
	p.issuer.Signer = signer{p.key.Public(), func(ctx context.Context, digest []byte) ([]byte, error) {
		if ctx.Value(key{}) != "traced" || len(digest) != 32 {
			t.Errorf("context %v, digest of %d bytes", ctx, len(digest))
		}
		return p.key.Sign(ctx, digest)
	}}
	compact, err := p.issuer.Issue(ctx, caller.Claims{Caller: person}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	taken(t, p.verifier, compact)

	p.issuer.Signer = signer{p.key.Public(), func(context.Context, []byte) ([]byte, error) {
		return nil, context.DeadlineExceeded
	}}
	if _, err := p.issuer.Issue(ctx, caller.Claims{Caller: person}, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v", err)
	}
}
