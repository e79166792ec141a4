package conversation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"charter/pkg/local/conversation"
)

// What a test of coverage reads.
func TestExchanges(t *testing.T) {
	c, err := conversation.ParseFile("testdata/members.txt")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range c.Exchanges {
		got = append(got, fmt.Sprintf("%d %s %s %d", e.Line, e.Method, e.Path, e.Status))
	}
	want := []string{
		"4 GET /members 200", "13 POST /members 201", "29 POST /members 201", "45 GET /members/<ann> 200",
		"50 POST /members 409", "57 DELETE /members/<ann> 204", "61 GET /members/<ann> 404", "68 POST /echo 200",
		"77 POST /echo 200", "86 POST /echo 200", "100 GET /news 200", "105 HEAD /news 200",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct{ source, want string }{
		"nothing":          {"", "talk.txt: nothing is said"},
		"comments alone":   {"# hello\n\n", "talk.txt: nothing is said"},
		"no request":       {"\nhello\n", `talk.txt:2: not a request, such as GET /path: "hello"`},
		"no path":          {"GET\n", `talk.txt:1: not a request, such as GET /path: "GET"`},
		"a path of spaces": {"GET /a b\n", `talk.txt:1: not a request, such as GET /path: "GET /a b"`},
		"a full URL":       {"GET http://x/\n", `talk.txt:1: not a request, such as GET /path: "GET http://x/"`},
		"small letters":    {"get /x\n", `talk.txt:1: not a request, such as GET /path: "get /x"`},
		"an answer first":  {"200\n{}\n", `talk.txt:1: not a request, such as GET /path: "200"`},
		"two answers":      {"GET /x\n\n200\n\n404\n", `talk.txt:5: not a request, such as GET /path: "404"`},
		"no answer":        {"GET /x\n\n# hm\n", "talk.txt:4: not a status, such as 200: the end"},
		"two requests":     {"GET /x\n\nGET /y\n\n200\n", `talk.txt:3: not a status, such as 200: "GET /y"`},
		"a blank line in a body": {"POST /x\n{\n\n}\n\n200\n",
			`talk.txt:4: not a status, such as 200: "}"`},
		"a status in words": {"GET /x\n\n200 OK\n", `talk.txt:3: not a status, such as 200: "200 OK"`},
		"a status of 600":   {"GET /x\n\n600\n", `talk.txt:3: not a status, such as 200: "600"`},
		"no blank line between": {"GET /x\n\n200\n{}\nGET /y\n\n200\n",
			`talk.txt:5: more after the value: "GET /y"`},

		"wait for nothing": {"wait 1s", "talk.txt:1: no request after wait"},
		"wait, how long": {"wait long\nGET /x\n\n200\n",
			`talk.txt:1: not a time to wait, such as 5s, of at most 1m0s: "long"`},
		"wait, backwards": {"wait -1s\nGET /x\n\n200\n",
			`talk.txt:1: not a time to wait, such as 5s, of at most 1m0s: "-1s"`},
		"wait, too long": {"wait 61s\nGET /x\n\n200\n",
			`talk.txt:1: not a time to wait, such as 5s, of at most 1m0s: "61s"`},
		"wait, not at once": {"wait 1s\n\nGET /x\n\n200\n", `talk.txt:2: not a request, such as GET /path: ""`},

		"a pattern in a path": {"GET /<a: b>\n", "talk.txt:1: not a request, such as GET /path: \"GET /<a: b>\""},
		"any in a path": {"GET /<*>\n\n200\n",
			"talk.txt:1: <*> in a request: only an answer can match; a plain < is <lt>"},
		"a pattern in a header": {"GET /x\nX-A: 1\nX-B: <a: b>\n\n200\n",
			"talk.txt:3: <a: b> in a request: only an answer can match; a plain < is <lt>"},
		"any in a body": {"POST /x\n{\"a\":\n\"<*>\"}\n\n200\n",
			"talk.txt:2: <*> in a request: only an answer can match; a plain < is <lt>"},
		"a bad pattern, header": {"GET /x\n\n200\nX-A: <a: [>\n",
			"talk.txt:4: <a: [>: error parsing regexp: missing closing ]: `[`"},
		"a bad pattern, text": {"GET /x\n\n200\nhi <a: (>\n",
			"talk.txt:4: <a: (>: error parsing regexp: missing closing ): `(`"},
		"a bad pattern, JSON": {"GET /x\n\n200\n{\n\"a\":\"<a: *>\"}\n",
			"talk.txt:5: <a: *>: error parsing regexp: missing argument to repetition operator: `*`"},
		"a bad pattern, bare": {"GET /x\n\n200\n{\n\"a\":<a: *>}\n",
			"talk.txt:5: <a: *>: error parsing regexp: missing argument to repetition operator: `*`"},
		"a name twice in one": {"GET /x\n\n200\n[\"<a: b> <a: c>\"]\n",
			"talk.txt:4: a is captured twice in one text"},
		"an empty pattern": {"GET /x\n\n200\n[\"<a:>\"]\n",
			"talk.txt:4: <a:> matches nothing: its expression is empty"},
		"absent in the middle": {"GET /x\n\n200\nX-A: a<absent>\n",
			"talk.txt:4: <absent> cannot stand here: the name is taken"},
		"lt as a capture": {"GET /x\n\n200\n[\"<lt: a>\"]\n",
			"talk.txt:4: <lt: a> cannot stand here: the name is taken"},

		"JSON, no end":        {"GET /x\n\n200\n{\"a\":\n1\n", `talk.txt:5: neither a comma nor '}': ""`},
		"JSON, no colon":      {"GET /x\n\n200\n{\n\"a\" 1}\n", `talk.txt:5: no colon after a member's name: "1}"`},
		"JSON, no name":       {"GET /x\n\n200\n{a:1}\n", `talk.txt:4: not a member's name: "a:1}"`},
		"JSON, comma":         {"GET /x\n\n200\n[1,]\n", `talk.txt:4: not a JSON value: "]"`},
		"JSON, comma, object": {"GET /x\n\n200\n{\"a\":1,}\n", `talk.txt:4: not a member's name: "}"`},
		"JSON, no comma":      {"GET /x\n\n200\n[1 2]\n", `talk.txt:4: neither a comma nor ']': "2]"`},
		"JSON, a bad word":    {"GET /x\n\n200\n[1,\n\n200", `talk.txt:4: not a JSON value: ""`},
		"JSON, a bad number":  {"GET /x\n\n200\n[01]\n", `talk.txt:4: not a JSON value: "01]"`},
		"JSON, a bad escape":  {"GET /x\n\n200\n[\"\\d\"]\n", `talk.txt:4: not a JSON string: "\\d"`},
		"JSON, open string":   {"GET /x\n\n200\n[\"a]\n", "talk.txt:4: a string without an end"},
		"JSON, open escape":   {"GET /x\n\n200\n[\"a\\\n", "talk.txt:4: a string without an end"},
		"JSON, two values":    {"GET /x\n\n200\n{}\n{}\n", `talk.txt:5: more after the value: "{}"`},
		"JSON, no value":      {"GET /x\n\n200\n[<1>]\n", `talk.txt:4: not a placeholder: "<1>]"`},

		"raw, no quotes": {"POST /x\nraw hello\n\n200\n",
			`talk.txt:2: not a raw line, such as raw "\xff": "raw hello"`},
		"raw, then text": {"POST /x\nraw \"a\"\nhello\n\n200\n",
			`talk.txt:3: not a raw line, such as raw "\xff": "hello"`},
		"raw, no number": {"POST /x\nraw \"a\" * x\n\n200\n",
			`talk.txt:2: not a number of times, such as raw "x" * 3: "raw \"a\" * x"`},
		"raw, too many": {"POST /x\nraw \"a\" * 10000000\n\n200\n",
			`talk.txt:2: not a number of times, such as raw "x" * 3: "raw \"a\" * 10000000"`},
		"raw, none": {"POST /x\nraw \"a\" * 0\n\n200\n",
			`talk.txt:2: not a number of times, such as raw "x" * 3: "raw \"a\" * 0"`},
		"raw, in the answer": {"GET /x\n\n200\nraw \"a\"\nraw a\n",
			`talk.txt:5: not a raw line, such as raw "\xff": "raw a"`},
		"after good ones too": {"GET /x\n\n200\n\nGET /y\n\nhello\n",
			`talk.txt:7: not a status, such as 200: "hello"`},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := conversation.Parse("talk.txt", test.source)
			if err == nil {
				t.Fatalf("parsed as %+v", c)
			}
			if err.Error() != test.want {
				t.Errorf("error\n%s\nwant\n%s", err, test.want)
			}
			if len(c.Exchanges) != 0 {
				t.Errorf("%d exchanges came with an error", len(c.Exchanges))
			}
		})
	}
}

func TestParseFileNamesIt(t *testing.T) {
	if _, err := conversation.ParseFile("testdata/none.txt"); err == nil || !strings.Contains(err.Error(), "none.txt") {
		t.Errorf("error %v", err)
	}
}
