package lambdahttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// used is of an event what the service uses, as encoding/json reads it.
func used(t *testing.T, payload []byte) (e events.APIGatewayProxyRequest) {
	t.Helper()
	var u struct {
		Resource, HTTPMethod, Body                         string
		MultiValueHeaders, MultiValueQueryStringParameters map[string][]string
		PathParameters                                     map[string]string
		IsBase64Encoded                                    bool
		RequestContext                                     struct {
			RequestID, DomainName string
			Identity              struct{ SourceIP string }
			Authorizer            map[string]any
		}
	}
	if err := json.Unmarshal(payload, &u); err != nil {
		t.Fatal(err)
	}
	e.Resource, e.HTTPMethod, e.Body, e.IsBase64Encoded = u.Resource, u.HTTPMethod, u.Body, u.IsBase64Encoded
	e.MultiValueHeaders, e.MultiValueQueryStringParameters, e.PathParameters = u.MultiValueHeaders, u.MultiValueQueryStringParameters, u.PathParameters
	e.RequestContext.RequestID, e.RequestContext.DomainName = u.RequestContext.RequestID, u.RequestContext.DomainName
	e.RequestContext.Identity.SourceIP, e.RequestContext.Authorizer = u.RequestContext.Identity.SourceIP, u.RequestContext.Authorizer
	maps.DeleteFunc(e.RequestContext.Authorizer, func(_ string, value any) bool { _, text := value.(string); return !text })
	return e
}

// same compares events; there is no difference between nothing and none.
func same(a, b events.APIGatewayProxyRequest) bool {
	for _, e := range []*events.APIGatewayProxyRequest{&a, &b} {
		for _, m := range []any{&e.MultiValueHeaders, &e.MultiValueQueryStringParameters, &e.PathParameters, &e.RequestContext.Authorizer} {
			if v := reflect.ValueOf(m).Elem(); v.Len() == 0 {
				v.SetZero()
			}
		}
		for _, lists := range []map[string][]string{e.MultiValueHeaders, e.MultiValueQueryStringParameters} {
			for name, list := range lists {
				lists[name] = slices.Clip(append([]string{}, list...))
			}
		}
	}
	return reflect.DeepEqual(a, b)
}

// Every event of events/ is read as encoding/json reads it.
func TestDecode(t *testing.T) {
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d events, error %v", len(files), err)
	}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(payload, []byte(`"resource"`)) { // not the gateway's
			continue
		}
		got, err := decode(payload)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		} else if want := used(t, payload); !same(*got, want) {
			t.Errorf("%s: %+v\nwant %+v", file, *got, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	const good = `{"resource":"/x","httpMethod":"GET","path":null,"isBase64Encoded":false,"requestContext":{"authorizer":{"n":[1,{"a":-2e3}]}}}`
	if _, err := decode([]byte(good)); err != nil {
		t.Fatal(err)
	}
	change := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for name, event := range map[string]string{
		"nothing":                     "",
		"null":                        "null",
		"a list":                      "[]",
		"a text":                      `"x"`,
		"no resource":                 change(`"resource":"/x",`, ""),
		"no method":                   change(`"GET"`, "null"),
		"cut off":                     good[:len(good)-1],
		"cut off in a text":           good[:20],
		"cut off after an escape":     `{"resource":"\`,
		"something after it":          good + "x",
		"a NUL after it":              good + "\x00",
		"a NUL in it":                 change(":null", ":\x00null"),
		"a comma too many":            change("null,", "null,,"),
		"a comma at the end":          change("}]}}}", "}]}},}"),
		"no comma":                    change(`null,`, "null "),
		"no colon":                    change(`"path":`, `"path" `),
		"a name that is no text":      change(`"path"`, `path`),
		"a number as the resource":    change(`"/x"`, `7`),
		"a list as the resource":      change(`"/x"`, `["/x"]`),
		"a text as the context":       change(`{"authorizer":{"n":[1,{"a":-2e3}]}}`, `"x"`),
		"a text as a flag":            change(`false`, `"false"`),
		"a number as a flag":          change(`false`, `0`),
		"a number that is none":       change("-2e3", "-2e"),
		"a word that is none":         change("null", "nil"),
		"a bracket that does not fit": change("]", "}"),
		"not UTF-8":                   change(`"/x"`, "\"/\xff\""),
		"a line end in a text":        change(`"/x"`, "\"/\n\""),
		"an escape that is none":      change(`"/x"`, `"\x"`),
		"nested deep":                 change(`[1,{"a":-2e3}]`, strings.Repeat("[", 1<<20)),
	} {
		if e, err := decode([]byte(event)); !errors.Is(err, errEvent) {
			t.Errorf("%s: %+v, error %v", name, e, err)
		}
	}
}

// FuzzDecode: what decode takes is JSON, and says the same to encoding/json.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"resource":"/x","httpMethod":"GET","body":"\"\u00e4\ud83d\ude00","multiValueHeaders":{"A":["1","2"],"B":[]}}`))
	f.Add([]byte(` {"requestContext" : {"identity":{"sourceIp":"::1"},"authorizer":{"a":"b","c":1}} ,"httpMethod":"PUT","resource":"/"} `))
	f.Add([]byte(`{"resource":"/x","httpMethod":"GET","isBase64Encoded":true,"pathParameters":{"n":null},"x":[[],{},[1.5e+3]]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := decode(payload)
		if err != nil {
			return
		}
		if !json.Valid(payload) {
			t.Fatalf("%q was taken, and is no JSON", payload)
		}
		if !plain(payload) {
			return
		}
		if want := used(t, payload); !same(*got, want) {
			t.Errorf("%+v, want %+v", *got, want)
		}
	})
}

// plain reports whether encoding/json has no ways of its own with an event: it
// merges members that come twice, and takes them in any case.
func plain(payload []byte) bool {
	seen := map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if text, ok := token.(string); ok {
			if folded := strings.ToLower(text); seen[folded] {
				return false
			}
			seen[strings.ToLower(text)] = true
		}
	}
}
