package local_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// policies is what each role of the platform dialect may, as the contract says.
var policies = map[string][]string{
	"owner": {"org:organization:read", "org:organization:update", "org:member:read", "org:member:invite", "org:kyb:read", "org:kyb:submit",
		"billing:payment:create", "oms:order:create"},
	"admin": {"org:organization:read", "org:organization:update", "org:member:read", "org:member:invite", "org:kyb:read",
		"org:kyb:submit"},
	"billing": {"billing:payment:create"},
	"member":  {"org:organization:read", "oms:order:create"},
}

// Every route of an organization asks for its policy, of each role, at the
// moment of the request.
func TestPolicies(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := newCast(t, s)
	for _, row := range []struct {
		method, path, body string
		policy             string
		before             request // by the owner, so that the row can succeed once more
	}{
		{"GET", "", "", "org:organization:read", request{}},
		{"PATCH", "", `{"city": "Mombasa"}`, "org:organization:update", request{}},
		{"GET", "/members", "", "org:member:read", request{}},
		{"PATCH", "/members/<target>", `{"roleName": "member"}`, "org:member:invite", request{}},
		{"DELETE", "/members/<target>", "", "org:member:invite",
			request{"POST", "/api/organizations/users/associate-customer", `{"UserId": "<target>", "CustomerNumber": "C-1"}`}},
		{"POST", "/invites", `{"email": "guest@cast.example", "roleName": "member"}`, "org:member:invite", request{}},
		{"DELETE", "/invites/<invite>", "", "org:member:invite",
			request{"POST", "/invites", `{"email": "guest@cast.example", "roleName": "member"}`}},
		{"GET", "iam/roles", "", "org:organization:read", request{}},
		{"POST", "iam/roles", `{"name": "Role of <who>", "policies": []}`, "org:organization:update", request{}},
		{"PUT", "iam/roles/spare", `{"policies": []}`, "org:organization:update", request{}},
		{"DELETE", "iam/roles/spare", "", "org:organization:update", request{"POST", "iam/roles", `{"name": "spare", "policies": []}`}},
	} {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			r := c.about(request{row.method, row.path, row.body}, "")
			expect := func(what string, a answer, status int, sentence string) {
				t.Helper()
				var told struct{ Error string }
				if err := json.Unmarshal([]byte(a.body), &told); err != nil || a.status != status || told.Error != sentence {
					t.Errorf("%s: %d %s; want %d %s", what, a.status, a.body, status, sentence)
				}
			}
			const header = "X-Organization-Id"
			owner, org := c.tokens["owner"], c.known["org"]
			expect("no token", s.send(t, r, "", header, org), 401, "Unauthorized: Missing or malformed Authorization header.")
			expect("an expired token", s.send(t, r, s.given["expired"], header, org), 401, "Unauthorized: Invalid or expired token.")
			expect("no header", s.send(t, r, owner), 403, "Forbidden: X-Organization-Id header is required.")
			other := "Forbidden: X-Organization-Id does not match the requested organization."
			expect("two in one header", s.send(t, r, owner, header, org+", "+org), 403, other)
			if !strings.Contains(r.path, org) {
				other = "Forbidden: You are not a member of this organization."
			}
			expect("another organization", s.send(t, r, owner, header, c.known["elsewhere"]), 403, other)
			expect("a stranger", s.send(t, r, c.tokens["stranger"], header, org), 403, "Forbidden: You are not a member of this organization.")

			held := map[string][]string{"just": {row.policy}, "but": slices.DeleteFunc(slices.Clone(policies["owner"]), func(p string) bool { return p == row.policy })}
			for role, list := range held {
				text, err := json.Marshal(map[string]any{"policies": list})
				if err != nil {
					t.Fatal(err)
				}
				c.must(t, "owner", request{"PUT", "iam/roles/" + role, string(text)})
			}
			for _, role := range []string{"owner", "admin", "billing", "member", "just", "but"} {
				if row.before.method != "" {
					c.must(t, "owner", row.before)
				}
				a := s.send(t, c.about(request{row.method, row.path, row.body}, role), c.tokens[role], header, org)
				if slices.Contains(append(held[role], policies[role]...), row.policy) {
					if !a.ok() || !strings.HasPrefix(a.body, `{"success":true,`) {
						t.Errorf("%s: %d %s", role, a.status, a.body)
					}
				} else {
					expect(role, a, 403, fmt.Sprintf("Forbidden: You lack the required IAM policy (%s) to perform this request.", row.policy))
				}
			}
		})
	}
}

