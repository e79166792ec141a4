package local_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// What differs from one run to another in what everybody may read.
var (
	anyToken = regexp.MustCompile(`eyJ[\w.-]+`)
	anyKey   = regexp.MustCompile(`"(kid|x|y)":"[^"]*"`)
)

const matrix = "testdata/matrix.txt"

// Every route of template.yaml, asked by everybody, each on the same table:
// testdata/matrix.txt says what they are answered, and was read line by line. A
// route without a row in endpoints fails, and so does an answer that is another
// (-update writes the file). Who may not, changes nothing; what the admin changes
// stays for the next row.
//
// Tried with the control that it must catch: judge without the role answered a plain
// member as an admin.
func TestMatrix(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := startBroken(t)
		joining := request{"POST", "/v1/organizations/invites/accept", fill(`{"token": "<invitation>"}`, b.known)}
		if a := b.send(t, joining, b.token(t, "zoe")); !a.ok() {
			t.Fatalf("%d %s", a.status, a.body)
		}
		var got strings.Builder
		routes := b.routes()
		for _, e := range endpoints {
			n := slices.Index(routes, e.route)
			if n < 0 {
				t.Errorf("%s is no route of the template", e.route)
				continue
			}
			routes = slices.Delete(routes, n, n+1)
			fmt.Fprintf(&got, "%s\n", e.route)
			before := b.image(t)
			for _, who := range []struct{ name, token string }{{"no token", ""}, {"garbage", "a.b.c"}, {"expired", b.given["expired"]},
				{"other admin", b.token(t, "other")}, {"member", b.token(t, "zoe")}, {"admin", b.token(t, "owner")}} {
				b.restore(t, before)
				a := b.send(t, e.good(b.known), who.token, "X-Organization-Id", b.known["org"])
				if change := since(before, b.image(t)); change != "" && !a.ok() {
					t.Errorf("%s, %s: %d, and yet\n%s", e.route, who.name, a.status, change)
				}
				fmt.Fprintf(&got, "  %-11s %d %s\n", who.name, a.status, readable(a.body))
			}
		}
		isMatrix(t, routes, got.String())
	})
}

// readable is an answer without what differs from one run to another, lists in
// an order of their own, and not much longer than a line.
func readable(body string) string {
	body = anyToken.ReplaceAllString(anyKey.ReplaceAllString(masked(body), `"$1":"<key>"`), "<token>")
	var answer any
	if json.Unmarshal([]byte(body), &answer) == nil && strings.Contains(body, "[") {
		if ordered, err := marshal(ordered(answer)); err == nil {
			body = ordered
		}
	}
	if len(body) > 400 {
		body = body[:400] + "..."
	}
	return body
}

// ordered is a value with its lists in the order of their text.
func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = ordered(v[name])
		}
	case []any:
		slices.SortFunc(v, func(a, b any) int {
			one, _ := marshal(ordered(a))
			other, _ := marshal(ordered(b))
			return strings.Compare(one, other)
		})
	}
	return v
}

func marshal(v any) (string, error) {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSpace(text.String()), err
}

func isMatrix(t *testing.T, rowless []string, got string) {
	t.Helper()
	for _, route := range rowless {
		t.Errorf("%s has no row in endpoints", route)
	}
	if *update {
		if err := os.WriteFile(matrix, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(matrix)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(want), "\n")
	for n, line := range strings.Split(got, "\n") {
		if n >= len(lines) || line != lines[n] {
			t.Fatalf("%s:%d: the answer is\n%s", matrix, n+1, line)
		}
	}
}
