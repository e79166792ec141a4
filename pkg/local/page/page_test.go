package page_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"charter/pkg/local"
	"charter/pkg/local/page"
	"charter/pkg/local/watch"
)

// hostile is a name that people may choose.
const hostile = `<script>alert(1)</script>"'&{{.}}<b>`

// laptop is a service in memory with one organization, whose admin has signed in.
type laptop struct {
	*testing.T
	*local.Service
	token string
}

func start(t *testing.T) *laptop {
	t.Helper()
	slog.SetDefault(slog.New(watch.Logs(slog.NewJSONHandler(io.Discard, nil))))
	s, err := local.Start(local.Options{Template: "../../../template.yaml", Data: t.TempDir(), InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	l := &laptop{T: t, Service: s}
	l.call("POST", "/api/organizations", fmt.Sprintf(`{"Organization":{"Name":%q},"User":{"FirstName":%q,"LastName":"Doe",`+
		`"Email":"john@acme.example","Password":"Password1234!"}}`, "Acme "+hostile, hostile), 201)
	var answer struct{ AccessToken string }
	signedIn := l.call("POST", "/api/auth/login", `{"Email":"john@acme.example","Password":"Password1234!"}`, 200)
	if err := json.Unmarshal([]byte(signedIn), &answer); err != nil {
		t.Fatal(err)
	}
	l.token = answer.AccessToken
	return l
}

func (l *laptop) call(method, path, body string, status int) string {
	l.Helper()
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if l.token != "" {
		r.Header.Set("Authorization", "Bearer "+l.token)
	}
	return send(l.T, l, r, status).Body.String()
}

// view is a page as a browser without a script gets it.
func (l *laptop) view(path string) string {
	l.Helper()
	return view(l.T, l, path)
}

var (
	inline   = regexp.MustCompile(`(?i)<script>|<script [^>]*>[^<]|<style|\sstyle=|\son\w+=`)
	outside  = regexp.MustCompile(`(?i)(?:src|action)="(?:https?:)?//|<link[^>]+href="(?:https?:)?//`)
	landmark = regexp.MustCompile(`(?s)<html lang="en">.*<title>[^<]+</title>.*<a class="skip" href="#main">.*<header.*` +
		`<nav aria-label=.*<main id="main".*<h1`)
)

func view(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	r := httptest.NewRequest("GET", "http://localhost"+path, nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	return whole(t, send(t, h, r, http.StatusOK))
}

// whole is the text of a page that keeps its own policy.
func whole(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	text := w.Body.String()
	if w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !landmark.MatchString(text) {
		t.Errorf("%s, which is no page: %.300s", w.Header().Get("Content-Type"), text)
	}
	if m := inline.FindString(text) + outside.FindString(text); m != "" {
		t.Errorf("the page breaks its own policy: %s", m)
	}
	if strings.Contains(text, hostile) {
		t.Error("the page holds markup that came as a name")
	}
	return text
}

func send(t *testing.T, h http.Handler, r *http.Request, status int) *httptest.ResponseRecorder {
	t.Helper()
	r.RemoteAddr = "127.0.0.1:1234"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != status {
		t.Fatalf("%s %s: %d, want %d: %.500s", r.Method, r.URL, w.Code, status, w.Body)
	}
	return w
}

func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, p := range parts {
		_, after, found := strings.Cut(rest, p)
		if !found {
			t.Errorf("the page has no %s here:\n%.1500s", p, rest)
			return
		}
		rest = after
	}
}

func plain(text string) string {
	return strings.Join(strings.Fields(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, " "))), " ")
}

// Who was led here under another name sees nothing, whatever the page.
// Tried with the control that it must catch: a guard that let every Host pass.
func TestGuard(t *testing.T) {
	l := start(t)
	for path := range strings.FieldsSeq("/_local/ /_local/mail /_local/dead-letters /_local/openapi.yaml /_local/table /_local/assets/page.css /_local/x") {
		for host, status := range map[string]int{
			"evil.example": 421, "evil.example:3000": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "192.168.1.7": 421, "": 421,
			"localhost": 200, "charter.localhost:3000": 200, "notlocalhost": 421, "LOCALHOST:3000": 200, "127.0.0.1:3000": 200, "[::1]:3000": 200,
		} {
			if status == 200 && path == "/_local/x" {
				status = 404
			}
			r := httptest.NewRequest("GET", "http://localhost"+path, nil)
			r.Host = host
			if w := send(t, l, r, status); status == 200 && (w.Header().Get("X-Content-Type-Options") != "nosniff" ||
				!strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self';")) {
				t.Errorf("%s has the headers %v", path, w.Header())
			}
		}
	}
}

