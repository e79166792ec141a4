package local_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// Every good request that changes something adds one entry to the trail of the
// organization, which names who did it.
//
// Tried with the control that it must catch: an AddClient without its entry.
func TestEveryChangeIsInTheTrail(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, who := range []string{"token", "robot"} {
		organization := s.organization(t, "Trail"+who)
		entries := s.trail(t, organization)
		for _, e := range endpoints {
			r := e.good(organization)
			if !s.serves(e) || e.repeat == "" || e.repeat == "anew" || e.who != "admin" && e.who != "member" {
				continue
			}
			if a := s.send(t, r, organization[who], "X-Organization-Id", organization["org"]); !a.ok() {
				t.Errorf("%s: %d %s", e.route, a.status, a.body)
			}
			now := s.trail(t, organization)
			if len(now) != len(entries)+1 {
				t.Errorf("%s with the %s: %d entries more", e.route, who, len(now)-len(entries))
			} else if by := now[0].UserID; (by == organization["olga"]) != (who == "token") || strings.HasPrefix(by, "client:") != (who == "robot") {
				t.Errorf("%s with the %s: done by %s", e.route, who, by)
			}
			entries = now
		}
	}
}

type entry struct {
	UserID, Action, Target string
	Changes                []struct{ Field string }
}

// trail is what the owner of an organization reads, newest first.
func (s service) trail(t *testing.T, organization map[string]string) []entry {
	t.Helper()
	var page struct{ Data []entry }
	a := s.send(t, request{"GET", "/api/organization/audit?pageSize=200", ""}, organization["token"])
	if err := json.Unmarshal([]byte(a.body), &page); err != nil || len(page.Data) == 0 {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	for _, e := range page.Data {
		if e.Action == "" || e.Target == "" || len(e.Changes) == 0 && !strings.HasSuffix(e.Action, ".remove") {
			t.Errorf("an entry that does not say what was done: %+v", e)
		}
	}
	return page.Data
}
