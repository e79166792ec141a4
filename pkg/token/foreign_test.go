package token_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/token"
)

// abroad is another issuer whose key is the party's.
func (p party) abroad(t testing.TB) token.Foreign {
	t.Helper()
	keys := p.verifierKeys(t)
	return token.Foreign{Name: issuerName, Audience: audience, Now: clock(noon),
		Claims: token.ClaimNames{Audience: "aud", Email: "email", EmailVerified: "email_verified", Organization: "org"},
		Keys:   func(context.Context, string) (*token.Keys, error) { return keys, nil }}
}

// foreignHeader is that of most issuers.
func (p party) foreignHeader() string {
	return fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"JWT"}`, p.kid)
}

// foreignRefused is refused, for another issuer's token.
func foreignRefused(t *testing.T, f token.Foreign, compact, reason string) {
	t.Helper()
	got, err := f.Verify(t.Context(), compact)
	if want := "Invalid or expired token. Refused: " + reason + "."; !errors.Is(err, token.Invalid) || err.Error() != want {
		t.Fatalf("identity %+v, error %v; want %q", got, err, want)
	}
	if got != (caller.Identity{}) {
		t.Fatalf("identity %+v came with a refusal", got)
	}
}

func TestForeignIdentity(t *testing.T) {
	p := newParty(t)
	type change = map[string]any
	base := caller.Identity{Issuer: issuerName, Subject: "kp_1", Expires: noon.Add(time.Hour)}
	verified := base
	verified.Email = "ann@example.com"
	in := base
	in.Organization = "org_0a1b2c3d4e5"
	for name, test := range map[string]struct {
		claims change
		want   caller.Identity
	}{
		"the least":                {change{"iat": nil, "jti": nil}, base},
		"a verified e-mail":        {change{"email": "ann@example.com", "email_verified": true}, verified},
		"one that is not":          {change{"email": "ann@example.com", "email_verified": false}, base},
		"nobody says":              {change{"email": "ann@example.com"}, base},
		"verified, as a text":      {change{"email": "ann@example.com", "email_verified": "true"}, base},
		"verified, as a number":    {change{"email": "ann@example.com", "email_verified": 1}, base},
		"verified, in a list":      {change{"email": "ann@example.com", "email_verified": []bool{true}}, base},
		"verified null":            {change{"email": "ann@example.com", "email_verified": json.RawMessage("null")}, base},
		"no e-mail to verify":      {change{"email_verified": true}, base},
		"e-mail null":              {change{"email": json.RawMessage("null"), "email_verified": true}, base},
		"an organization":          {change{"org": "org_0a1b2c3d4e5"}, in},
		"organization null":        {change{"org": json.RawMessage("null")}, base},
		"our claims mean nothing":  {change{"OrganizationId": "org_1", "OrgCode": "org_a", "role": "Admin", "UserId": "kp_9", "PriceTier": "Gold"}, base},
		"roles mean nothing":       {change{"roles": []string{"Admin", "owner"}, "permissions": []string{"*"}, "cognito:groups": []string{"Admin"}}, base},
		"aud in a list":            {change{"aud": []string{"other", audience}}, base},
		"a name like our clients'": {change{"sub": "client:c1"}, caller.Identity{Issuer: issuerName, Subject: "client:c1", Expires: base.Expires}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := p.abroad(t).Verify(t.Context(), forge(p.key, p.foreignHeader(), claims(test.claims)))
			if err != nil || got != test.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestForeignTypes(t *testing.T) {
	p := newParty(t)
	for _, typ := range []string{`,"typ":"JWT"`, `,"typ":"at+jwt"`, `,"typ":"application/at+jwt"`, ``} {
		header := fmt.Sprintf(`{"alg":"ES256","kid":%q%s}`, p.kid, typ)
		if _, err := p.abroad(t).Verify(t.Context(), forge(p.key, header, claims(nil))); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
	for _, typ := range []string{"logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", "JOSE", "jwt ", "id_token+jwt"} {
		header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":%q}`, p.kid, typ)
		foreignRefused(t, p.abroad(t), forge(p.key, header, claims(nil)), "header: typ is not JWT or at+jwt")
	}
}

