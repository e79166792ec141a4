package conversation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"charter/pkg/local/conversation"
)

// club is a small service with something of everything.
func club() http.Handler {
	type member struct {
		Id, Name string
		Age      int
	}
	var members []member
	asked := 0
	reply := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(v); err != nil {
			panic(err)
		}
	}
	find := func(r *http.Request) int {
		return slices.IndexFunc(members, func(m member) bool { return m.Id == r.PathValue("id") })
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /members", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]any{"Members": append([]member{}, members...), "Total": len(members)})
	})
	mux.HandleFunc("POST /members", func(w http.ResponseWriter, r *http.Request) {
		var m member
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			reply(w, 400, err.Error())
			return
		}
		sent := r.Header.Get("Content-Type")
		if slices.ContainsFunc(members, func(other member) bool { return m.Name == other.Name }) {
			reply(w, 409, struct{ Error, Sent string }{m.Name + " is a member", sent})
			return
		}
		if len(members) == 0 && r.Header.Get("Authorization") != "Bearer s3cret" {
			reply(w, 401, "who?")
			return
		}
		m.Id = fmt.Sprintf("m-%d", len(members)+1)
		members = append(members, m)
		w.Header().Set("Location", "/members/"+m.Id)
		w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
		reply(w, 201, struct {
			member
			Sent string
		}{m, sent})
	})
	mux.HandleFunc("GET /members/{id}", func(w http.ResponseWriter, r *http.Request) {
		at := find(r)
		if at < 0 {
			http.Error(w, "nobody", 404)
			return
		}
		reply(w, 200, struct {
			member
			Also, X string
		}{members[at], r.FormValue("also"), r.FormValue("x")})
	})
	mux.HandleFunc("DELETE /members/{id}", func(w http.ResponseWriter, r *http.Request) {
		at := find(r)
		members = slices.Delete(members, at, at+1)
		w.WriteHeader(204)
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Host", r.Host)
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		if r.Header.Get("Content-Type") == "application/json" {
			w.Header().Set("Content-Type", "application/octet-stream")
		}
		if _, err := io.Copy(w, r.Body); err != nil {
			panic(err)
		}
	})
	mux.HandleFunc("GET /news", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Host", strings.Split(r.Host, ":")[0])
		if asked++; asked < 3 {
			reply(w, 200, []any{})
			return
		}
		reply(w, 200, []any{"m-1 left", map[string]int{"After": asked}})
	})
	return mux
}

func TestRun(t *testing.T) {
	given := map[string]string{"token": "s3cret"}
	known := conversation.Run(t, club(), "testdata/members.txt", given)
	want := map[string]string{
		"token": "s3cret", "ann": "m-1", "name": `Ann "the first" O'Neill`, "age": "42", "sent": "text/json; v=1",
		"again": "m-1",
	}
	if !maps.Equal(known, want) {
		t.Errorf("known %v, want %v", known, want)
	}
	if len(given) != 1 {
		t.Errorf("the given values were changed: %v", given)
	}
}

func TestRunElsewhere(t *testing.T) {
	server := httptest.NewServer(club())
	defer server.Close()
	at := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	conversation.Run(t, conversation.At(at+"/"), "testdata/members.txt", map[string]string{"token": "s3cret"})
}

