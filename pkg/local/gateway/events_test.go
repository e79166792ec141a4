package gateway_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/caller"
	"charter/pkg/local/gateway"
	"charter/pkg/sam"
)

// requests are those of events/, one for each function that the gateway runs.
// They are the documentation's own where it has one.
var requests = map[string]struct{ method, path, body string }{
	"create-organization": {"POST", "/api/organizations", `{"Organization":{"Name":"Acme Corp",` +
		`"BillingAddress1":"123 Any Street","BillingAddress2":"Suite 100","BillingCity":"Miami",` +
		`"BillingStateProvince":"FL","BillingPostalCode":"33101","BillingCountry":"US","PhoneNumber":"561-555-1212",` +
		`"Email":"info@acmecorp.com","Website":"https://www.acmecorp.com"},"User":{"FirstName":"John",` +
		`"LastName":"Doe","Email":"john.doe@acmecorp.com","Password":"Password1234!","PhoneNumber":"561-555-1212"}}`},
	"get-organization": {"GET", "/api/organization", ""},
	"login":            {"POST", "/api/auth/login", `{"Email":"john.doe@acmecorp.com","Password":"Password1234!"}`},
	"jwks":             {"GET", "/.well-known/jwks.json", ""},

	"access":              {"POST", "/api/auth/access", `{"OrgCode":"org_0a1b2c3d4e5","CustomerNumber":"C-1001"}`},
	"update-organization": {"PUT", "/api/organization", `{"PhoneNumber":"561-555-1313","Website":"https://acmecorp.com"}`},
	"list-admins":         {"GET", "/api/organizations/users/admins", ""},
	"add-admin":           {"POST", "/api/organizations/users/admins", `{"Email":"jane.roe@acmecorp.com"}`},
	"remove-admin":        {"DELETE", "/api/organizations/users/admins", `{"UserId":"kp_01hq3m5z8k9w8v7t6s5r4q3p2n"}`},
	"list-audit-entries":  {"GET", "/api/organization/audit?pageSize=50", ""},
	"list-price-tiers":    {"GET", "/api/organizations/price-tiers", ""},
	"create-price-tier":   {"POST", "/api/organizations/price-tiers", `{"Name":"Wholesale","CurrencyCode":"USD"}`},
	"change-price-tier":   {"PUT", "/api/organizations/price-tiers", `{"OldName":"Wholesale","NewName":"Reseller","CurrencyCode":"EUR"}`},
	"delete-price-tier":   {"DELETE", "/api/organizations/price-tiers", `{"Name":"Reseller","ReplaceWith":"Retail"}`},
	"put-customer": {"PUT", "/api/customers", `{"customerNumber":"C-1001","companyName":"Globex","companyEmail":"buy@globex.example",` +
		`"pricing":"Retail","currencyCode":"USD","active":true}`},
	"get-customer":       {"GET", "/api/customers/C-1001", ""},
	"associate-customer": {"POST", "/api/organizations/users/associate-customer", `{"UserId":"kp_01hq3m5z8k7v2w9x4y6t1r0s3n","CustomerNumber":"C-1001"}`},
	"list-associations": {"GET", "/api/organizations/users/associations?pageSize=50&sortOn=CustomerNumber" +
		"&filters[0].field=CustomerNumber&filters[0].operator=startswith&filters[0].value=C-", ""},
	"list-api-access":   {"GET", "/api/organizations/api-access", ""},
	"create-api-access": {"POST", "/api/organizations/api-access", `{"Name":"ERP"}`},
	"platform-create-organization": {"POST", "/v1/organizations", `{"name":"Acme Kenya","slug":"acme-kenya","kraPin":"P051234567X",` +
		`"billingEmail":"billing@acme.co.ke","address":"Kimathi Street 1","city":"Nairobi"}`},
	"platform-list-organizations":  {"GET", "/v1/organizations", ""},
	"platform-get-organization":    {"GET", "/v1/organizations/" + john.OrganizationID, ""},
	"platform-update-organization": {"PATCH", "/v1/organizations/" + john.OrganizationID, `{"city":"Mombasa","logoUrl":null}`},
	"platform-list-members":        {"GET", "/v1/organizations/" + john.OrganizationID + "/members", ""},
	"platform-change-member": {"PATCH", "/v1/organizations/" + john.OrganizationID + "/members/kp_01hq3m5z8k9w8v7t6s5r4q3p2n",
		`{"roleName":"billing"}`},
	"platform-remove-member": {"DELETE", "/v1/organizations/" + john.OrganizationID + "/members/kp_01hq3m5z8k9w8v7t6s5r4q3p2n", ""},
	"platform-invite-member": {"POST", "/v1/organizations/" + john.OrganizationID + "/invites",
		`{"email":"jane.roe@acmecorp.com","roleName":"member"}`},
	"platform-revoke-invitation": {"DELETE", "/v1/organizations/" + john.OrganizationID + "/invites/inv_abcdefghijklmnopqrstuvwxyz", ""},
	"platform-accept-invitation": {"POST", "/v1/organizations/invites/accept", `{"token":"a-token-from-a-letter"}`},
	"platform-list-roles":        {"GET", "/v1/organizations/iam/roles", ""},
	"platform-create-role": {"POST", "/v1/organizations/iam/roles",
		`{"name":"buyer","description":"Places orders.","policies":["oms:order:create"]}`},
	"platform-update-role": {"PUT", "/v1/organizations/iam/roles/buyer",
		`{"description":"Sees and orders.","policies":["org:organization:read","oms:order:create"]}`},
	"platform-delete-role": {"DELETE", "/v1/organizations/iam/roles/buyer", ""},

	"verify": {"POST", "/api/auth/verify", `{"Token":"dGhlIHRva2VuIG9mIGEgbGV0dGVyLCAzMiBieXRlcyEh","Password":"Password1234!"}`},

	"delete-api-access": {"DELETE", "/api/organizations/api-access", `{"ClientId":"client_01hq3m5z8k1a2b3c4d5e6f7g8h"}`},
}