// Another issuer's header and form are held to what ours are. One of each kind:
// TestHeaderAttacks and TestFormAttacks have them all, of the code for both.
func TestForeignAttacks(t *testing.T) {
	p := newParty(t)
	type change = map[string]any
	good := forge(p.key, p.foreignHeader(), claims(nil))
	header := func(old, new string) string {
		return forge(p.key, strings.Replace(p.foreignHeader(), old, new, 1), claims(nil))
	}
	of := func(c change) string { return forge(p.key, p.foreignHeader(), claims(c)) }
	const notASCII = "claims: the subject is not at most 255 visible ASCII characters"
	for name, attack := range map[string]struct{ compact, reason string }{
		"alg none":          {header("ES256", "none"), "header: alg is neither ES256 nor RS256"},
		"alg HS256":         {header("ES256", "HS256"), "header: alg is neither ES256 nor RS256"},
		"alg of another":    {header("ES256", "RS256"), "alg is not the key's"},
		"kid unknown":       {header(p.kid, "other"), "kid is unknown"},
		"jku":               {header(`{`, `{"jku":"https://127.0.0.1:1/",`), "header: jku is not taken"},
		"crit empty":        {header(`{`, `{"crit":[],`), "header: crit is not taken"},
		"padding":           {good + "=", "not canonical base64url"},
		"too long":          {good + strings.Repeat("A", 8<<10), "longer than 8 KB"},
		"another signature": {forge(newParty(t).key, p.foreignHeader(), claims(nil)), "the signature is wrong"},
		"iss another":       {of(change{"iss": issuerName + "/"}), "claims: iss is another"},
		"iss missing":       {of(change{"iss": nil}), "claims: iss is another"},
		"aud another":       {of(change{"aud": "other"}), "claims: aud is another"},
		"aud missing":       {of(change{"aud": nil}), "claims: aud is another"},
		"exp missing":       {of(change{"exp": nil}), "claims: exp is missing"},
		"exp a text":        {of(change{"exp": "9999999999"}), "claims: exp is not a date in seconds"},
		"exp passed":        {of(change{"exp": noon.Unix() - 60}), "claims: exp has passed"},
		"nbf to come":       {of(change{"nbf": noon.Unix() + 61}), "claims: nbf is to come"},
		"iat to come":       {of(change{"iat": noon.Unix() + 61}), "claims: iat is to come"},
		"EXP":               {of(change{"EXP": 1}), "claims: a known member in another case"},
		"Sub":               {of(change{"sub": nil, "Sub": "kp_1"}), "claims: a known member in another case"},
		"Email_Verified":    {of(change{"Email_Verified": true}), "claims: a known member in another case"},
		"email twice": {forge(p.key, p.foreignHeader(), `{"email":"a@b.example",`+claims(change{"email": "c@d.example"})[1:]),
			"claims: a member twice"},
		"sub missing":       {of(change{"sub": nil}), "claims: no subject"},
		"sub empty":         {of(change{"sub": ""}), "claims: no subject"},
		"sub a number":      {of(change{"sub": 7}), "claims: sub is not a string"},
		"sub null":          {of(change{"sub": json.RawMessage("null")}), "claims: sub is not a string"},
		"sub with U+0001":   {of(change{"sub": "a\u0001b"}), notASCII},
		"sub with a space":  {of(change{"sub": "a b"}), notASCII},
		"sub of 256":        {of(change{"sub": strings.Repeat("s", 256)}), notASCII},
		"organization list": {of(change{"org": []string{"org_a"}}), "claims: org is not a string"},
		"email a list":      {of(change{"email": []string{"a@b.example"}}), "claims: email is not a string"},
		"a logout":          {of(change{"events": change{"http://schemas.openid.net/event/backchannel-logout": change{}}}), "claims: events is not a holder's"},
		"somebody else's":   {of(change{"act": change{"sub": "x"}}), "claims: act is not a holder's"},
		"not an object":     {forge(p.key, p.foreignHeader(), `[]`), "claims: not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) { foreignRefused(t, p.abroad(t), attack.compact, attack.reason) })
	}
}

// Amazon Cognito's access tokens have no "aud" but "client_id"; then "aud" means
// nothing.
func TestAudienceByAnotherName(t *testing.T) {
	p := newParty(t)
	f := p.abroad(t)
	f.Claims.Audience = "client_id"
	if _, err := f.Verify(t.Context(), forge(p.key, p.foreignHeader(), claims(map[string]any{"aud": nil, "client_id": audience}))); err != nil {
		t.Error(err)
	}
	foreignRefused(t, f, forge(p.key, p.foreignHeader(), claims(nil)), "claims: client_id is another")
}

func TestForeignRSA(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	f := newParty(t).abroad(t)
	asked := ""
	f.Keys = func(_ context.Context, kid string) (*token.Keys, error) {
		asked = kid
		return keys, nil
	}
	input := unsigned(fmt.Sprintf(`{"alg":"RS256","kid":%q}`, kids(t, keys)[0]), claims(nil))
	digest := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), input+"."+encode(signature)); err != nil || asked != kids(t, keys)[0] {
		t.Fatalf("error %v; the key that was asked for is %q", err, asked)
	}
}