// recorder is a test that only notes how it fails.
type recorder struct {
	ctx      context.Context
	failures []string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Fatalf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// fails holds a conversation that must fail, once, and returns how.
func fails(t *testing.T, h http.Handler, source string, given map[string]string) string {
	t.Helper()
	c, err := conversation.Parse("talk.txt", source)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{ctx: t.Context()}
	known := c.Run(r, h, given)
	if len(r.failures) != 1 || known != nil {
		t.Fatalf("failures %q, known %v", r.failures, known)
	}
	return r.failures[0]
}

// says is a service that always gives the same answer.
func says(status int, body string, headers ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Add(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

// What is not exactly as expected fails. Each answer differs in one thing.
func TestDifferences(t *testing.T) {
	for name, test := range map[string]struct {
		answer   string // after "GET /x" and a blank line
		service  http.Handler
		contains []string
	}{
		"status": {"200", says(201, ""), []string{"status 201, expected 200"}},
		"header missing": {"200\nX-A: 1", says(200, ""),
			[]string{`X-A: <absent>, expected "1"`}},
		"header another": {"200\nX-A: 1", says(200, "", "X-A: 11"), []string{`X-A: "11", expected "1"`}},
		"header pattern": {"200\nX-A: <a: [0-9]+>", says(200, "", "X-A: 1b"),
			[]string{`X-A: "1b", expected "<a: [0-9]+>"`}},
		"header there": {"200\nX-A: <absent>", says(200, "", "X-A: 1"),
			[]string{`X-A: "1", expected <absent>`}},
		"header there, empty": {"200\nX-A: <absent>", says(200, "", "X-A: "), []string{`X-A: "", expected <absent>`}},
		"header twice": {"200\nX-A: 1", says(200, "", "X-A: 1", "X-A: 1"),
			[]string{`X-A: "1", "1", expected "1"`}},
		"header once": {"200\nX-A: 1\nX-A: 2", says(200, "", "X-A: 1"), []string{`X-A: "1", expected "1", "2"`}},
		"header order": {"200\nX-A: 1\nX-A: 2", says(200, "", "X-A: 2", "X-A: 1"),
			[]string{`X-A: "2", "1", expected "1", "2"`}},

		"body where none is due": {"200", says(200, "{}"), []string{"body", "+ {}"}},
		"white space where no body is due": {"200", says(200, "\n"),
			[]string{"body", "+ "}},
		"no body":             {"200\n{}", says(200, ""), []string{"body is not JSON", "- {}"}},
		"not JSON":            {"200\n{}", says(200, "{"), []string{"body is not JSON", "- {}", "+ {"}},
		"not UTF-8":           {"200\n\"<*>\"", says(200, "\"\xff\""), []string{"body is not JSON"}},
		"two values":          {"200\n{}", says(200, "{}{}"), []string{"body is not JSON"}},
		"a member more":       {"200\n{\"a\":1}", says(200, `{"a":1,"b":2}`), []string{`+   "b": 2`}},
		"a member less":       {"200\n{\"a\":1,\"b\":2}", says(200, `{"a":1}`), []string{`-   "b": 2`}},
		"a member twice":      {"200\n{\"a\":1}", says(200, `{"a":1,"a":1}`), []string{`+   "a": 1`}},
		"members in order":    {"200\n{\"a\":1,\"b\":2}", says(200, `{"b":2,"a":1}`), []string{`"a": 1`, `"b": 2`}},
		"a name's case":       {"200\n{\"a\":1}", says(200, `{"A":1}`), []string{`-   "a": 1`, `+   "A": 1`}},
		"number as written":   {"200\n{\"a\":1}", says(200, `{"a":1.0}`), []string{`-   "a": 1`, `+   "a": 1.0`}},
		"number and text":     {"200\n{\"a\":1}", says(200, `{"a":"1"}`), []string{`+   "a": "1"`}},
		"null and absent":     {"200\n{\"a\":null}", says(200, `{}`), []string{`-   "a": null`}},
		"null and object":     {"200\n{\"a\":null}", says(200, `{"a":{}}`), []string{`-   "a": null`}},
		"object and array":    {"200\n{}", says(200, `[]`), []string{"- {}", "+ []"}},
		"an element more":     {"200\n[1]", says(200, `[1,2]`), []string{"+   2"}},
		"an element less":     {"200\n[1,2]", says(200, `[1]`), []string{"-   2"}},
		"elements in order":   {"200\n[1,2]", says(200, `[2,1]`), []string{"+", "-"}},
		"white space in text": {"200\n{\"a\":\"b c\"}", says(200, `{"a":"b  c"}`), []string{`+   "a": "b  c"`}},
		"a pattern": {"200\n{\"a\":\"<a: [0-9]+>\"}", says(200, `{"a":"x"}`),
			[]string{`-   "a": "<a: [0-9]+>"`, `+   "a": "x"`}},
		"a pattern in part":   {"200\n{\"a\":\"<a: [0-9]+>\"}", says(200, `{"a":"1x"}`), []string{`+   "a": "1x"`}},
		"a pattern, line end": {"200\n{\"a\":\"<a: .*>\"}", says(200, `{"a":"1\nx"}`), []string{`+   "a": "1\nx"`}},
		"a pattern's own text": {"200\n{\"a\":\"<a: [0-9]+>\"}", says(200, `{"a":"<a: [0-9]+>"}`),
			[]string{"body"}},
		"an escape in a pattern": {"200\n{\"a\":\"<a: \\d\\x22>\"}", says(200, `{"a":"1"}`),
			[]string{`-   "a": "<a: \d\x22>"`}},
		"any text is no number": {"200\n{\"a\":\"<*>\"}", says(200, `{"a":1}`), []string{`+   "a": 1`}},
		"any needs a member":    {"200\n{\"a\":<*>}", says(200, `{}`), []string{`-   "a": <*>`}},
		"a value's pattern": {"200\n{\"a\":<a: [0-9]+>}", says(200, `{"a":"1"}`),
			[]string{`-   "a": <a: [0-9]+>`}},
		"a value given": {"200\n{\"a\":\"<given>\"}", says(200, `{"a":"b"}`),
			[]string{`-   "a": "<given>"`}},
		"a value twice": {"200\n[\"<a: .>\",\"<a>\"]", says(200, `["x","y"]`),
			[]string{`-   "<a>"`, `+   "y"`}},
		"a given regexp": {"200\n{\"a\":\"<dots>\"}", says(200, `{"a":"abc"}`),
			[]string{`-   "a": "<dots>"`}},

		"text":          {"200\nhello", says(200, "hallo"), []string{"- hello", "+ hallo"}},
		"text, empty":   {"200\nhello", says(200, ""), []string{"- hello"}},
		"text, longer":  {"200\nhello", says(200, "hello\n\n"), []string{"\n    + "}},
		"text, pattern": {"200\nhello <n: \\d>", says(200, "hello x"), []string{"- hello <n: \\d>", "+ hello x"}},
		"bytes": {"200\nraw \"a\\n\"", says(200, "a"),
			[]string{`body "a", expected "a\n"`}},
		"JSON as bytes": {"200\nraw `{}`", says(200, "{ }"), []string{`body "{ }", expected "{}"`}},

		"all at once": {"200\nX-A: 1\n{\"a\":1}", says(500, `{"a":2}`),
			[]string{"status 500", "X-A: <absent>", `-   "a": 1`, `+   "a": 2`}},
		"a name nobody gave": {"200\n{\"a\":\"<nobody>\"}", says(200, `{"a":"b"}`), []string{"nothing is called nobody"}},
		"a name nobody gave, in a header": {"200\nX-A: <nobody>", says(200, "", "X-A: 1"),
			[]string{"nothing is called nobody"}},
		"a name nobody gave, in text": {"200\nHello <nobody>", says(200, "Hello"), []string{"nothing is called nobody"}},
		"a name nobody gave, bare":    {"200\n[<nobody>]", says(200, "[1]"), []string{"nothing is called nobody"}},
		"a name nobody gave, as name": {"200\n{\"<nobody>\":1}", says(200, `{"a":1}`), []string{"nothing is called nobody"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := fails(t, test.service, "GET /x\n\n"+test.answer+"\n", map[string]string{"given": "a", "dots": "..."})
			line := "talk.txt:3: GET /x: the answer is not as expected\n"
			if strings.Contains(name, "nobody") {
				line = "talk.txt:1: GET /x: "
			}
			for _, want := range append(test.contains, line) {
				if !strings.Contains(got, want) {
					t.Errorf("failure lacks %q:\n%s", want, got)
				}
			}
		})
	}
}

// A failure is for a person: what is equal stands around what is not, matched
// placeholders show what they matched, and the rest is left out.
func TestFailure(t *testing.T) {
	service := says(200, `{"Id":"org_1","A":1,"B":[1,2,3],"C":{"D":"<b>"},"E":true,"F":2,"G":3,"H":4,"I":null}`, "X-A: 1")
	got := fails(t, service, `
GET /x/<given>

200
X-A: <absent>
{"Id": "<id: org_[0-9]>", "A": 1, "B": [1, <*>, 3], "C": {"D": "a"},
 "E": true, "F": <f: \d>, "G": 3, "H": 4, "I": null}
`, map[string]string{"given": "a"})
	const want = `talk.txt:4: GET /x/<given>: the answer is not as expected
X-A: "1", expected <absent>
body (- expected, + got)
      ...
          3
        ],
        "C": {
    -     "D": "a"
    +     "D": "<b>"
        },
        "E": true,
        "F": 2,
      ...`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFailureOfManyLines(t *testing.T) {
	long := "[" + strings.Repeat(`"`+strings.Repeat("x", 600)+`",`, 5000) + "1]"
	got := fails(t, says(200, long), "GET /x\n\n200\n[2]\n", nil)
	if !strings.Contains(got, "-   2") || !strings.Contains(got, "... (605 bytes)") || len(got) > 2<<20 {
		t.Errorf("%d bytes, which start %.2000s", len(got), got)
	}
}

// The first failure ends a conversation: what follows would fail for it.
func TestEnd(t *testing.T) {
	asked := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked++ })
	fails(t, h, "GET /a\n\n200\n\nGET /b\n\n404\n\nGET /c\n\n200\n", nil)
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestWait(t *testing.T) {
	const talk = "wait 1ms\nGET /x\n\n200\n[1]\n"
	t.Run("in vain", func(t *testing.T) {
		got := fails(t, says(200, "[2]"), talk, nil)
		if !strings.HasPrefix(got, "talk.txt:4: GET /x: after 1ms: the answer is not as expected") ||
			!strings.Contains(got, "+   2") {
			t.Errorf("failure %s", got)
		}
	})
	t.Run("for a test that ends", func(t *testing.T) {
		c, err := conversation.Parse("talk.txt", "wait 1m\nGET /x\n\n200\n[1]\n")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel() })
		r := &recorder{ctx: ctx}
		c.Run(r, h, nil)
		if len(r.failures) != 1 || !strings.Contains(r.failures[0], context.Canceled.Error()) {
			t.Errorf("failures %q", r.failures)
		}
	})
	t.Run("not for a name that nobody gave", func(t *testing.T) {
		got := fails(t, says(200, "[2]"), "wait 1m\nGET /<nobody>\n\n200\n", nil)
		if !strings.Contains(got, "nothing is called nobody") {
			t.Errorf("failure %s", got)
		}
	})
	t.Run("captures of wrong answers are forgotten", func(t *testing.T) {
		var asked []string
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked = append(asked, r.URL.Path); len(asked) == 1 {
				io.WriteString(w, `["first","no"]`)
				return
			}
			io.WriteString(w, `["second","yes"]`)
		})
		c, err := conversation.Parse("talk.txt", "wait 30s\nGET /<a>\n\n200\n[\"<a: .*>\",\"yes\"]\n")
		if err != nil {
			t.Fatal(err)
		}
		if known := c.Run(t, h, map[string]string{"a": "given"}); known["a"] != "second" {
			t.Errorf("known %v", known)
		}
		if !slices.Equal(asked, []string{"/given", "/given"}) {
			t.Errorf("asked %v", asked)
		}
	})
}