// A try is a form of this page alone.
// Tried with the control that it must catch: a page without CrossOriginProtection.
func TestOnlyOurForms(t *testing.T) {
	l := start(t)
	for _, c := range []struct {
		name, value string
		status      int
	}{
		{"Origin", "http://evil.example", 403}, {"Origin", "null", 403}, {"Origin", "http://localhost", 200},
		{"Sec-Fetch-Site", "cross-site", 403}, {"Sec-Fetch-Site", "same-site", 403}, {"Sec-Fetch-Site", "same-origin", 200},
	} {
		r := httptest.NewRequest("POST", "http://localhost/_local/api/getKeys", nil)
		r.Header.Set(c.name, c.value)
		send(t, l, r, c.status)
	}
}

func TestAssets(t *testing.T) {
	l := start(t)
	text := l.view("/_local/")
	for _, m := range regexp.MustCompile(`(?:src|href)="(/_local/assets/[^"]+)"`).FindAllStringSubmatch(text, -1) {
		w := send(t, l, httptest.NewRequest("GET", "http://localhost"+m[1], nil), 200)
		if w.Body.Len() == 0 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %d bytes, %v", m[1], w.Body.Len(), w.Header())
		}
	}
	send(t, l, httptest.NewRequest("GET", "http://localhost/_local/assets/page.go", nil), 404)
}

// Programs get JSON where people get a page.
func TestDataForPrograms(t *testing.T) {
	l := start(t)
	for path, want := range map[string]string{"/_local/mail": "[", "/_local/dead-letters": "[]", "/_local/openapi.yaml": "#"} {
		for _, accept := range []string{"", "*/*", "application/json"} {
			r := httptest.NewRequest("GET", "http://localhost"+path, nil)
			r.Header.Set("Accept", accept)
			if w := send(t, l, r, 200); !strings.HasPrefix(w.Body.String(), want) {
				t.Errorf("%s for %q: %.100s", path, accept, w.Body)
			}
		}
	}
}

