package local_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"charter/pkg/local/contract"
	"charter/pkg/local/conversation"
	"charter/pkg/openapi"
	"charter/pkg/pricing"
)

const documentFile = "../openapi/openapi.yaml"

var readContract = sync.OnceValues(func() (*contract.Contract, error) { return contract.New(openapi.Document) })

// document is the OpenAPI document, which every service of these tests is held
// against.
func document(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := readContract()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The operations are the routes of the template, and those without security are
// the public ones. Conversations speak to each: TestCoverage sees to that.
func TestOperations(t *testing.T) {
	t.Parallel()
	s := start(t)
	var operations, public, free []string
	for _, o := range document(t).Operations {
		operations = append(operations, o.Route())
		if o.Public {
			free = append(free, o.Route())
		}
	}
	for _, f := range s.Template.Functions {
		for _, r := range f.Routes {
			if r.Public {
				public = append(public, r.String())
			}
		}
	}
	slices.Sort(operations)
	slices.Sort(public)
	slices.Sort(free)
	if !slices.Equal(operations, s.routes()) {
		t.Errorf("openapi.yaml has  %v\ntemplate.yaml has %v", operations, s.routes())
	}
	if !slices.Equal(free, public) {
		t.Errorf("openapi.yaml asks no token for  %v\ntemplate.yaml asks no token for %v", free, public)
	}
}

// The laptop serves the document as it is.
func TestDocumentIsServed(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	start(t).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/_local/openapi.yaml", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/yaml" || !bytes.Equal(w.Body.Bytes(), openapi.Document) {
		t.Errorf("%d %v, %d bytes", w.Code, w.Header(), w.Body.Len())
	}
}

// The currencies that the document lists are those that are taken.
func TestCurrenciesOfTheDocument(t *testing.T) {
	t.Parallel()
	listed := document(t).Enum("Currency")
	var taken []string
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			for c := 'A'; c <= 'Z'; c++ {
				if code, err := pricing.ParseCurrency(string([]rune{a, b, c})); err == nil {
					taken = append(taken, string(code))
				}
			}
		}
	}
	if !slices.Equal(listed, taken) {
		t.Errorf("openapi.yaml lists %v\ntaken are %v", listed, taken)
	}
}

// said is a body that a conversation has said or heard.
type said struct {
	operation contract.Operation
	status    int // 0 for a request
	media     string
	body      string
}

// code is that of an error, "" for none.
func (s said) code() string {
	var b struct{ Code string }
	_ = json.Unmarshal([]byte(s.body), &b) // what is no object has no code
	return b.Code
}

// fits reports whether it may be the example, whose name says where it is from:
// an operation, or a dialect, or the gateway, which may be any operation's; and
// the code of an error that has one.
func (s said) fits(e contract.Example) bool {
	from, rest, _ := strings.Cut(e.Name, ".")
	_, code, _ := strings.Cut(rest, ".")
	switch {
	case s.status != e.Status || s.media != e.Media || s.code() != code || !json.Valid([]byte(s.body)):
		return false
	case from == "gateway":
		return true
	case from == "commerce" || from == "platform":
		return (from == "platform") == strings.HasPrefix(s.operation.Path, "/v1/")
	}
	return s.operation.ID == from
}

// listener keeps what goes through it.
type listener struct {
	http.Handler
	c     *contract.Contract
	heard []said
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	witness(l.Handler, w, r, func(x contract.Exchange) {
		o, _, _ := l.c.Find(r.Method, r.URL.EscapedPath()) // none for a request that the gateway refuses for that
		media := x.Header.Get("Content-Type")
		if strings.HasPrefix(media, "application/json;") {
			media = "application/json" // of functions and of the gateway, which the document has as one
		}
		if x.Status < 300 {
			l.heard = append(l.heard, said{o, 0, "application/json", string(x.Sent)})
		}
		l.heard = append(l.heard, said{o, x.Status, media, string(x.Got)})
	})
}

// varies is what changes from one run to the next: ids, codes, secrets, cursors, keys, tokens, times and how far a
// letter has come.
var varies = regexp.MustCompile(`\b(org|kp|sub|client|inv)_[0-9a-z]{26}\b|\borg_[0-9a-f]{11}\b|"[0-9a-z]{26}"|"[A-Za-z0-9_-]{30,}"|` +
	`"eyJ[\w.-]+"|\d{4}-\d\d-\d\dT[\d:.]+Z|"Attempts":\d,"Status":"(queued|sent)"`)