// john is who sends the requests that need somebody, until the year 2100.
var john = caller.Caller{
	UserID: "kp_01hq3m5z8k7v2w9x4y6t1r0s3n", Email: "john.doe@acmecorp.com", Verified: true,
	OrganizationID: "org_01hq3m5z8k2b4c6d8e0f1g3h5j", OrgCode: "org_0a1b2c3d4e5",
	Admin: true, Expires: time.Unix(4102444800, 0),
}

// TestProjectEvents holds events/ to what the gateway makes of the project's
// own template. Their bodies are text, for a person to read and change, where
// the deployed gateway sends base64.
func TestProjectEvents(t *testing.T) {
	text, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template, err := sam.Read(text, map[string]string{
		"TokenIssuer": "x", "SecretArn": "x", "MailFrom": "x", "MailIdentity": "x", "LinkBase": "x",
	})
	if err != nil {
		t.Fatal(err)
	}
	template.Binary = false
	made := map[string][]byte{}
	functions := map[string]lambda.Handler{}
	for _, f := range template.Functions {
		functions[f.Name] = handler(func(_ context.Context, event []byte) ([]byte, error) {
			made[f.Name] = event
			if f.Name != template.Authorizer.Function {
				return []byte(`{"statusCode":200}`), nil
			}
			return policy("Allow", stage+"/*/*", john.Flat()), nil
		})
	}
	g, err := gateway.New(template, functions, gateway.Options{Random: zeros{}, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	routes := map[string]string{}
	for _, f := range template.Functions {
		for _, r := range f.Routes {
			routes[f.Name] = r.String()
		}
	}
	// The first one that is signed is what the authorizer's event is about.
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		c := requests[name]
		r := httptest.NewRequest(c.method, "https://local.execute-api.us-east-1.amazonaws.com"+c.path, strings.NewReader(c.body))
		r.Header.Set("User-Agent", "curl/8.5.0")
		if c.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if !slices.Contains(template.PublicRoutes, routes[name]) {
			r.Header.Set("Authorization", "Bearer header.claims.signature")
		}
		if strings.HasPrefix(c.path, "/v1/organizations/") {
			r.Header.Set("X-Organization-Id", john.OrganizationID)
		}
		answer := httptest.NewRecorder()
		if g.ServeHTTP(answer, r); answer.Code != 200 {
			t.Errorf("%s %s: %d %s", c.method, c.path, answer.Code, answer.Body)
		}
	}
	for _, f := range template.Functions {
		path := filepath.Join("../../../events", f.Name+".json")
		if event, ok := made[f.Name]; ok {
			compare(t, path, event)
		} else if len(f.Routes) > 0 {
			t.Errorf("no request has reached %s: write one down in this file", f.Name)
		} else if event, err := os.ReadFile(path); err != nil || !json.Valid(event) {
			t.Errorf("%s is no JSON: %v", path, err)
		}
	}
}
