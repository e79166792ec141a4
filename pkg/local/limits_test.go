package local_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"charter/pkg/local"
	"charter/pkg/local/conversation"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// One e-mail has a hundred attempts to sign in within a minute, from wherever
// they come.
func TestAttemptsFromEverywhere(t *testing.T) {
	t.Parallel()
	s := start(t)
	email, err := mail.ParseAddress("john@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	// Not through the endpoint, which hashes a password each time.
	directory := s.env(t, "login").Entrance()
	for n := range 99 {
		_, err := directory.Account(t.Context(), email, fmt.Sprintf("2001:db8::%x", n))
		if !errors.Is(err, org.UnknownAccount) {
			t.Fatalf("attempt %d: %v", n, err)
		}
	}
	login := request{"POST", "/api/auth/login", `{"Email": "John@acme.example", "Password": "Password1234!"}`}
	for _, want := range []int{401, 429} {
		if a := s.send(t, login, ""); a.status != want {
			t.Errorf("%d %s, want %d", a.status, a.body, want)
		}
	}
}

// An organization has so many price tiers and API clients, and no more.
func TestLimits(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.organization(t, "Ant")
	for what, c := range map[string]struct {
		path, body string
		more       int // than there are
		code       string
	}{
		"price tiers": {"/api/organizations/price-tiers", `{"Name": "Tier %d", "CurrencyCode": "EUR"}`, 199, "too_many_tiers"},
		"API clients": {"/api/organizations/api-access", `{"Name": "Client %d"}`, 98, "too_many_clients"},
	} {
		for n := range c.more {
			if a := s.send(t, request{"POST", c.path, fmt.Sprintf(c.body, n)}, o["token"]); !a.ok() {
				t.Fatalf("%s: %d: %d %s", what, n, a.status, a.body)
			}
		}
		a := s.send(t, request{"POST", c.path, fmt.Sprintf(c.body, c.more)}, o["token"])
		if a.status != 400 || !strings.Contains(a.body, c.code) {
			t.Errorf("one of the %s too many: %d %s", what, a.status, a.body)
		}
	}
}

// A service whose table cannot be reached says so, and when to come back.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	s := withoutTable(t)
	conversation.Run(t, s, "testdata/unavailable.txt", s.given)
}

// withoutTable is a service whose table cannot be reached.
func withoutTable(t *testing.T) service {
	t.Helper()
	return start(t, func(o *local.Options) { o.TableURL = "http://127.0.0.1:1" })
}