// cast is an organization with a member of every role, and custom roles "just"
// and "but", which a test fills.
type cast struct {
	service
	known  map[string]string
	tokens map[string]string // by role
}

func newCast(t *testing.T, s service) cast {
	t.Helper()
	c := cast{s, map[string]string{}, map[string]string{}}
	ids := map[string]string{}
	for _, who := range []string{"owner", "admin", "billing", "member", "just", "but", "target", "stranger"} {
		a := s.send(t, request{"POST", "/api/organizations", fmt.Sprintf(`{"Organization": {"Name": "%[1]s"}, "User":
			{"FirstName": "%[1]s", "LastName": "Cast", "Email": "%[1]s@cast.example", "Password": "Password of %[1]s"}}`, who)}, "")
		made := members(t, a)
		s.verify(t, who+"@cast.example", "Password of "+who)
		c.tokens[who] = members(t, s.send(t, request{"POST", "/api/auth/login",
			fmt.Sprintf(`{"Email": "%[1]s@cast.example", "Password": "Password of %[1]s"}`, who)}, ""))["AccessToken"]
		ids[who] = members(t, s.send(t, request{"POST", "/api/auth/access", fmt.Sprintf(`{"OrgCode": %q}`, made["IdentityOrganizationId"])}, c.tokens[who]))["UserId"]
		switch who {
		case "owner":
			c.known["org"] = made["OrganizationId"]
		case "target":
			c.known["target"] = ids[who]
		case "stranger":
			c.known["elsewhere"] = made["OrganizationId"]
		}
	}
	for _, name := range []string{"just", "but", "spare"} {
		c.must(t, "owner", request{"POST", "iam/roles", fmt.Sprintf(`{"name": %q, "policies": []}`, name)})
	}
	for _, who := range []string{"admin", "billing", "member", "just", "but", "target"} {
		c.must(t, "owner", request{"POST", "/api/organizations/users/associate-customer", fmt.Sprintf(`{"UserId": %q, "CustomerNumber": "C-1"}`, ids[who])})
		if who != "target" {
			c.must(t, "owner", request{"PATCH", "/members/" + ids[who], fmt.Sprintf(`{"roleName": %q}`, who)})
		}
	}
	c.must(t, "owner", request{"POST", "/invites", `{"email": "guest@cast.example", "roleName": "member"}`})
	a := c.must(t, "owner", request{"GET", "/members", ""})
	_, rest, _ := strings.Cut(a.body, `"invites":[{"id":"`)
	c.known["invite"], _, _ = strings.Cut(rest, `"`)
	return c
}

// members are the texts of an answer's object.
func members(t *testing.T, a answer) map[string]string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(a.body), &all); err != nil || !a.ok() {
		t.Fatalf("%d %s", a.status, a.body)
	}
	texts := map[string]string{}
	for name, value := range all {
		if text, ok := value.(string); ok {
			texts[name] = text
		}
	}
	return texts
}

// about fills a request in: "/members" is that of the organization, "iam/roles"
// that of the one in the header.
func (c cast) about(r request, who string) request {
	switch {
	case strings.HasPrefix(r.path, "iam/"):
		r.path = "/v1/organizations/" + r.path
	case !strings.HasPrefix(r.path, "/api/"):
		r.path = "/v1/organizations/<org>" + r.path
	}
	known := with(c.known, map[string]string{"who": who})
	return request{r.method, fill(r.path, known), fill(r.body, known)}
}

// must sends a request that has to succeed; but what is made may be there.
func (c cast) must(t *testing.T, who string, r request) answer {
	t.Helper()
	r = c.about(r, who)
	a := c.send(t, r, c.tokens[who], "X-Organization-Id", c.known["org"])
	if !a.ok() && a.status != 409 {
		t.Fatalf("%s %s: %d %s", r.method, r.path, a.status, a.body)
	}
	return a
}
