package local_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Every endpoint grants its good request to an owner and to an API client. Sent
// again under its Idempotency-Key, a write gets the first answer, another body
// gets none, and what is no write takes no notice of the key.
func TestRepeats(t *testing.T) {
	for name, who := range map[string]string{"owner": "token", "API client": "robot"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			o := s.organization(t, "Ant")
			for n, e := range endpoints {
				if s.serves(e) && (e.who != "user" || name == "owner") {
					repeat(t, s, e, e.good(o), o[who], "X-Organization-Id", o["org"], "Idempotency-Key", fmt.Sprintf("row-%d", n))
				}
			}
		})
	}
}

func repeat(t *testing.T, s service, e endpoint, r request, token string, headers ...string) {
	first := s.send(t, r, token, headers...)
	if !first.ok() || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("%s: %d %s", e.route, first.status, first.body)
		return
	}
	again := s.send(t, r, token, headers...)
	replayed := again.header.Get("Idempotent-Replayed")
	r.body = strings.Replace(r.body, "{", `{"Unknown": 1, `, 1)
	other := s.send(t, r, token, headers...)
	switch e.repeat {
	case "replayed":
		if again.status != first.status || again.body != first.body || replayed != "true" {
			t.Errorf("%s, again: %d %s, replayed %q; first %d %s",
				e.route, again.status, again.body, replayed, first.status, first.body)
		}
	case "spent":
		if again.status != 400 || replayed != "" || other.status != 400 {
			t.Errorf("%s, again: %d %s, replayed %q, with another body %d", e.route, again.status, again.body, replayed, other.status)
		}
		return
	case "refused":
		if again.status != 409 || !strings.Contains(again.body, `"answer_not_kept"`) {
			t.Errorf("%s, again: %d %s", e.route, again.status, again.body)
		}
	default:
		if !again.ok() || replayed != "" || !other.ok() {
			t.Errorf("%s, again: %d %s, replayed %q, with another body %d",
				e.route, again.status, again.body, replayed, other.status)
		}
		return
	}
	if r.body == "" {
		return
	}
	if other.status != 422 || other.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("%s, with another body: %d %s", e.route, other.status, other.body)
	}
}

// Sent many times at once, a write is done once, and everybody gets its answer.
func TestRepeatsAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.organization(t, "Ant")
	for _, e := range endpoints {
		r := e.good(o)
		if e.repeat != "replayed" || !s.serves(e) {
			continue
		}
		answers := make([]answer, 4)
		var all sync.WaitGroup
		for n := range answers {
			all.Go(func() {
				answers[n] = s.send(t, r, o["token"], "X-Organization-Id", o["org"], "Idempotency-Key", "at-once")
			})
		}
		all.Wait()
		first := 0
		for _, a := range answers {
			if !a.ok() || a.body != answers[0].body {
				t.Errorf("%s: %d %s, and %d %s", e.route, a.status, a.body, answers[0].status, answers[0].body)
			}
			if a.header.Get("Idempotent-Replayed") == "" {
				first++
			}
		}
		if first != 1 {
			t.Errorf("%s was done %d times", e.route, first)
		}
	}
}
