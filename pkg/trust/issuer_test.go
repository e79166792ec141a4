package trust_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"charter/pkg/token"
	"charter/pkg/trust"
)

func TestParse(t *testing.T) {
	usual := token.ClaimNames{Audience: "aud", Email: "email", EmailVerified: "email_verified"}
	for name, test := range map[string]struct {
		text string
		want []trust.Issuer
	}{
		"none":      {`[]`, nil},
		"the least": {` [{"issuer":"https://a.example","audience":"x"}] `, []trust.Issuer{{Issuer: "https://a.example", Audience: "x", Claims: usual}}},
		"all": {`[{"issuer":"https://a.example:8443/x/","audience":"x","keys":"https://keys.example/jwks",
			"claims":{"audience":"client_id","organization":"https://a.example/org","email":"mail","emailVerified":"verified"}}]`,
			[]trust.Issuer{{Issuer: "https://a.example:8443/x/", Audience: "x", Keys: "https://keys.example/jwks",
				Claims: token.ClaimNames{Audience: "client_id", Organization: "https://a.example/org", Email: "mail", EmailVerified: "verified"}}}},
		"this machine": {`[{"issuer":"http://localhost:8080/realms/a","audience":"x"},{"issuer":"http://127.0.0.1","audience":"x"},
			{"issuer":"http://[::1]:9","audience":"x"}]`,
			[]trust.Issuer{{Issuer: "http://localhost:8080/realms/a", Audience: "x", Claims: usual},
				{Issuer: "http://127.0.0.1", Audience: "x", Claims: usual}, {Issuer: "http://[::1]:9", Audience: "x", Claims: usual}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trust.Parse(test.text)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	one := func(url string) string { return fmt.Sprintf(`[{"issuer":%q,"audience":"x"}]`, url) }
	var many []string
	for n := range trust.MaxIssuers + 1 {
		many = append(many, fmt.Sprintf(`{"issuer":"https://%d.example","audience":"x"}`, n))
	}
	const list, noURL = "not a JSON list of at most 10 issuers", "neither https nor on this machine, or no plain URL"
	for name, test := range map[string]struct{ text, reason string }{
		"nothing":               {``, list},
		"no JSON":               {`https://a.example`, list},
		"an object":             {`{"issuer":"https://a.example","audience":"x"}`, list},
		"more after it":         {`[] []`, list},
		"a bracket after it":    {`[]]`, list},
		"too many":              {"[" + strings.Join(many, ",") + "]", list},
		"a member by mistake":   {`[{"issuer":"https://a.example","audiences":"x"}]`, `unknown field "audiences"`},
		"a claim by mistake":    {`[{"issuer":"https://a.example","audience":"x","claims":{"org":"x"}}]`, `unknown field "org"`},
		"an audience list":      {`[{"issuer":"https://a.example","audience":["x"]}]`, list},
		"no audience":           {`[{"issuer":"https://a.example"}]`, "issuer 1: no audience"},
		"twice":                 {`[{"issuer":"https://a.example","audience":"x"},{"issuer":"https://a.example","audience":"y"}]`, "issuer 2 is there twice"},
		"no issuer":             {`[{"audience":"x"}]`, noURL},
		"http":                  {one("http://a.example"), noURL},
		"http, nearly local":    {one("http://localhost.example"), noURL},
		"http, a private net":   {one("http://10.0.0.1"), noURL},
		"http, the metadata":    {one("http://169.254.169.254"), noURL},
		"http, an odd loopback": {one("http://127.1"), noURL},
		"a name alone":          {one("a.example"), noURL},
		"another scheme":        {one("file:///etc/passwd"), noURL},
		"a user":                {one("https://u:p@a.example"), noURL},
		"a query":               {one("https://a.example?x=1"), noURL},
		"an empty query":        {one("https://a.example?"), noURL},
		"a fragment":            {one("https://a.example#x"), noURL},
		"a control":             {one("https://a.example/\r\n"), noURL},
		"keys over http":        {`[{"issuer":"https://a.example","audience":"x","keys":"http://a.example/jwks"}]`, "issuer 1: keys: " + noURL},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trust.Parse(test.text)
			if err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("got %+v, %v; want %q", got, err, test.reason)
			}
		})
	}
}
