package local_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// What stands in each kind of token, to the member, under a key of the set that
// the service shows.
func TestTokens(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.organization(t, "Ant")
	ask := func(token, path, body string) string {
		t.Helper()
		var granted struct{ AccessToken string }
		a := s.send(t, request{"POST", path, fill(body, o)}, token)
		if err := json.Unmarshal([]byte(a.body), &granted); err != nil || granted.AccessToken == "" {
			t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
		return granted.AccessToken
	}
	type members = map[string]any
	in := members{"OrganizationId": o["org"], "OrgCode": o["code"]}
	admin := members{"role": "Admin"}
	olga := members{"sub": o["olga"], "UserId": o["olga"], "email": "olga@Ant.example", "email_verified": true}
	member := members{"sub": o["max"], "UserId": o["max"], "email": "max@Ant.example", "email_verified": true}
	robot := members{"sub": "client:" + o["client"]}
	terms := members{"CustomerNumber": "C-Ant", "PriceTier": "Tier of Ant", "CurrencyCode": "EUR"}
	standard := members{"CustomerNumber": "", "PriceTier": "Tier of Ant", "CurrencyCode": "USD"}
	const access, own, other = "/api/auth/access", "charter", "charter-enrichment"
	enriched := ask(o["token"], access, `{"OrgCode": "<code>"}`)
	for name, c := range map[string]struct {
		token    string
		audience string
		lifetime time.Duration
		claims   []members
	}{
		"of an owner":             {o["token"], own, time.Hour, []members{in, olga, admin}},
		"of a member":             {o["member"], own, time.Hour, []members{in, member}},
		"of an API client":        {o["robot"], own, 24 * time.Hour, []members{in, robot, admin}},
		"without an organization": {o["nowhere"], own, time.Hour, []members{{"sub": o["max"], "email": "max@Ant.example", "email_verified": true}}},
		"enriched, of an owner":   {enriched, own, time.Hour, []members{in, olga, admin, standard}},
		"enriched again": {ask(enriched, access, `{"OrgCode": "<code>"}`),
			own, time.Hour, []members{in, olga, admin, standard}},
		"enriched, of a member": {ask(o["nowhere"], access, `{"OrgCode": "<code>"}`),
			own, time.Hour, []members{in, member, terms}},
		"delegated, by an owner": {o["delegated"],
			other, 15 * time.Minute, []members{in, member, terms, {"act": members{"sub": o["olga"]}}}},
		"delegated, by an API client": {ask(o["robot"], access, `{"OrgCode": "<code>", "UserId": "<max>"}`),
			other, 15 * time.Minute, []members{in, member, terms, {"act": robot}}},
		"delegated, of an owner": {ask(o["robot"], access, `{"OrgCode": "<code>", "UserId": "<olga>"}`),
			other, 15 * time.Minute, []members{in, olga, standard, {"act": robot}}},
	} {
		t.Run(name, func(t *testing.T) {
			claims := s.claims(t, c.token)
			issued, expires := claims["iat"].(float64), claims["exp"].(float64)
			if got := time.Duration(expires-issued) * time.Second; got != c.lifetime {
				t.Errorf("lasts %s, want %s", got, c.lifetime)
			}
			if age := s.options.Now().Sub(time.Unix(int64(issued), 0)); age < 0 || age > time.Minute {
				t.Errorf("issued %s ago", age)
			}
			if id, _ := claims["jti"].(string); len(id) != 26 {
				t.Errorf("jti %v", claims["jti"])
			}
			want := members{"iss": "https://charter.localhost", "aud": c.audience,
				"iat": claims["iat"], "exp": claims["exp"], "jti": claims["jti"]}
			for _, part := range c.claims {
				maps.Copy(want, part)
			}
			gotText, _ := json.MarshalIndent(claims, "", " ")
			wantText, _ := json.MarshalIndent(want, "", " ")
			if string(gotText) != string(wantText) {
				t.Errorf("claims %s\nwant %s", gotText, wantText)
			}
		})
	}
}

// claims are what a token says, once its header and signature are seen to be
// right.
func (s service) claims(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(s.send(t, request{"GET", "/.well-known/jwks.json", ""}, "").body), &set); err != nil {
		t.Fatal(err)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	header := signed.Signatures[0].Protected
	if header.ExtraHeaders[jose.HeaderType] != "at+jwt" || header.KeyID == "" || strings.Contains(token, "=") ||
		!slices.ContainsFunc(set.Keys, func(k jose.JSONWebKey) bool { return k.KeyID == header.KeyID }) {
		t.Errorf("header %+v with the keys %+v", header, set.Keys)
	}
	payload, err := signed.Verify(&set)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