// form posts a try and returns the page after it.
func (l *laptop) try(operation string, fields ...string) string {
	l.Helper()
	form := url.Values{}
	for n := 0; n < len(fields); n += 2 {
		form.Set(fields[n], fields[n+1])
	}
	r := httptest.NewRequest("POST", "http://localhost/_local/api/"+operation, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return whole(l.T, send(l.T, l, r, 200))
}

var option = regexp.MustCompile(`<option value="(\d+)"( selected)?>([^<]*)`)

// Tried with the control that it must catch: a curl line with the token written
// out.
func TestTry(t *testing.T) {
	l := start(t)
	text := l.view("/_local/api/getOrganization")
	menu := option.FindAllStringSubmatch(text, -1)
	if len(menu) != 1 || menu[0][2] == "" || !strings.Contains(menu[0][3], "john@acme.example · org_") {
		t.Fatalf("the menu is %q", menu)
	}
	john := menu[0][1]
	text = l.try("getOrganization", "as", john)
	has(t, text, `id="answer"`, ">200</span> OK", "&#34;Name&#34;: &#34;Acme &lt;script&gt;", "/_local/requests/", "to the table", "$TOKEN")
	if strings.Contains(text, l.token) || strings.Contains(text, l.token[len(l.token)-20:]) {
		t.Error("the page holds the token")
	}
	has(t, l.try("getOrganization"), ">401</span> Unauthorized")
	has(t, l.try("getOrganization", "as", "99"), ">401</span> Unauthorized")

	has(t, l.try("createPriceTier", "as", john, "type", "application/json", "body", "{\"Name\":\"Whole\r\nsale\"}"), ">400</span> Bad Request")
	text = l.try("createPriceTier", "as", john, "type", "application/json", "body", `{"Name":"Wholesale","CurrencyCode":"USD"}`,
		"header.Idempotency-Key", "k-1")
	has(t, text, `value="k-1"`, "&#34;Wholesale&#34;", ">200</span> OK", "It has no body",
		"curl -X POST &#39;http://localhost/api/organizations/price-tiers&#39;", "Idempotency-Key: k-1")
	has(t, l.try("putCustomer", "as", john, "body", `{"customerNumber":"C 1/2","companyName":"Globex"}`), ">200</span>")
	has(t, l.try("getCustomer", "as", john, "path.customerNumber", "C 1/2"), ">200</span> OK", "C 1/2", "/api/customers/C%201%2F2")
	has(t, l.try("getCustomer", "as", john, "path.customerNumber", "  "), "Nothing was sent", "customerNumber is a part of the path")
	has(t, l.try("getOrganization", "as", john, "header.X-None", "a"), ">200</span>")
	has(t, l.try("putCustomer", "as", john, "header.Idempotency-Key", "a\nb", "body", "{}"), "Nothing was sent", "line break")
	has(t, l.try("listAssociations", "as", john, "query", "?filters[0].field=Nonsense"), ">400</span>")
	has(t, l.try("listAssociations", "as", john, "query.sortOn", "CustomerNumber", "query", "%zz"), "Nothing was sent")

	has(t, l.try("listAssociations", "as", john, "query.filters", `[{"field":"UserId","operator":"equals","value":"a"}]`), ">200</span>")

	// Whoever signs in by a try is in the menu at once.
	l.call("POST", "/api/organizations", `{"Organization":{"Name":"Second"},`+
		`"User":{"FirstName":"J","LastName":"D","Email":"jane@second.example","Password":"Password1234!"}}`, 201)
	text = l.try("login", "body", `{"Email":"jane@second.example","Password":"Password1234!"}`)
	if menu := option.FindAllStringSubmatch(text, -1); len(menu) != 2 || !strings.Contains(menu[0][3], "jane@second.example") {
		t.Errorf("the menu is %q", menu)
	}
}

// The caller's own ids take the place of examples.
func TestOwnIDs(t *testing.T) {
	l := start(t)
	text := l.view("/_local/api/getPlatformOrganization")
	own := regexp.MustCompile(`name="path.id" value="(org_[0-9a-z]{26})"`).FindStringSubmatch(text)
	if own == nil {
		t.Fatalf("the form suggests no organization: %s", plain(text))
	}
	has(t, l.try("getPlatformOrganization", "as", option.FindStringSubmatch(text)[1], "path.id", own[1], "header.X-Organization-Id", own[1]), ">200</span>")
}

// A token is in the menu until it ends, and in no other form than by its number.
func TestPeople(t *testing.T) {
	now := time.Unix(1000, 0)
	p := &page.People{Now: func() time.Time { return now }}
	encode := func(claims string) string { return "h." + strings.TrimRight(base64URL(claims), "=") + ".signature" }
	body := ""
	h := p.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }))
	show := page.New(page.Options{Document: []byte("openapi: 3.1.0\npaths: {/x: {get: {operationId: x}}}"), People: p}, nil)
	for n, c := range []struct {
		method, path, body string
		want               []string
	}{
		{"POST", "/api/auth/login", encode(`{"sub":"kp_1","email":"a@b.example","OrgCode":"org_1","role":"Admin","exp":2000}`),
			[]string{"a@b.example · org_1, Admin"}},
		{"POST", "/api/auth/login", encode(`{"sub":"client:c1","OrgCode":"org_1","exp":1500}`),
			[]string{"client:c1 · org_1", "a@b.example · org_1, Admin"}},
		{"POST", "/api/auth/access", encode(`{"sub":"kp_1","email":"a@b.example","OrgCode":"org_1","CustomerNumber":"C-1",` +
			`"act":{"sub":"kp_2"},"exp":3000}`),
			[]string{"a@b.example · org_1, C-1, asked for by kp_2", "client:c1 · org_1", "a@b.example · org_1, Admin"}},
		{"POST", "/api/auth/login", encode(`{"sub":"kp_1","email":"a@b.example","OrgCode":"org_1","role":"Admin","exp":2001}`),
			[]string{"a@b.example · org_1, Admin", "a@b.example · org_1, C-1, asked for by kp_2", "client:c1 · org_1"}},
		{"GET", "/api/auth/login", encode(`{"sub":"kp_9","exp":2000}`), nil},
		{"POST", "/api/else", encode(`{"sub":"kp_9","exp":2000}`), nil},
		{"POST", "/api/auth/login", "nonsense", nil},
		{"POST", "/api/auth/login", "a.!.c", nil},
		{"POST", "/api/auth/login", "a." + base64URL("[]") + ".c", nil},
	} {
		body = `{"AccessToken":"` + c.body + `"}`
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(c.method, c.path, nil))
		var got []string
		for _, o := range option.FindAllStringSubmatch(view(t, show, "/_local/api/x"), -1) {
			got = append(got, o[3][:strings.LastIndex(o[3], " · ")])
		}
		if c.want != nil && strings.Join(got, "; ") != strings.Join(c.want, "; ") || len(got) > 3 {
			t.Errorf("%d: the menu is %q, want %q", n, got, c.want)
		}
	}
	now = time.Unix(2001, 0)
	if got := option.FindAllString(view(t, show, "/_local/api/x"), -1); len(got) != 1 {
		t.Errorf("at their end the menu is %q", got)
	}
}

