package local

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// What changes from one run to the next, and its form.
var varying = regexp.MustCompile(`\b(org|kp|sub|client)_[0-9a-z]{26}\b|\borg_[0-9a-f]{11}\b|"[0-9a-z]{26}"|eyJ[\w-]+(\.[\w-]+){0,2}(\.\.\.)?|\d{4}-\d\d-\d\dT[\d:.]+Z|"(queued|sent)","Attempts":\d|` +
	`"(iat|exp)":\d+|"[0-9A-Z]{26}"`)

// plain is JSON without white space and with what varies put the same.
func plain(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return varying.ReplaceAllString(b.String(), "~")
}

// The walk in the README is walked: every curl that it shows is sent, and
// answered as it says. It ends in a token that was decoded.
func TestWalkOfTheReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	service, err := Start(Options{Template: templateFile, Data: t.TempDir(), InMemory: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	values := map[string]string{}
	steps := regexp.MustCompile("(?s)```sh\n(curl .*?)\n```\n(?:\n```json\n(.*?)\n```)?").FindAllStringSubmatch(string(readme), -1)
	if len(steps) < 8 {
		t.Fatalf("the README shows %d curls", len(steps))
	}
	for _, step := range steps {
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, curl(t, step[1], values))
		switch want, got := step[2], answer.Body.String(); {
		case want == "" && (answer.Code != http.StatusOK || got != ""):
			t.Errorf("%s\nanswers %d %s; the README shows nothing", step[1], answer.Code, got)
		case want != "" && plain(t, want) != plain(t, got):
			t.Errorf("%s\nanswers %d %s\nthe README says\n%s", step[1], answer.Code, got, want)
		}
		keep(values, answer.Body.Bytes())
	}
	if last := steps[len(steps)-1]; !strings.Contains(last[1], "$ENRICHED") || !strings.Contains(last[2], `"PriceTier":"Wholesale"`) {
		t.Errorf("the walk ends with\n%s\n%s", last[1], last[2])
	}
	forged := httptest.NewRequest(http.MethodGet, "http://localhost/_local/token", nil)
	header, rest, _ := strings.Cut(values["ENRICHED"], ".")
	_, signature, _ := strings.Cut(rest, ".")
	_, others, _ := strings.Cut(values["TOKEN"], ".")
	others, _, _ = strings.Cut(others, ".")
	forged.Header.Set("Authorization", "Bearer "+header+"."+others+"."+signature)
	answer := httptest.NewRecorder()
	if service.ServeHTTP(answer, forged); answer.Code != http.StatusUnauthorized {
		t.Errorf("one token's claims under the signature of another are shown: %d %s", answer.Code, answer.Body)
	}
}

// keep holds what a reader is told to keep.
func keep(values map[string]string, answer []byte) {
	var one struct{ AccessToken, IdentityOrganizationID string }
	var list []struct{ UserID string }
	if json.Unmarshal(answer, &one) == nil {
		switch {
		case one.AccessToken == "":
		case values["TOKEN"] == "":
			values["TOKEN"] = one.AccessToken
		default:
			values["ENRICHED"] = one.AccessToken
		}
		if one.IdentityOrganizationID != "" {
			values["ORG_CODE"] = one.IdentityOrganizationID
		}
	}
	if json.Unmarshal(answer, &list) == nil && len(list) > 0 {
		values["USER_ID"] = list[0].UserID
	}
}

// curl is the request of a command line: -X, -H, -d and a URL; texts in single
// quotes, or in double quotes with variables and escapes.
func curl(t *testing.T, line string, values map[string]string) *http.Request {
	t.Helper()
	var words []string
	for _, m := range regexp.MustCompile(`(?s)'([^']*)'|"((?:[^"\\]|\\.)*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		word := m[1] + m[3]
		if m[2] != "" {
			word = os.Expand(strings.ReplaceAll(m[2], `\"`, `"`), func(name string) string { return values[name] })
		}
		words = append(words, word)
	}
	method, url, body, header := http.MethodGet, "", "", http.Header{}
	for words = words[1:]; len(words) > 0; words = words[1:] {
		switch words[0] {
		case "-X", "-H", "-d":
			option := words[0]
			words = words[1:]
			switch option {
			case "-X":
				method = words[0]
			case "-H":
				name, value, _ := strings.Cut(words[0], ": ")
				header.Set(name, value)
			case "-d":
				body = words[0]
				if method == http.MethodGet {
					method = http.MethodPost
				}
			}
		default:
			url = words[0]
		}
	}
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.Header = header
	return r
}
