package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"charter/pkg/fault"
)

func post(contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func TestReadBody(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		want                    error // nil: taken
	}{
		{"an object", "application/json", `{"Name":"Acme"}`, nil},
		{"parameters", "application/json; charset=utf-8", ` {"a":[1,{"b":null}]} ` + "\n", nil},
		{"a pair of surrogates", "application/json", `{"a":"\ud83d\uDE00"}`, nil},
		{"an escaped backslash before u", "application/json", `{"a":"\\ud800"}`, nil},
		{"nested 32 deep", "application/json", `{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`, nil},
		{"65,536 bytes", "application/json", `{"a":"` + strings.Repeat("x", 65536-8) + `"}`, nil},
		{"no type", "", `{}`, fault.NotJSON},
		{"a form", "application/x-www-form-urlencoded", `{}`, fault.NotJSON},
		{"a type like it", "application/jsonx", `{}`, fault.NotJSON},
		{"nothing at all", "", ``, nil},
		{"blank", "application/json", `  `, fault.Invalid},
		{"a list", "application/json", `[]`, fault.Invalid},
		{"a text", "application/json", `"a"`, fault.Invalid},
		{"null", "application/json", `null`, fault.Invalid},
		{"cut off", "application/json", `{"a":`, fault.Invalid},
		{"a comma too many", "application/json", `{"a":1,}`, fault.Invalid},
		{"something after it", "application/json", `{} {}`, fault.Invalid},
		{"rubbish after it", "application/json", `{}x`, fault.Invalid},
		{"a member twice", "application/json", `{"a":1,"a":1}`, fault.Invalid},
		{"a member twice by escapes", "application/json", `{"a":1,"\u0061":1}`, fault.Invalid},
		{"a member twice but for case", "application/json", `{"Name":1,"NAME":1}`, fault.Invalid},
		{"a member twice inside", "application/json", `{"x":[{"a":1,"a":1}]}`, fault.Invalid},
		{"not UTF-8", "application/json", "{\"a\":\"\xff\"}", fault.Invalid},
		{"first half of a pair", "application/json", `{"a":"\ud83d"}`, fault.Invalid},
		{"second half of a pair", "application/json", `{"a":"\ude00"}`, fault.Invalid},
		{"halves in the wrong order", "application/json", `{"a":"\ude00\ud83d"}`, fault.Invalid},
		{"halves apart", "application/json", `{"a":"\ud83dx\ude00"}`, fault.Invalid},
		{"half in a name", "application/json", `{"\ud83d":1}`, fault.Invalid},
		{"nested 33 deep", "application/json", `{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, fault.Invalid},
		{"nested 30,000 deep", "application/json", strings.Repeat(`{"a":`, 10000), fault.Invalid},
		{"65,537 bytes", "application/json", `{"a":"` + strings.Repeat("x", 65537-8) + `"}`, fault.TooLarge},
	} {
		_, err := readBody(post(c.contentType, c.body), true)
		if faults, ok := fault.All(err); !ok || c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v (%v); want %v", c.name, err, faults, c.want)
		}
	}
}

func TestCaseOfNames(t *testing.T) {
	if _, err := decode([]byte(`{"Name":1,"NAME":2}`), false); err != nil {
		t.Errorf("members that differ in case are two members where case counts: %v", err)
	}
}

// What decode takes encoding/json takes, too, and means the same.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":"\ud83d\ude00"}`, `{"a":[{},{"b":[1e9,"x",null,true]}]}`, `{"a":1,"A":2}`, "{\"\xff\":1}", `{"a":"\ud800"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		object, err := decode(raw, false)
		if err != nil {
			if _, ok := fault.All(err); !ok {
				t.Fatalf("an internal error for what a caller sent: %v", err)
			}
			return
		}
		var plain map[string]any
		numbers := json.NewDecoder(bytes.NewReader(raw))
		numbers.UseNumber()
		if err := numbers.Decode(&plain); err != nil || len(plain) != len(object) {
			t.Fatalf("decode took %q; encoding/json says %v, %v", raw, plain, err)
		}
	})
}
