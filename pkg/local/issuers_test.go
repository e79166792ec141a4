package local_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"charter/pkg/local"
	"charter/pkg/local/provider"
)

// abroad is a service whose people come from a provider of their own.
type abroad struct {
	service
	*provider.Provider
	t   *testing.T
	org struct{ OrganizationID, IdentityOrganizationID string } // Ann's
}

const abroadAudience = "https://api.acme.example"

func startAbroad(t *testing.T, change ...func(*local.Options)) *abroad {
	t.Helper()
	p := provider.Start(false)
	t.Cleanup(p.Close)
	p.Rotate(jose.RS256)
	issuers := fmt.Sprintf(`[{"issuer":%q,"audience":%q,"claims":{"organization":"org_code"}}]`, p.URL, abroadAudience)
	a := &abroad{service: start(t, append(change, func(o *local.Options) { o.Issuers = issuers })...), Provider: p, t: t}
	if status, body := a.send("POST", "/api/organizations", "", creation("Acme", "ann@acme.example")); status != http.StatusCreated ||
		json.Unmarshal([]byte(body), &a.org) != nil {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := a.send("POST", "/api/organizations", "", creation("Bolt", "ben@bolt.example")); status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	return a
}

func creation(name, email string) string {
	return fmt.Sprintf(`{"Organization":{"Name":%q},"User":{"FirstName":"Ann","LastName":"Roe","Email":%q,"Password":"Password1234!"}}`, name, email)
}

// send sends one request in the context of Ann's organization.
func (a *abroad) send(method, path, token, body string) (int, string) {
	a.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("X-Organization-Id", a.org.OrganizationID)
	answer := httptest.NewRecorder()
	a.ServeHTTP(answer, r)
	return answer.Code, answer.Body.String()
}

// token is Ann's of the provider, with claims changed; nil takes one out.
func (a *abroad) token(change map[string]any) string {
	now := a.options.Now()
	claims := map[string]any{"aud": abroadAudience, "sub": "auth0|ann", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"email": "Ann@acme.example", "email_verified": true, "org_code": a.org.IdentityOrganizationID, "jti": fmt.Sprint(now.UnixMilli())}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return a.Sign(claims)
}

func (a *abroad) login(email, code string) string {
	a.t.Helper()
	status, body := a.send("POST", "/api/auth/login", "", fmt.Sprintf(`{"Email":%q,"Password":"Password1234!","OrgCode":%q}`, email, code))
	var answer struct{ AccessToken string }
	if err := json.Unmarshal([]byte(body), &answer); status != http.StatusOK || err != nil {
		a.t.Fatalf("%d %s", status, body)
	}
	return answer.AccessToken
}

// changing is what differs between two answers of the same.
var changing = regexp.MustCompile(`\b(org|kp|sub|client|inv)_[0-9a-z]{26}\b|\borg_[0-9a-f]{11}\b|"[0-9a-zA-Z_-]{26,}"|eyJ[\w-]+(\.[\w-]+){2}|\d{4}-\d\d-\d\dT[\d:.]+Z`)

var anyParameter = regexp.MustCompile(`\{[^}]*\}`)

// On every endpoint another issuer's token gets what ours gets, in the
// organization that its claim names, by code or by id. Control: with the role
// asked of the token, as ours are, the first organization endpoint is a 403.
func TestAnotherIssuersTokenIsAsGood(t *testing.T) {
	t.Parallel()
	a := startAbroad(t)
	ours := a.login("ann@acme.example", a.org.IdentityOrganizationID)
	for _, claim := range []string{a.org.IdentityOrganizationID, a.org.OrganizationID} {
		theirs := a.token(map[string]any{"org_code": claim})
		for _, route := range a.routes() {
			if slices.Contains(a.Template.PublicRoutes, route) {
				continue
			}
			method, path, _ := strings.Cut(route, " ")
			path = anyParameter.ReplaceAllString(strings.Replace(path, "{id}", a.org.OrganizationID, 1), "x")
			body := ""
			if method != http.MethodGet {
				body = `{}`
			}
			status, want := a.send(method, path, ours, body)
			if got, text := a.send(method, path, theirs, body); got != status ||
				changing.ReplaceAllString(text, "~") != changing.ReplaceAllString(want, "~") {
				t.Errorf("%s: ours %d %s\ntheirs %d %s", route, status, want, got, text)
			}
			if status == http.StatusUnauthorized || status >= http.StatusInternalServerError {
				t.Errorf("%s: %d %s", route, status, want)
			}
		}
	}
}

// A walk in which no token of ours is asked for.
func TestWalkOfAForeigner(t *testing.T) {
	t.Parallel()
	a := startAbroad(t)
	theirs := a.token(nil)
	walk := func(token, method, path, body string, want int, part string) string {
		t.Helper()
		status, text := a.send(method, path, token, body)
		if status != want || !strings.Contains(text, part) {
			t.Fatalf("%s %s: %d %s; want %d, %s", method, path, status, text, want, part)
		}
		return text
	}
	walk(theirs, "POST", "/api/organizations/price-tiers", `{"Name":"Gold","CurrencyCode":"KES"}`, 200, "")
	walk(theirs, "PUT", "/api/customers", `{"customerNumber":"7","companyName":"Globex","pricing":"Gold"}`, 200, "Globex")
	var admins []struct{ UserID string }
	if err := json.Unmarshal([]byte(walk(theirs, "GET", "/api/organizations/users/admins", "", 200, "ann@acme.example")), &admins); err != nil {
		t.Fatal(err)
	}
	walk(theirs, "POST", "/api/organizations/users/associate-customer", fmt.Sprintf(`{"UserId":%q,"CustomerNumber":"7"}`, admins[0].UserID), 201, "")
	var enriched struct{ AccessToken, UserID string }
	text := walk(theirs, "POST", "/api/auth/access", fmt.Sprintf(`{"OrgCode":%q}`, a.org.IdentityOrganizationID), 200, `"PriceTier":"Gold","CurrencyCode":"KES"`)
	if err := json.Unmarshal([]byte(text), &enriched); err != nil || enriched.UserID != admins[0].UserID {
		t.Fatalf("%v: %s", err, text)
	}
	walk(enriched.AccessToken, "GET", "/api/organization", "", 200, `"Name":"Acme"`)

	// Ben has an account elsewhere. His token's claims give him nothing here; Ann
	// does, and takes it back, and each holds for the token that he has.
	bens := a.token(map[string]any{"sub": "auth0|ben", "email": "ben@bolt.example", "role": "Admin", "roles": []string{"owner"},
		"OrganizationId": a.org.OrganizationID, "UserId": admins[0].UserID})
	walk(bens, "GET", "/api/organization", "", 403, "admin_required")
	walk(theirs, "POST", "/api/organizations/users/admins", `{"Email":"ben@bolt.example"}`, 200, "true")
	walk(bens, "GET", "/api/organization", "", 200, `"Name":"Acme"`)
	walk(bens, "POST", "/api/organizations/price-tiers", `{"Name":"Silver","CurrencyCode":"KES"}`, 200, "")
	if err := json.Unmarshal([]byte(walk(theirs, "GET", "/api/organizations/users/admins", "", 200, "ben@bolt.example")), &admins); err != nil {
		t.Fatal(err)
	}
	walk(theirs, "POST", "/api/auth/access", fmt.Sprintf(`{"OrgCode":%q,"UserId":%q}`, a.org.IdentityOrganizationID, admins[1].UserID), 200, `"ExpiresIn":900`)
	walk(theirs, "DELETE", "/api/organizations/users/admins", fmt.Sprintf(`{"UserId":%q}`, admins[1].UserID), 200, "true")
	walk(bens, "POST", "/api/organizations/price-tiers", `{"Name":"Bronze","CurrencyCode":"KES"}`, 403, "admin_required")
}

// Who is refused, and how: with the gateway's own answers, or with a 403 where
// the token is good and names no organization of the caller's.
func TestForeignersAtTheDoor(t *testing.T) {
	t.Parallel()
	a := startAbroad(t)
	stranger := provider.Start(false)
	defer stranger.Close()
	a.send("GET", "/api/organization", a.token(nil), "") // Ann is linked from here on
	var bolt struct{ OrganizationID, IdentityOrganizationID string }
	if _, body := a.send("POST", "/api/organizations", "", creation("Coil", "carl@coil.example")); json.Unmarshal([]byte(body), &bolt) != nil {
		t.Fatal(body)
	}
	for name, test := range map[string]struct {
		token  string
		status int
		code   string
	}{
		"linked, without an e-mail":  {a.token(map[string]any{"email": nil, "email_verified": nil}), 200, ""},
		"linked, another's e-mail":   {a.token(map[string]any{"email": "ben@bolt.example"}), 200, ""},
		"no account":                 {a.token(map[string]any{"sub": "auth0|eve", "email": "eve@acme.example"}), 401, "invalid_token"},
		"an e-mail nobody verified":  {a.token(map[string]any{"sub": "auth0|eve", "email_verified": false}), 401, "invalid_token"},
		"verified, says a text":      {a.token(map[string]any{"sub": "auth0|eve", "email_verified": "true"}), 401, "invalid_token"},
		"another audience":           {a.token(map[string]any{"aud": "charter"}), 401, "invalid_token"},
		"over":                       {a.token(map[string]any{"exp": a.options.Now().Add(-2 * time.Minute).Unix()}), 401, "invalid_token"},
		"a logout":                   {a.token(map[string]any{"events": map[string]any{}}), 401, "invalid_token"},
		"another issuer":             {stranger.Sign(map[string]any{"aud": abroadAudience, "sub": "auth0|ann", "exp": a.options.Now().Add(time.Hour).Unix()}), 401, "invalid_token"},
		"signed by another":          {stranger.Sign(map[string]any{"iss": a.URL, "aud": abroadAudience, "sub": "auth0|ann", "exp": a.options.Now().Add(time.Hour).Unix()}), 401, "invalid_token"},
		"no organization":            {a.token(map[string]any{"org_code": nil}), 403, "admin_required"},
		"an organization of nobody":  {a.token(map[string]any{"org_code": "org_00000000000"}), 403, "admin_required"},
		"an organization of others":  {a.token(map[string]any{"org_code": bolt.IdentityOrganizationID}), 403, "admin_required"},
		"the same, by its id":        {a.token(map[string]any{"org_code": bolt.OrganizationID}), 403, "admin_required"},
		"an organization with a gap": {a.token(map[string]any{"org_code": bolt.OrganizationID + "\u0001MEMBERS"}), 403, "admin_required"},
	} {
		status, body := a.send("GET", "/api/organization", test.token, "")
		if status != test.status || !strings.Contains(body, test.code) {
			t.Errorf("%s: %d %s; want %d %s", name, status, body, test.status, test.code)
		}
	}
	if asked := stranger.Asked(); len(asked) > 0 {
		t.Errorf("the stranger was asked for %v", asked)
	}
}

// While the provider's keys cannot be had nobody is told that the token is bad,
// and tokens of ours are taken.
func TestProviderAway(t *testing.T) {
	t.Parallel()
	a := startAbroad(t)
	a.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	theirs := a.token(nil)
	for range 2 {
		if status, body := a.send("GET", "/api/organization", theirs, ""); status != http.StatusServiceUnavailable || !strings.Contains(body, `"unavailable"`) {
			t.Errorf("%d %s", status, body)
		}
	}
	if status, body := a.send("GET", "/api/organization", a.login("ann@acme.example", ""), ""); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}
