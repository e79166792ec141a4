package page

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"charter/pkg/local/direct"
)

func (p *Page) showReference(w http.ResponseWriter, _ *http.Request) {
	d, err := p.document()
	if err != nil {
		p.trouble(w, http.StatusInternalServerError, "api", "No reference", err.Error())
		return
	}
	p.write(w, http.StatusOK, "reference", sheet{Title: d.Title, Section: "api", Data: struct {
		*document
		People []person
	}{d, p.People.all()}})
}

// trial is an operation with its form, and what came of it.
type trial struct {
	*operation
	Groups []group
	People []person
	As     string // the number of who is chosen, "" for nobody
	Origin string
	form   url.Values
	Answer *answered // nil before a try
	Wrong  string    // why nothing was sent
}

// Value is what a field of the form holds.
func (t trial) Value(name string) string { return t.form.Get(name) }

type answered struct {
	Status  int
	Text    string
	Took    time.Duration
	Header  [][2]string
	Body    string
	Curl    string
	Request entry
}

func (p *Page) showOperation(w http.ResponseWriter, r *http.Request) {
	if t, ok := p.trial(w, r); ok {
		t.form = t.suggest(p.People.find(t.As), r.URL.Query().Get("example"))
		p.write(w, http.StatusOK, "operation", sheet{Title: t.Summary, Section: "api", Wide: true, Data: t})
	}
}

// maxForm is more than the largest body that the gateway takes, as a form.
const maxForm = 32 << 20

func (p *Page) tryOperation(w http.ResponseWriter, r *http.Request) {
	t, ok := p.trial(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.trouble(w, http.StatusBadRequest, "api", t.Summary, "The form cannot be read.")
		return
	}
	t.form, t.As = r.PostForm, r.PostForm.Get("as")
	out, err := t.request(r, p.People.find(t.As).token)
	if err == nil {
		t.Answer, err = p.ask(out)
	}
	if err != nil {
		t.Wrong = err.Error()
	}
	t.People = p.People.all() // one more after a sign-in
	p.write(w, http.StatusOK, "operation", sheet{Title: t.Summary, Section: "api", Wide: true, Data: t})
}

// trial finds the operation of a path, and chooses who signed in last.
func (p *Page) trial(w http.ResponseWriter, r *http.Request) (t trial, ok bool) {
	d, err := p.document()
	if err != nil || d.byID[r.PathValue("operation")] == nil {
		p.trouble(w, http.StatusNotFound, "api", "Not found", "The reference has no such operation.")
		return trial{}, false
	}
	t = trial{operation: d.byID[r.PathValue("operation")], Groups: d.Groups, People: p.People.all(),
		Origin: "http://" + r.Host}
	if len(t.People) > 0 && !t.Public {
		t.As = strconv.Itoa(t.People[0].Number)
	}
	return t, true
}

// suggest fills the form with what has to be given: the caller's own organization
// where the id of one is asked for, else examples.
func (o *operation) suggest(as person, chosen string) url.Values {
	form := url.Values{}
	for _, q := range o.Parameters {
		switch {
		case !q.Required:
		case q.Schema != nil && q.Schema.takesOrganization(as.Organization):
			form.Set(q.Field(), as.Organization)
		default:
			form.Set(q.Field(), q.Example)
		}
	}
	if o.Body != nil && len(o.Body.Media) > 0 {
		form.Set("type", o.Body.Media[0].Type)
		for n, e := range o.Body.Media[0].Examples {
			if n == 0 || e.Name == chosen {
				form.Set("body", e.Value)
			}
		}
	}
	return form
}

var errControl = errors.New("a header or a part of the path holds a line break or another control character")

// request is what the form asks for.
func (t trial) request(from *http.Request, token string) (*http.Request, error) {
	path, query, header := t.Path, url.Values{}, http.Header{}
	for _, q := range t.Parameters {
		value := strings.TrimSpace(t.form.Get(q.Field()))
		if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return nil, errControl
		}
		switch {
		case q.In == "path" && value == "":
			return nil, fmt.Errorf("%s is a part of the path and cannot be empty", q.Name)
		case q.In == "path":
			path = strings.ReplaceAll(path, "{"+q.Name+"}", url.PathEscape(value))
		case value == "":
		case q.In == "query" && !q.encoded && q.Schema != nil && strings.HasPrefix(q.Schema.Type, "array"):
			for each := range strings.SplitSeq(value, ",") {
				query.Add(q.Name, strings.TrimSpace(each))
			}
		case q.In == "query":
			query.Set(q.Name, value)
		case q.In == "header":
			header.Set(q.Name, value)
		case q.In == "cookie":
			header.Add("Cookie", (&http.Cookie{Name: q.Name, Value: value}).String())
		}
	}
	if more := strings.TrimPrefix(strings.TrimSpace(t.form.Get("query")), "?"); more != "" {
		given, err := url.ParseQuery(more)
		if err != nil {
			return nil, fmt.Errorf("the further query parameters cannot be read: %w", err)
		}
		maps.Copy(query, given)
	}
	target := t.Origin + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	var content string
	if t.Body != nil {
		content = strings.ReplaceAll(t.form.Get("body"), "\r\n", "\n") // which forms make of a line break
	}
	out, err := http.NewRequestWithContext(from.Context(), t.Method, target, strings.NewReader(content))
	if err != nil {
		return nil, err
	}
	out.Header, out.RemoteAddr = header, from.RemoteAddr
	if content != "" {
		out.Header.Set("Content-Type", cmp.Or(t.form.Get("type"), "application/json"))
	}
	if token != "" {
		out.Header.Set("Authorization", "Bearer "+token)
	}
	return out, nil
}

// ask sends a request the way of all others.
func (p *Page) ask(r *http.Request) (*answered, error) {
	curl, err := curlOf(r)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	got, err := direct.Transport(p.API).RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, err
	}
	a := &answered{Status: got.StatusCode, Text: http.StatusText(got.StatusCode), Took: time.Since(began),
		Body: shown(body), Curl: curl}
	for _, name := range slices.Sorted(maps.Keys(got.Header)) {
		for _, value := range got.Header[name] {
			a.Header = append(a.Header, [2]string{name, value})
		}
	}
	noted, _ := p.Requests.Request(got.Header.Get("X-Amzn-Requestid"))
	a.Request = newEntry(noted)
	return a, nil
}

// shown is a body for people.
func shown(body []byte) string {
	switch {
	case json.Valid(body):
		return indent(body)
	case !utf8.Valid(body):
		return fmt.Sprintf("%d bytes that are no text", len(body))
	}
	return string(body)
}

// curlOf is the request as a command line, with $TOKEN for the token.
func curlOf(r *http.Request) (string, error) {
	line := "curl"
	if r.Method != http.MethodGet {
		line += " -X " + r.Method
	}
	line += " " + inShell(r.URL.String())
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			if name == "Authorization" {
				line += " \\\n  -H \"Authorization: Bearer $TOKEN\""
				continue
			}
			line += " \\\n  -H " + inShell(name+": "+value)
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) > 0 {
		line += " \\\n  --data-binary " + inShell(string(body))
	}
	return line, nil
}

func inShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