// What is sent, to the byte.
func TestRequests(t *testing.T) {
	given := map[string]string{"v": `a/b "c" \ é?&`, "n": `{"m":1}`}
	for name, test := range map[string]struct{ request, target, contentType, body string }{
		"path": {"GET /x/<v>/y", `/x/a%2Fb%20%22c%22%20%5C%20%C3%A9%3F&/y`, "<none>", ""},
		"query": {"GET /x?v=<v>&w=<v>",
			`/x?v=a%2Fb+%22c%22+%5C+%C3%A9%3F%26&w=a%2Fb+%22c%22+%5C+%C3%A9%3F%26`, "<none>", ""},
		"path as it stands": {"GET /a%2Fb/../c//d?x[0]=%00", `/a%2Fb/../c//d?x[0]=%00`, "<none>", ""},
		"in a JSON string":  {`POST /x` + "\n" + `{"a":"<v>"}`, "/x", "application/json", `{"a":"a/b \"c\" \\ é?&"}`},
		"as a JSON value":   {`POST /x` + "\n" + `{"a\"":<n>}`, "/x", "application/json", `{"a\"":{"m":1}}`},
		"lines":             {"POST /x\n{\n  \"a\": 1 \n}", "/x", "application/json", "{\n  \"a\": 1 \n}"},
		"no JSON":           {"POST /x\n{\"a\":", "/x", "application/json", `{"a":`},
		"a plain <":         {"POST /x\n{\"a\":\"<lt>b> < <1>\"}", "/x", "application/json", `{"a":"<b> < <1>"}`},
		"raw":               {"POST /x\nraw \"\\xff<v>\"", "/x", "application/json", "\xff<v>"},
		"raw, many":         {"POST /x\nraw `{\"`\nraw \"ab\" * 3\nraw \"\\n\"", "/x", "application/json", "{\"ababab\n"},
		"another type":      {"POST /x\ncontent-type: text/plain\n{}", "/x", "text/plain", "{}"},
		"two types":         {"POST /x\nContent-Type: a/b\nContent-Type: c/d\n{}", "/x", "a/b, c/d", "{}"},
		"an empty type":     {"POST /x\nContent-Type:\n{}", "/x", "", "{}"},
		"no type":           {"POST /x\nContent-Type: <absent>\n{}", "/x", "<none>", "{}"},
		"type, no body":     {"POST /x\nContent-Type: application/json", "/x", "application/json", ""},
		"Windows' lines":    {"POST /x\r\nContent-Type: a/b\r\n{\r\n}", "/x", "a/b", "{\n}"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := conversation.Parse("talk.txt", test.request+"\n\n200\n")
			if err != nil {
				t.Fatal(err)
			}
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != test.body || r.ContentLength != int64(len(test.body)) {
					t.Errorf("body %q of %d bytes, error %v, want %q", body, r.ContentLength, err, test.body)
				}
				if r.RequestURI != test.target || r.URL.RequestURI() != test.target {
					t.Errorf("target %s and %s, want %s", r.RequestURI, r.URL.RequestURI(), test.target)
				}
				contentType := "<none>"
				if got := r.Header["Content-Type"]; got != nil {
					contentType = strings.Join(got, ", ")
				}
				if contentType != test.contentType {
					t.Errorf("Content-Type %q, want %q", contentType, test.contentType)
				}
			})
			c.Run(t, h, given)
		})
	}
}

