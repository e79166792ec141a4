package local_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

// Who is in one organization reads nothing of another's and changes nothing
// there, whatever they name in the request.
func TestTenants(t *testing.T) {
	t.Parallel()
	s := start(t)
	ant, bee := s.organization(t, "Ant"), s.organization(t, "Bee")
	before := s.state(t, bee)
	if len(told(bee, before, "")) < 6 {
		t.Errorf("Bee itself is told %q", told(bee, before, ""))
	}
	said := ""
	for _, kind := range []struct {
		about map[string]string
		what  string
	}{{ant, "its own"}, {bee, "another's"}} {
		for _, who := range []string{"member", "token", "robot"} {
			for _, e := range endpoints {
				r := e.good(kind.about)
				if !s.serves(e) || e.who == "anybody" {
					continue
				}
				said += r.path + r.body
				for _, organization := range []string{ant["org"], bee["org"]} {
					a := s.send(t, r, ant[who], "X-Organization-Id", organization)
					for _, secret := range told(bee, opened(a.body), said) {
						t.Errorf("%s with the %s of Ant, about %s: tells %q of Bee: %d %s",
							e.route, who, kind.what, secret, a.status, a.body)
					}
				}
			}
		}
	}
	if after := s.state(t, bee); after != before {
		t.Errorf("Ant changed Bee from\n%s\nto\n%s", before, after)
	}
}

// told lists what belongs to an organization and is in an answer, though the
// one who asked never said it.
func told(organization map[string]string, answer, said string) (secrets []string) {
	for _, name := range []string{"org", "code", "olga", "max", "client", "secret", "link", "name"} {
		if value := organization[name]; strings.Contains(answer, value) && !strings.Contains(said, value) {
			secrets = append(secrets, value)
		}
	}
	return secrets
}

// opened is an answer with what its tokens say.
func opened(body string) string {
	for part := range strings.SplitSeq(body, ".") {
		if claims, err := base64.RawURLEncoding.DecodeString(part); err == nil {
			body += string(claims)
		}
	}
	return body
}