// Of a claim that has no name nothing is read, and an issuer that is not whole
// checks nothing.
func TestForeignNames(t *testing.T) {
	p := newParty(t)
	f := p.abroad(t)
	f.Claims = token.ClaimNames{Audience: "aud"}
	got, err := f.Verify(t.Context(), forge(p.key, p.foreignHeader(),
		claims(map[string]any{"": "org_a", "email": "ann@example.com", "email_verified": true, "org": "org_a"})))
	if err != nil || got.Email != "" || got.Organization != "" {
		t.Errorf("identity %+v, error %v", got, err)
	}
	for name, change := range map[string]func(*token.Foreign){
		"no name":            func(f *token.Foreign) { f.Name = "" },
		"no audience":        func(f *token.Foreign) { f.Audience = "" },
		"no audience's name": func(f *token.Foreign) { f.Claims.Audience = "" },
		"no keys": func(f *token.Foreign) {
			f.Keys = func(context.Context, string) (*token.Keys, error) { return nil, nil }
		},
		"keys that fail": func(f *token.Foreign) {
			f.Keys = func(context.Context, string) (*token.Keys, error) { return nil, fault.Unauthenticated }
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := p.abroad(t)
			change(&f)
			got, err := f.Verify(t.Context(), forge(p.key, p.foreignHeader(), claims(nil)))
			if _, is := fault.All(err); err == nil || is {
				t.Errorf("identity %+v, error %v", got, err)
			}
		})
	}
}

func TestClaimedIssuer(t *testing.T) {
	p := newParty(t)
	for name, test := range map[string]struct{ compact, want string }{
		"ours":           {forge(p.key, p.header(), claims(nil)), issuerName},
		"nobody's":       {forge(p.key, p.header(), claims(map[string]any{"iss": nil})), ""},
		"a list's":       {forge(p.key, p.header(), claims(map[string]any{"iss": []string{issuerName}})), ""},
		"twice":          {forge(p.key, p.header(), `{"iss":"a",`+claims(nil)[1:]), ""},
		"in another key": {forge(p.key, p.header(), claims(map[string]any{"iss": nil, "ISS": issuerName})), ""},
		"no token":       {"a.b.c", ""},
		"nothing":        {"", ""},
	} {
		if got := token.ClaimedIssuer(test.compact); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// FuzzForeignClaims signs whatever claims it is given: what is taken then says,
// to a plain JSON parser too, what it must, and an e-mail only if it is verified.
func FuzzForeignClaims(f *testing.F) {
	p := newParty(f)
	abroad := p.abroad(f)
	f.Add(claims(nil))
	f.Add(claims(map[string]any{"email": "ann@example.com", "email_verified": true, "org": "org_0a1b2c3d4e5"}))
	f.Add(claims(map[string]any{"email": "ann@example.com", "email_verified": "true", "Org": "x"}))
	f.Fuzz(func(t *testing.T, payload string) {
		got, err := abroad.Verify(t.Context(), forge(p.key, p.foreignHeader(), payload))
		if err != nil {
			if !errors.Is(err, fault.Unauthenticated) {
				t.Fatalf("%v: not the token's fault?", err)
			}
			return
		}
		var c map[string]any
		if err := json.Unmarshal([]byte(payload), &c); err != nil {
			t.Fatalf("taken, and no JSON: %v", err)
		}
		exp, _ := c["exp"].(float64)
		organization, _ := c["org"].(string)
		if c["iss"] != issuerName || c["sub"] != got.Subject || got.Subject == "" || exp+60 <= float64(noon.Unix()) ||
			organization != got.Organization || got.Email != "" && (c["email_verified"] != true || c["email"] != got.Email) {
			t.Fatalf("taken: %s as %+v", payload, got)
		}
	})
}
