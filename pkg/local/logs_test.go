package local_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"charter/pkg/local"
	"charter/pkg/local/conversation"
)

// No log holds anything that a caller sent or was given: all of it begins with
// the canary, or is a token or a secret; whatever lines it has, each is one JSON
// object of ours. It is not parallel: it catches the log of the process, too.
//
// Tried with the control that it must catch: a log of the request's path told the canary.
func TestLogs(t *testing.T) {
	quiet()
	var log lines
	everything := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	before := slog.Default()
	slog.SetDefault(everything)
	defer slog.SetDefault(before)

	s := start(t, func(o *local.Options) { o.Log = everything })
	const canary = "Canary7391"
	o := s.organization(t, canary)
	s.talk(t, o, canary)
	letter, err := conversation.Parse("letter", "wait 30s\nGET /_local/mail\n\n200\n<*>Welcome to "+canary+"<*>\n")
	if err != nil {
		t.Fatal(err)
	}
	letter.Run(t, s, nil)
	for _, e := range endpoints {
		if s.serves(e) && strings.Count(log.String(), `"route":"`+e.route+`"`) < 2 {
			t.Errorf("the log does not tell of %s both from the gateway and from the function", e.route)
		}
	}

	// The causes of failures, which a service without its table has many of.
	broken := start(t, func(o *local.Options) { o.Log, o.TableURL = everything, "http://127.0.0.1:1" })
	var asked sync.WaitGroup
	for _, e := range endpoints {
		if broken.serves(e) {
			asked.Go(func() {
				broken.ServeHTTP(httptest.NewRecorder(), e.good(o).http(broken.given["gone"], "Idempotency-Key", canary))
			})
		}
	}
	asked.Wait()
	if !strings.Contains(log.String(), `"cause"`) {
		t.Error("the log tells of no cause")
	}

	secrets := []string{canary, strings.ToLower(canary)}
	given := []string{"token", "member", "demoted", "robot", "ended", "nowhere", "delegated", "secret", "spareSecret"}
	for _, name := range given {
		if o[name] == "" {
			t.Errorf("there is no %s", name)
		}
		secrets = append(secrets, o[name], o[name][len(o[name])-20:])
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(log.String(), "\n"), "\n") {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry["time"] == nil || entry["msg"] == "forged" {
			t.Errorf("no line of ours: %s", line)
		}
		if entry["msg"] == "request" && entry["route"] != "" {
			for _, name := range []string{"request", "route", "status", "ms"} {
				if entry[name] == nil {
					t.Errorf("it does not tell the %s: %s", name, line)
				}
			}
		}
		for _, secret := range secrets {
			if strings.Contains(line, secret) {
				t.Errorf("%s is in the log: %s", secret, line)
			}
		}
	}
}

// talk says the canary to every endpoint, wherever it can stand.
func (s service) talk(t *testing.T, o map[string]string, canary string) {
	t.Helper()
	headers := []string{"X-Organization-Id", o["org"], "User-Agent", canary, "X-Forwarded-For", canary, "X-Api-Key", canary}
	for _, e := range endpoints {
		if !s.serves(e) {
			continue
		}
		good := e.good(o)
		separator := "?"
		if strings.Contains(good.path, "?") {
			separator = "&"
		}
		inQuery := request{good.method, good.path + separator + "filters=" + canary + "&pageSize=" + canary, good.body}
		s.send(t, good, o["token"], append(headers, "Idempotency-Key", canary)...)
		s.send(t, inQuery, o["token"], headers...)
		s.send(t, good, canary+"."+canary+"."+canary, headers...)
		s.send(t, good, canary, headers...)
		for _, who := range []string{"member", "demoted", "robot", "ended", "nowhere", "delegated"} {
			s.send(t, good, o[who], headers...)
		}
		s.send(t, request{good.method, good.path + "/" + canary, good.body}, o["token"], headers...)
		forged := "\r\n{\"time\":\"2026-01-01T00:00:00Z\",\"level\":\"INFO\",\"msg\":\"forged\"}\r\n"
		s.send(t, good, o["token"], append(headers, "User-Agent", forged, "X-Request-Id", forged, "Idempotency-Key", forged, "X-Organization-Id", forged)...)
		s.send(t, request{good.method, good.path + "/" + url.PathEscape(forged), good.body}, o["token"], headers...)
		if good.body == "" {
			continue
		}
		for _, body := range []string{
			good.body[:len(good.body)-1], good.body + canary, `{"` + canary + `": ["` + canary + `"]}`, `"` + canary + `"`,
		} {
			s.send(t, request{good.method, good.path, body}, o["token"], headers...)
		}
		for _, path := range texts(t, good.body) {
			for _, value := range []any{canary, canary + "\u202e", canary + "@" + canary + ".example", []string{canary}} {
				s.send(t, request{good.method, good.path, set(t, good.body, path, value)}, o["token"], headers...)
			}
		}
	}
}

// lines is a log that many may write to.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
