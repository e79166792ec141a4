package local_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// What no endpoint takes for a body, and what they all take.
//
// Tried with the controls that it must catch: bodies that are not UTF-8, and 33 levels.
func TestBodies(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.organization(t, "Ant")
	before := s.state(t, o)
	var accepted []func()
	for _, e := range endpoints {
		good := e.good(o)
		if good.body == "" || !s.serves(e) {
			continue
		}
		inner := strings.TrimSpace(good.body)[1:] // what follows the first brace
		nested := func(depth int) string {
			return `{"Unknown":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "," + inner
		}
		twoCases, largest := `{"unknown":1,"UNKNOWN":1,`, strings.Replace(nested(32), "{", `{"Huge":-1e+99999,`, 1)
		platform := strings.HasPrefix(good.path, "/v1/")
		if platform { // where case counts
			largest = twoCases + largest[1:]
		}
		for name, c := range map[string]struct {
			body, contentType string
			status            int
		}{
			"no JSON":                     {good.body[:len(good.body)-1], "", 400},
			"a text":                      {`"` + good.method + `"`, "", 400},
			"a list":                      {"[" + good.body + "]", "", 400},
			"null":                        {"null", "", 400},
			"nothing but white space":     {" \n", "", 400},
			"a member twice":              {`{"Unknown":1,"Unknown":1,` + inner, "", 400},
			"a member twice, further in":  {`{"Unknown":[{"a":1,"\u0061":1}],` + inner, "", 400},
			"a member in two cases":       {twoCases + inner, "", 400},
			"not UTF-8":                   {"{\"Unknown\":\"\xc3\x28\"," + inner, "", 400},
			"half a surrogate pair":       {`{"Unknown":"\udc00",` + inner, "", 400},
			"33 levels":                   {nested(33), "", 400},
			"a comma at the end":          {strings.TrimSuffix(good.body, "}") + ",}", "", 400},
			"another object after it":     {good.body + "{}", "", 400},
			"a byte order mark":           {"\ufeff" + good.body, "", 400},
			"a number with a zero":        {`{"Unknown":01,` + inner, "", 400},
			"a number with a plus":        {`{"Unknown":+1,` + inner, "", 400},
			"a number without an end":     {`{"Unknown":1.,` + inner, "", 400},
			"a hexadecimal number":        {`{"Unknown":0x1,` + inner, "", 400},
			"not a number":                {`{"Unknown":NaN,` + inner, "", 400},
			"a line end in a text":        {"{\"Unknown\":\"a\nb\"," + inner, "", 400},
			"overlong UTF-8":              {"{\"Unknown\":\"\xc0\xaf\"," + inner, "", 400},
			"64 KiB and one byte":         {good.body + strings.Repeat(" ", 64<<10+1-len(good.body)), "", 413},
			"text":                        {good.body, "text/plain", 415},
			"JSON of another kind":        {good.body, "application/merge-patch+json", 415},
			"JSON in something malformed": {good.body, "application/json; charset", 415},
			"a form":                      {good.body, "application/x-www-form-urlencoded", 415},
		} {
			if platform && strings.HasPrefix(c.body, twoCases) {
				continue
			}
			headers := []string{"X-Organization-Id", o["org"]}
			if c.contentType != "" {
				headers = append(headers, "Content-Type", c.contentType)
			}
			a := s.send(t, request{good.method, good.path, c.body}, o["token"], headers...)
			if a.status != c.status {
				t.Errorf("%s, %s: %d %s, want %d", e.route, name, a.status, a.body, c.status)
			}
		}
		accepted = append(accepted, func() {
			most := request{good.method, good.path, largest + strings.Repeat(" ", 64<<10-len(largest))}
			a := s.send(t, most, o["token"], "X-Organization-Id", o["org"], "Content-Type", `Application/JSON ; charset="UTF-8"`)
			if !a.ok() {
				t.Errorf("%s, 32 levels in 64 KiB: %d %s", e.route, a.status, a.body)
			}
		})
	}
	if after := s.state(t, o); after != before {
		t.Errorf("refused requests changed\n%s\nto\n%s", before, after)
	}
	for _, ask := range accepted {
		ask()
	}
}

// verbatim are the members that are taken exactly as they were sent.
var verbatim = []string{
	"POST /api/organizations User.Password",
	"POST /api/auth/login Email", "POST /api/auth/login Password", "POST /api/auth/login OrgCode",
}

// What is no text is refused by its name as well where it is of another type, or
// a list of others.
//
// Tried with the control that it must catch: a flag that is missing where it is none.
func TestTypes(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.organization(t, "Ant")
	before, asked := s.state(t, o), 0
	for _, e := range endpoints {
		good := e.good(o)
		if good.body == "" || !s.serves(e) {
			continue
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(good.body), &members); err != nil {
			t.Fatal(err)
		}
		for name, value := range members {
			wrong := []any{json.Number("1e400"), json.Number("-0.0"), 7, "a text", []any{nil}, []any{7}, []any{[]any{}}, map[string]any{"a": "b"}}
			if _, isText := value.(string); isText {
				continue
			}
			for _, w := range wrong {
				if _, isObject := value.(map[string]any); isObject && reflect.TypeOf(w) == reflect.TypeOf(value) {
					continue
				}
				asked++
				a := s.send(t, request{good.method, good.path, set(t, good.body, name, w)}, o["token"], "X-Organization-Id", o["org"])
				if a.status != 400 || !strings.Contains(a.body, name) {
					t.Errorf("%s, %s is %v: %d %s", e.route, name, w, a.status, a.body)
				}
			}
		}
	}
	if after := s.state(t, o); after != before || asked < 30 {
		t.Errorf("%d refused requests changed\n%s\nto\n%s", asked, before, after)
	}
}

// Every text that a body can hold is refused by its name when it is none, too
// long, or holds what no text may.
func TestTexts(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.organization(t, "Ant")
	before := s.state(t, o)
	for _, e := range endpoints {
		good := e.good(o)
		if good.body == "" || !s.serves(e) {
			continue
		}
		for _, path := range texts(t, good.body) {
			for name, value := range map[string]any{
				"a control character":   "a\u0007b",
				"a null character":      "a\x00b",
				"a line end":            "a\nb",
				"a line separator":      "a\u2028b",
				"a C1 control":          "a\u0085b",
				"a bidi override":       "a\u202eb",
				"a bidi isolate":        "a\u2067b",
				"a right-to-left mark":  "a\u200fb",
				"a zero-width space":    "a\u200bb",
				"a zero-width joiner":   "a\u200db",
				"a byte order mark":     "a\ufeffb",
				"3,000 characters":      strings.Repeat("a", 3000),
				"3,000 wide characters": strings.Repeat("\U0001f600", 3000),
				"a number":              7,
				"a flag":                false,
				"a list":                []string{"a"},
				"an object":             map[string]string{"a": "b"},
			} {
				_, isText := value.(string)
				exempt := isText && slices.Contains(verbatim, e.route+" "+path)
				if exempt && name != "a null character" {
					continue // a password is hashed: one of these has to do
				}
				r := request{good.method, good.path, set(t, good.body, path, value)}
				a := s.send(t, r, o["token"], "X-Organization-Id", o["org"])
				named := strings.Contains(a.body, fmt.Sprintf(`{%q:[`, path)) || !strings.HasPrefix(good.path, "/api/")
				if !exempt && (a.status != 400 || !named) {
					t.Errorf("%s, %s with %s: %d %s", e.route, path, name, a.status, a.body)
				}
			}
		}
	}
	if after := s.state(t, o); after != before {
		t.Errorf("refused requests changed\n%s\nto\n%s", before, after)
	}
}

// texts lists the paths of the members of a body that are texts.
func texts(t *testing.T, body string) (paths []string) {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	var walk func(prefix string, members map[string]any)
	walk = func(prefix string, members map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(members)) {
			switch v := members[name].(type) {
			case string:
				paths = append(paths, prefix+name)
			case map[string]any:
				walk(prefix+name+".", v)
			}
		}
	}
	walk("", members)
	return paths
}

// set is the body with another value for the member at the path.
func set(t *testing.T, body, path string, value any) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		t.Fatal(err)
	}
	names := strings.Split(path, ".")
	inner := members
	for _, name := range names[:len(names)-1] {
		inner = inner[name].(map[string]any)
	}
	inner[names[len(names)-1]] = value
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