func TestRequestThatCannotBe(t *testing.T) {
	for source, want := range map[string]string{
		"\nGET /%zz\n\n200\n":                "talk.txt:2: GET /%zz: parse",
		"GET /<nobody>\n\n200\n":             "talk.txt:1: GET /<nobody>: nothing is called nobody",
		"GET /x\nX-A: <nobody>\n\n200\n":     "talk.txt:1: GET /x: nothing is called nobody",
		"GET /x\n{\"a\":<nobody>}\n\n200\n":  "talk.txt:1: GET /x: nothing is called nobody",
		"GET /x\n\n200\n\nGET /<no>\n\n200 ": "talk.txt:5: GET /<no>: nothing is called no",
	} {
		t.Run(want, func(t *testing.T) {
			if got := fails(t, says(200, ""), strings.TrimSuffix(source, " "), nil); !strings.HasPrefix(got, want) {
				t.Errorf("failure %q, want %q", got, want)
			}
		})
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	r := &recorder{ctx: t.Context()}
	if known := conversation.Run(r, says(200, ""), "testdata/none.txt", nil); known != nil || len(r.failures) != 1 ||
		!strings.Contains(r.failures[0], "testdata/none.txt") {
		t.Errorf("known %v, failures %q", known, r.failures)
	}
}

// A service that is not there is a failure that says so.
func TestNobodyThere(t *testing.T) {
	server := httptest.NewServer(says(200, ""))
	server.Close()
	got := fails(t, conversation.At(server.URL), "GET /x\n\n200\n", nil)
	if !strings.Contains(got, "status 502, expected 200") || !strings.Contains(got, "refused") {
		t.Errorf("failure %s", got)
	}
}
