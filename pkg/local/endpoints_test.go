package local_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"charter/pkg/local/conversation"
)

// endpoint is an endpoint of the contract: a good request, and all that can
// come of others.
//
// In path and body <name> stands for what the conversation in
// testdata/organization.txt captured. There the good requests succeed one after
// another, in the order of the rows, for an owner and for an API client.
type endpoint struct {
	route  string // as template.yaml names it
	who    string // who may: anybody, person (signed in), user (a person, no API client), member (of a role) or admin
	path   string // the route's own, unless it has parameters
	body   string // none for an endpoint that takes none
	repeat string // of a write with its Idempotency-Key: replayed, anew, refused or spent

	// outcomes are statuses, each with the codes that errors can have. Some
	// conversation in a folder of testdata meets each of them. What is the same
	// for all endpoints (who may not, what no body is, keys) is asked of each
	// row by the tests beside this one, and need not be listed.
	outcomes string
}

// endpoints has a row for every route of template.yaml.
var endpoints = []endpoint{
	{route: "POST /api/organizations", who: "anybody", repeat: "replayed", body: `{
		"Organization": {"Name": "Second <name>", "BillingAddress1": "2 <name> Road", "BillingAddress2": "2",
			"BillingCity": "City", "BillingStateProvince": "State", "BillingPostalCode": "12345", "BillingCountry": "Country", "PhoneNumber": "123",
			"Email": "info@<name>.example", "Website": "https://<name>.example/"},
		"User": {"FirstName": "Olga", "LastName": "Owner", "Email": "olga@<name>.example", "Password": "Password of <name>",
			"PhoneNumber": "123"}}`,
		outcomes: `201 400 invalid name_taken 413 too_large 415 not_json 422 idempotency_key_reused`},
	{route: "POST /api/auth/login", who: "anybody", repeat: "anew",
		body:     `{"Email": "olga@<name>.example", "Password": "Password of <name>", "OrgCode": "<code>"}`,
		outcomes: `200 400 invalid malformed_json 401 invalid_credentials 413 too_large 415 not_json 429 too_many_attempts`},
	{route: "POST /api/auth/verify", who: "anybody", repeat: "spent", body: `{"Token": "<samLink>", "Password": "Password of <name>"}`,
		outcomes: `200 400 invalid invalid_token`},
	{route: "POST /api/auth/access", who: "person", repeat: "anew",
		body: `{"OrgCode": "<code>", "UserId": "<max>", "CustomerNumber": "C-<name>"}`,
		outcomes: `200 400 invalid unknown_organization unknown_user unknown_customer 401 invalid_token
			403 not_a_member admin_required`},
	{route: "GET /.well-known/jwks.json", who: "anybody", outcomes: `200`},
	{route: "GET /api/organization", who: "admin",
		outcomes: `200 400 organization_gone 401 missing_token invalid_token 403 admin_required`},
	{route: "PUT /api/organization", who: "admin", repeat: "replayed", body: `{"Name": "<name>",
		"BillingAddress1": "1 <name> Road", "BillingAddress2": "1", "BillingCity": "<name> City",
		"BillingStateProvince": "State", "BillingPostalCode": "12345", "BillingCountry": "Country", "PhoneNumber": "123", "Email": "info@<name>.example",
		"Website": "https://<name>.example/"}`,
		outcomes: `200 400 invalid name_taken nothing_to_change organization_gone`},
	{route: "GET /api/organization/audit", who: "admin", path: "/api/organization/audit?pageSize=200",
		outcomes: `200 400 invalid invalid_cursor organization_gone 403 admin_required`},
	{route: "GET /api/organizations/users/admins", who: "admin", outcomes: `200 400 organization_gone 403 admin_required`},
	{route: "POST /api/organizations/users/admins", who: "admin", repeat: "replayed", body: `{"Email": "max@<name>.example"}`,
		outcomes: `200 400 invalid unknown_user organization_gone 403 admin_required`},
	{route: "DELETE /api/organizations/users/admins", who: "admin", repeat: "replayed", body: `{"UserId": "<max>"}`,
		outcomes: `200 400 invalid not_an_admin last_admin organization_gone 403 admin_required owner_required`},
	{route: "POST /api/organizations/users/associate-customer", who: "admin", repeat: "replayed",
		body:     `{"UserId": "<max>", "CustomerNumber": "D-<name>"}`,
		outcomes: `200 201 400 invalid unknown_user organization_gone 403 admin_required`},
	{route: "GET /api/organizations/users/associations", who: "admin",
		path: "/api/organizations/users/associations?sortOn=CustomerNumber" +
			"&filters[0].field=UserId&filters[0].operator=equals&filters[0].value=<max>",
		outcomes: `200 400 invalid refused organization_gone 403 admin_required`},
	{route: "POST /api/organizations/price-tiers", who: "admin", repeat: "replayed",
		body:     `{"Name": "New tier of <name>", "CurrencyCode": "EUR"}`,
		outcomes: `200 400 invalid name_taken unknown_currency not_money organization_gone 403 admin_required`},
	{route: "PUT /api/organizations/price-tiers", who: "admin", repeat: "replayed",
		body:     `{"OldName": "New tier of <name>", "NewName": "Old tier of <name>", "CurrencyCode": "CHF"}`,
		outcomes: `200 400 invalid unknown_tier name_taken unknown_currency not_money organization_gone`},
	{route: "DELETE /api/organizations/price-tiers", who: "admin", repeat: "replayed",
		body:     `{"Name": "Old tier of <name>", "ReplaceWith": "Tier of <name>"}`,
		outcomes: `200 400 invalid unknown_tier replaces_itself tier_in_use organization_gone`},
	{route: "GET /api/organizations/price-tiers", who: "admin", outcomes: `200 400 organization_gone`},
	{route: "PUT /api/customers", who: "admin", repeat: "replayed", body: `{"customerNumber": "D-<name>",
		"companyName": "Customer of <name>", "companyEmail": "d@<name>.example", "pricing": "Tier of <name>",
		"currencyCode": "EUR", "active": true}`,
		outcomes: `200 400 invalid unknown_tier unknown_currency not_money invalid_idempotency_key organization_gone`},
	{route: "GET /api/customers/{customerNumber}", who: "admin", path: "/api/customers/D-<name>",
		outcomes: `200 400 organization_gone 404 unknown_customer`},
	{route: "POST /api/organizations/api-access", who: "admin", repeat: "refused", body: `{"Name": "New robot of <name>"}`,
		outcomes: `201 400 invalid organization_gone 409 answer_not_kept 422 idempotency_key_reused`},
	{route: "GET /api/organizations/api-access", who: "admin", outcomes: `200 400 organization_gone`},
	{route: "POST /v1/organizations", who: "user", repeat: "replayed", body: `{"name": "New <name>", "slug": "New <name>!", "kraPin": "P051234567X",
		"billingEmail": "b@<name>.example", "address": "1 <name> Road", "city": "Nairobi", "country": "Kenya"}`,
		outcomes: `201 400 401 missing_token 403 409 413 415 422`},
	{route: "GET /v1/organizations", who: "user", outcomes: `200 401 invalid_token 403`},
	{route: "POST /v1/organizations/invites/accept", who: "user", repeat: "replayed", body: `{"token": "<joining>"}`,
		outcomes: `200 400 403`},
	{route: "GET /v1/organizations/{id}", who: "member", path: "/v1/organizations/<org>", outcomes: `200 403`},
	{route: "PATCH /v1/organizations/{id}", who: "member", path: "/v1/organizations/<org>", repeat: "replayed",
		body: `{"name": "<name>", "logoUrl": "https://<name>.example/logo.png", "kraPin": "P1", "billingEmail": "b@<name>.example",
			"address": "2 <name> Road", "city": "Mombasa", "country": "Kenya"}`,
		outcomes: `200 400 403`},
	{route: "GET /v1/organizations/{id}/members", who: "member", path: "/v1/organizations/<org>/members", outcomes: `200 400 403`},
	{route: "PATCH /v1/organizations/{id}/members/{userId}", who: "member", path: "/v1/organizations/<org>/members/<max>", repeat: "replayed",
		body: `{"roleName": "admin"}`, outcomes: `200 400 403 404 409`},
	{route: "POST /v1/organizations/{id}/invites", who: "member", path: "/v1/organizations/<org>/invites", repeat: "replayed",
		body: `{"email": "new@<name>.example", "roleName": "member"}`, outcomes: `200 400 403 409`},
	{route: "DELETE /v1/organizations/{id}/invites/{inviteId}", who: "member", path: "/v1/organizations/<org>/invites/<invite>",
		repeat: "replayed", outcomes: `200 403 404`},
	{route: "GET /v1/organizations/iam/roles", who: "member", outcomes: `200 403`},
	{route: "POST /v1/organizations/iam/roles", who: "member", repeat: "replayed",
		body:     `{"name": "Role of <name>", "description": "For <name>.", "policies": ["org:member:read"]}`,
		outcomes: `201 400 403 409`},
	{route: "PUT /v1/organizations/iam/roles/{name}", who: "member", path: "/v1/organizations/iam/roles/Role%20of%20<name>", repeat: "replayed",
		body: `{"description": "Not for <name>.", "policies": []}`, outcomes: `200 400 403 404`},
	{route: "DELETE /v1/organizations/iam/roles/{name}", who: "member", path: "/v1/organizations/iam/roles/Role%20of%20<name>",
		repeat: "replayed", outcomes: `200 403 404 409`},
	{route: "DELETE /v1/organizations/{id}/members/{userId}", who: "member", path: "/v1/organizations/<org>/members/<max>",
		repeat: "replayed", outcomes: `200 403 404 409`},
	{route: "DELETE /api/organizations/api-access", who: "admin", repeat: "replayed", body: `{"ClientId": "<spare>"}`,
		outcomes: `200 400 invalid unknown_client organization_gone 403 admin_required`},
}

