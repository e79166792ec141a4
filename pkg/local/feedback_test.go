package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"charter/pkg/local"
)

// A letter that bounces, or is complained of, has failed where its admin can see
// that, and its address gets no other, until the mark is taken away by hand.
//
// Tried with controls that it must catch: a sender that gives its letters no
// tags, and a Claim that does not look for the mark.
func TestLettersThatComeBack(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"bounce", "complaint"} {
		synctest.Test(t, func(t *testing.T) {
			m := startMailing(t)
			email := kind + "+ann@simulator.amazonses.com"
			ann := m.foundWith(t, "Ant", email)
			eventually(t, time.Minute, "the letter has failed", func() bool {
				status, _ := m.status(t, ann)
				return status == "failed"
			})
			bob := m.found(t, "Bee")
			invite := func() {
				t.Helper()
				if a := m.send(t, request{"POST", "/api/organizations/users/admins", fmt.Sprintf(`{"Email": %q}`, email)}, bob); !a.ok() {
					t.Fatalf("promote: %d %s", a.status, a.body)
				}
			}
			state := func() string {
				for _, w := range m.welcomes(t, bob) {
					if w.Email == email {
						return w.WelcomeMail.Status
					}
				}
				return "none"
			}
			invite()
			eventually(t, time.Minute, "the second letter has failed", func() bool { return state() == "failed" })
			if n := m.arrived()[email]; n != 1 {
				t.Errorf("%d letters went there", n)
			}

			m.invoke(t, "mark-addresses", fmt.Sprintf(`{"Forget": %q}`, email))
			for _, w := range m.welcomes(t, bob) {
				if w.Email == email {
					if a := m.send(t, request{"DELETE", "/api/organizations/users/admins", fmt.Sprintf(`{"UserId": %q}`, w.UserID)}, bob); !a.ok() {
						t.Fatalf("demote: %d %s", a.status, a.body)
					}
				}
			}
			invite()
			eventually(t, time.Minute, "the third letter went", func() bool { return m.arrived()[email] == 2 })
			if dead := m.DeadLetters(); len(dead) != 0 {
				t.Errorf("dead letters: %v", dead)
			}
		})
	}
}

// What cannot be marked is tried three times, and is then a dead letter.
func TestMarkInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := startMailing(t)
		m.Mail.Publish("no message of SES")
		eventually(t, time.Minute, "there is a dead letter", func() bool { return len(m.DeadLetters()) == 1 })
		if d := m.DeadLetters()[0]; d.Queue != "MarksFailed" || d.Function != "mark-addresses" {
			t.Errorf("dead letter %+v", d)
		}
	})
}

// invoke calls a function by hand.
func (m mailing) invoke(t *testing.T, name, payload string) {
	t.Helper()
	e, err := local.Environment(m.options, m.function(name), m.way)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := local.Functions[name](e).Invoke(t.Context(), []byte(payload))
	if err != nil || strings.Contains(string(answer), `"itemIdentifier"`) {
		t.Fatalf("%s: %s, %v", name, answer, err)
	}
}

// foundWith makes an organization whose owner has an e-mail, and returns a token
// of theirs.
func (s service) foundWith(t *testing.T, name, email string) (token string) {
	t.Helper()
	a := s.send(t, request{"POST", "/api/organizations", fmt.Sprintf(
		`{"Organization": {"Name": %q}, "User": {"FirstName": %q, "LastName": "Doe", "Email": %q, "Password": "Password1234!"}}`, name, name, email)}, "")
	if a.status != http.StatusCreated {
		t.Fatalf("%s: %d %s", name, a.status, a.body)
	}
	a = s.send(t, request{"POST", "/api/auth/login", fmt.Sprintf(`{"Email": %q, "Password": "Password1234!"}`, email)}, "")
	var login struct{ AccessToken string }
	if err := json.Unmarshal([]byte(a.body), &login); err != nil || login.AccessToken == "" {
		t.Fatalf("%s: %d %s", name, a.status, a.body)
	}
	return login.AccessToken
}
