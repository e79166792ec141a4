package local_test

import (
	"strings"
	"testing"
)

// No endpoint but the public ones answers who brings no good token, none that
// is for admins answers who is none at that moment, and nothing is done for
// any of them.
func TestStrangers(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.organization(t, "Ant")
	before := s.state(t, o)
	for _, e := range endpoints {
		if !s.serves(e) {
			continue
		}
		expect := func(who string, status int, part string) {
			t.Helper()
			a := s.send(t, e.good(o), o[who], "X-Organization-Id", o["org"])
			if a.status != status || !strings.Contains(a.body, part) {
				t.Errorf("%s with the token %q: %d %s, want %d %s", e.route, who, a.status, a.body, status, part)
			}
			// The gateway renames the header of a function.
			bearer := a.header.Get("WWW-Authenticate") + a.header.Get("X-Amzn-Remapped-Www-Authenticate")
			if (status == 401) != (bearer == "Bearer") {
				t.Errorf("%s with the token %q: WWW-Authenticate %q", e.route, who, bearer)
			}
		}
		if e.who == "anybody" {
			continue
		}
		expect("", 401, `"error":"Unauthorized: Missing or malformed Authorization header."`)
		for _, who := range []string{"expired", "forged", "delegated"} {
			expect(who, 401, `"error":"Unauthorized: Invalid or expired token."`)
		}
		expect("late", 401, `Unauthorized: Invalid or expired token."`)
		if e.who == "admin" {
			for _, who := range []string{"member", "demoted", "ended", "nowhere"} {
				expect(who, 403, `"code":"admin_required"`)
			}
			expect("gone", 400, `"code":"organization_gone"`)
		}
	}
	if after := s.state(t, o); after != before {
		t.Errorf("strangers changed\n%s\nto\n%s", before, after)
	}
}

// A public endpoint does not care for a token that is no good.
func TestPublicRoutes(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.organization(t, "Ant")
	for _, e := range endpoints {
		if e.who == "anybody" && s.serves(e) {
			if a := s.send(t, e.good(o), "a.b.c"); !a.ok() {
				t.Errorf("%s: %d %s", e.route, a.status, a.body)
			}
		}
	}
}