// organization makes the organization of testdata/organization.txt and returns
// what there is to know of it. The name is one word.
func (s service) organization(t *testing.T, name string) map[string]string {
	t.Helper()
	return conversation.Run(t, s, "testdata/organization.txt", with(s.given, map[string]string{"name": name}))
}

// request is what a test sends.
type request struct{ method, path, body string }

// good is the good request of a row in an organization.
func (e endpoint) good(organization map[string]string) request {
	method, path, _ := strings.Cut(e.route, " ")
	if e.path != "" {
		path = e.path
	}
	return request{method, fill(path, organization), fill(e.body, organization)}
}

// fill puts values, which need no escape, in the place of names.
func fill(text string, known map[string]string) string {
	var pairs []string
	for name, value := range known {
		pairs = append(pairs, "<"+name+">", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// answer is what comes back.
type answer struct {
	status int
	header http.Header
	body   string
}

// ok reports whether the request was granted.
func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// send sends a request with a token, "" for none, and more headers, each with
// its value. No answer is the service's own failure or lacks its request's id.
func (s service) send(t *testing.T, r request, token string, headers ...string) answer {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r.http(token, headers...))
	a := answer{w.Code, w.Header(), w.Body.String()}
	if a.status >= http.StatusInternalServerError || a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s %s: status %d, X-Request-Id %q: %s", r.method, r.path, a.status, a.header.Get("X-Request-Id"), a.body)
	}
	return a
}

// http is the request as a handler gets it.
func (r request) http(token string, headers ...string) *http.Request {
	q := httptest.NewRequest(r.method, "http://localhost"+r.path, strings.NewReader(r.body))
	if r.body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	return q
}

// state is everything that the owner of an organization can read of it.
func (s service) state(t *testing.T, organization map[string]string) string {
	t.Helper()
	var all strings.Builder
	for _, e := range endpoints {
		if r := e.good(organization); r.method == http.MethodGet && s.serves(e) {
			a := s.send(t, r, organization["token"], "X-Organization-Id", organization["org"])
			all.WriteString(e.route + "\n" + a.body + "\n")
		}
	}
	return all.String()
}

// serves reports whether the template has the row's route.
func (s service) serves(e endpoint) bool {
	return slices.Contains(s.routes(), e.route)
}