// Every view is there for a document that is none.
func TestNoDocument(t *testing.T) {
	for _, text := range []string{"", "openapi: 3.0.0", "{", "- a"} {
		h := page.New(page.Options{Document: []byte(text), People: &page.People{Now: time.Now}}, nil)
		r := httptest.NewRequest("GET", "http://localhost/_local/", nil)
		if got := whole(t, send(t, h, r, 500)); !strings.Contains(got, "OpenAPI") {
			t.Errorf("for %q: %s", text, plain(got))
		}
		send(t, h, httptest.NewRequest("GET", "http://localhost/_local/api/x", nil), 404)
	}
}

// A document that uses what OpenAPI 3.1 has is shown with all of it.
func TestDocument(t *testing.T) {
	document, err := os.ReadFile("testdata/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h := page.New(page.Options{Document: document, People: &page.People{Now: time.Now}}, nil)
	has(t, view(t, h, "/_local/"), "<h1>Shelf", "1.2.3", "<strong>shelves</strong>", `<a href="https://example.com/rules"`,
		"<li>first <code>point</code></li><li>second point</li>",
		"What stands there.", "/_local/api/listBooks", "List the books", "/_local/api/addBook", "public", "/_local/api/removeBook", "deprecated",
		"<h2>Other</h2>", "/_local/api/PUT-shelves-name", "public")
	for path, want := range map[string]string{
		"listBooks": "tag query array of string One of them. where query array of object Person " +
			"each: no other fields Name string default \"Jane\" " +
			"limit query integer 1 to 200 default 25 X-Trace header string format uuid For the log. " +
			"Answers 200 OK All of them. Headers X-Count header integer required How many. application/json array of object Book " +
			"Title string required 1 to 100 characters On its cover. Pages integer or null at least 1 Binding any one of \"paper\", \"cloth\" " +
			"Shelfmark string pattern ^[A-Z]{2}-[0-9]{1,4}(-[a-z]{1,3})?(/[0-9]+)?$ Author object or string " +
			"One of object Person no other fields Name string default \"Jane\" string format email " +
			"Id string required in answers only Next object a Book again On its right.",
		"addBook":          "Body required The book to add. application/json object NewBook Title string required 1 to 100 characters On its cover.",
		"removeBook":       "id path string required Its id. If-Match header string required",
		"PUT-shelves-name": "Answers 204 No Content Named.",
	} {
		if text := plain(view(t, h, "/_local/api/"+path)); !strings.Contains(text, want) {
			t.Errorf("%s says\n%s\nnot\n%s", path, text, want)
		}
	}
	has(t, view(t, h, "/_local/api/addBook"), "Anybody may call it", "{\n  &#34;Title&#34;: &#34;Emma&#34;,\n  &#34;Pages&#34;: 474\n}",
		"?example=usual", "The usual one", "?example=odd")
	has(t, view(t, h, "/_local/api/addBook?example=odd"), `&lt;script&gt;`, `&#34;Pages&#34;: null`)
	has(t, view(t, h, "/_local/api/removeBook"), "bearer or basic and key", `name="path.id" value="book_1" required`,
		`name="header.If-Match" value="&#34;1&#34;" required`)
	has(t, view(t, h, "/_local/api/listBooks"), "a Book again", "&#34;Title&#34;: &#34;&#34;")
	has(t, view(t, h, "/_local/api/addBook"), "application/problem&#43;json", "errors", "any other name", "array of string")
}

// All that the real document has can be opened, and every operation be tried.
func TestRealDocument(t *testing.T) {
	l := start(t)
	links := regexp.MustCompile(`/_local/api/\w+`).FindAllString(l.view("/_local/"), -1)
	if len(links) < 35 {
		t.Errorf("the reference has %d operations", len(links))
	}
	for _, link := range links {
		text := l.view(link)
		has(t, text, "Try it", "<button type=\"submit\">", "Answers")
		for _, m := range regexp.MustCompile(`<(?:input|select|textarea) id="([^"]+)"`).FindAllStringSubmatch(text, -1) {
			if !strings.Contains(text, `<label for="`+m[1]+`">`) {
				t.Errorf("%s: %s has no label", link, m[1])
			}
		}
	}
}