// same is a body in the form in which two runs of a conversation are compared:
// members by name, and what varies put the same.
func same(t *testing.T, body []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	sorted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return varies.ReplaceAllString(string(sorted), "~")
}

// longest is how long a body may be to be an example before a shorter one.
const longest = 1200

// The examples of the document are what the conversations say and hear, but for
// what varies, and fit their schemas. Every code of an error that a conversation
// meets is named where its answer is described. With -update examples that are
// none are taken anew.
//
// Tried with the controls that it must catch: a word of an example changed, an
// example left out, a code left out of a description.
func TestExamples(t *testing.T) {
	c := document(t)
	heard := listen(t, c)
	examples, err := c.Examples()
	if err != nil {
		t.Fatal(err)
	}
	anew := map[string]string{}
	var names []string
	for _, e := range examples {
		if slices.Contains(names, e.Name) {
			continue
		}
		names = append(names, e.Name)
		var fit []string
		for _, s := range heard {
			if s.fits(e) && (e.Status != 0 || c.CheckExample(e.With(s.body)) == nil) {
				fit = append(fit, s.body)
			}
		}
		if len(fit) == 0 {
			t.Errorf("no conversation has the example %s", e.Name)
			continue
		}
		old, err := json.Marshal(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		is := slices.ContainsFunc(fit, func(body string) bool { return e.Value != nil && same(t, []byte(body)) == same(t, old) })
		switch {
		case is:
			if err := c.CheckExample(e); err != nil {
				t.Errorf("the example %s does not fit its schema: %v", e.Name, err)
			}
		case *update:
			anew[e.Name] = slices.MaxFunc(fit, func(a, b string) int {
				na, nb := len(same(t, []byte(a))), len(same(t, []byte(b)))
				if na > longest || nb > longest {
					return -cmp.Compare(na, nb)
				}
				return cmp.Compare(na, nb)
			})
		default:
			t.Errorf("no conversation says the example %s: %s", e.Name, old)
		}
	}
	for _, s := range heard {
		if code := s.code(); s.operation.ID != "" && s.status >= 400 && code != "" && !strings.Contains(c.Words(s.operation, s.status), code) {
			t.Errorf("%s: the answer %d does not name the code %s", s.operation.ID, s.status, code)
		}
	}
	if *update && !t.Failed() {
		writeExamples(t, names, anew)
	}
}

// listen holds all conversations.
func listen(t *testing.T, c *contract.Contract) []said {
	t.Helper()
	var heard []said
	for _, file := range files(t) {
		s := start(t)
		l := &listener{Handler: s, c: c}
		conversation.Run(t, l, file, s.given)
		heard = append(heard, l.heard...)
	}
	dead := withoutTable(t)
	l := &listener{Handler: dead, c: c}
	conversation.Run(t, l, "testdata/unavailable.txt", dead.given)
	return append(heard, l.heard...)
}

const marker = "  # Below this line go test ./pkg/local -run TestExamples -update writes.\n"

// writeExamples writes the examples of the names, those that are anew and those
// that the document has.
func writeExamples(t *testing.T, names []string, anew map[string]string) {
	t.Helper()
	above, _, ok := strings.Cut(string(openapi.Document), marker)
	if !ok {
		t.Fatalf("%s has no line %q", documentFile, marker)
	}
	var d struct {
		Components struct {
			Examples map[string]yaml.Node
		}
	}
	if err := yaml.Unmarshal(openapi.Document, &d); err != nil {
		t.Fatal(err)
	}
	all := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range names {
		example := d.Components.Examples[name]
		if body, ok := anew[name]; ok {
			var read yaml.Node // JSON is YAML, in flow style
			if err := yaml.Unmarshal([]byte(`{"value":`+body+`}`), &read); err != nil {
				t.Fatal(err)
			}
			example = *read.Content[0]
			block(&example)
		}
		all.Content = append(all.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, &example)
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(map[string]*yaml.Node{"examples": all}); err != nil {
		t.Fatal(err)
	}
	indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(b.String(), "  $1")
	if err := os.WriteFile(documentFile, []byte(above+marker+indented), 0o644); err != nil {
		t.Fatal(err)
	}
}

// block has a value written over lines, texts quoted where they must be.
func block(n *yaml.Node) {
	n.Style = 0
	for _, inner := range n.Content {
		block(inner)
	}
}
