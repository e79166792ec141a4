package local_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"charter/pkg/local"
	"charter/pkg/local/conversation"
	"charter/pkg/org"
)

// verify makes the e-mail of an account verified, by the link that was mailed.
func (s service) verify(t *testing.T, email, password string) {
	t.Helper()
	conversation.Run(t, s, "testdata/verify.txt", map[string]string{"email": email, "password": password})
}

// An organization that nobody has verified in thirty days goes, by way of TTL,
// the stream and its function; the name is free then. That of a verified
// founder stays, and so does one that was made in the platform dialect.
func TestUnverifiedOrganizationGoes(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	begin := time.Now().Truncate(time.Minute)
	s := start(t, func(o *local.Options) {
		o.Now = func() time.Time { return begin.Add(time.Duration(passed.Add(1)) * time.Millisecond) }
	})
	create := func(name string) answer {
		return s.send(t, request{"POST", "/api/organizations", fmt.Sprintf(`{"Organization": {"Name": %[1]q},
			"User": {"FirstName": "A", "LastName": "B", "Email": "%[1]s@acme.example", "Password": "Password1234!"}}`, name)}, "")
	}
	squatter, honest := members(t, create("squatter")), members(t, create("honest"))
	s.verify(t, "honest@acme.example", "Password1234!")
	token := members(t, s.send(t, request{"POST", "/api/auth/login", `{"Email": "honest@acme.example", "Password": "Password1234!"}`}, ""))["AccessToken"]
	if a := s.send(t, request{"POST", "/v1/organizations", `{"name": "Too", "slug": "too"}`}, token); !a.ok() {
		t.Fatalf("%d %s", a.status, a.body)
	}
	passed.Add((org.UnverifiedTime + time.Hour).Milliseconds())
	if a := create("squatter"); a.status != 400 {
		t.Errorf("before it is swept: %d %s", a.status, a.body)
	}
	if _, err := s.Table.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if a := create("squatter"); a.ok() {
			if again := members(t, a); again["Slug"] != squatter["Slug"] || again["OrganizationId"] == squatter["OrganizationId"] {
				t.Errorf("%v, and before %v", again, squatter)
			}
			break
		}
		passed.Add(time.Minute.Milliseconds()) // lest the attempts be too many
		if time.Now().After(deadline) {
			t.Fatal("the name is not free")
		}
	}
	token = members(t, s.send(t, request{"POST", "/api/auth/login", `{"Email": "honest@acme.example", "Password": "Password1234!", "OrgCode": "` +
		honest["IdentityOrganizationId"] + `"}`}, ""))["AccessToken"]
	if a := s.send(t, request{"GET", "/v1/organizations", ""}, token); strings.Count(a.body, "orgId") != 2 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
