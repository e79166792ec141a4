// Package page is the laptop's page: the API to try, the mailbox, the table, the newest requests.
//
// It is served under /_local/, made of templates, one style sheet and one small
// script that lie in the binary. Everything can be read and tried without the
// script.
//
// Who may look. The page shows letters with links that open accounts, and every
// item of the table: it is for the person at this machine. The command listens
// on the loopback interface alone. A web site that has its own name lead to
// 127.0.0.1 (DNS rebinding) is refused by the name in Host, and one that sends a
// form here from its own pages by http.CrossOriginProtection. The policy in the
// headers lets a page load nothing from elsewhere, and run no script and no style
// but the two files; a letter is shown in a frame that runs nothing at all.
//
// The tokens of people who signed in. Their menu saves pasting: whoever signs in
// with this process, by any client, can be chosen as the caller of a try. The
// tokens stay in the memory of the process, which adds the chosen one to the
// request; pages name people by a number and hold no token but in the answer that
// gave it out, to whoever asked. That is sound on a laptop: the process that keeps
// them is the one that made them, with a signing key that lies in its data folder;
// who can read its memory can make any token. They end within the hour as always,
// are gone with the process, and open nothing but this laptop's data.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"charter/pkg/local/mailbox"
	"charter/pkg/local/watch"
)

// Options is what the page shows.
type Options struct {
	Document    []byte       // OpenAPI 3.1, as YAML or JSON
	API         http.Handler // what is tried
	People      *People
	Mail        *mailbox.Mailbox
	DeadLetters func() []DeadLetter
	Table       *dynamodb.Client // only reads
	TableName   string
	Patterns    string // the source whose comment names the access patterns and the kinds of items
	Requests    *watch.Watch
}

// DeadLetter is a record of the table's stream that was given up.
type DeadLetter struct{ Queue, Function, Sequence, Cause string }

// Page is the handler of everything under /_local/.
type Page struct {
	Options
	handler  http.Handler
	document func() (*document, error)
	patterns []pattern
	kinds    []*kind
}

// New returns the page. More handlers may be given, by path, and are guarded as
// the rest: where a path is that of a view, they answer who does not ask for HTML.
func New(o Options, more map[string]http.HandlerFunc) *Page {
	p := &Page{Options: o, document: sync.OnceValues(func() (*document, error) { return readDocument(o.Document) })}
	p.patterns, p.kinds = readPatterns(o.Patterns)
	mux := http.NewServeMux()
	views := map[string]http.HandlerFunc{
		"/_local/{$}":                p.showReference,
		"/_local/api/{operation}":    p.showOperation,
		"/_local/mail":               p.showMail,
		"/_local/mail/{number}":      p.showMail,
		"/_local/mail/{number}/html": p.showHTML,
		"/_local/dead-letters":       p.showDeadLetters,
		"/_local/table":              p.showTable,
		"/_local/table/items":        p.showItems,
		"/_local/requests":           p.showRequests,
		"/_local/requests/{id}":      p.showRequest,
		"/_local/assets/{file}":      serveAsset,
	}
	for path, other := range more {
		view := views[path]
		views[path] = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Vary", "Accept")
			if view == nil || !wantsHTML(r) {
				other(w, r)
				return
			}
			view(w, r)
		}
	}
	for path, view := range views {
		mux.HandleFunc("GET "+path, view)
	}
	mux.HandleFunc("POST /_local/api/{operation}", p.tryOperation)
	mux.HandleFunc("/_local/", p.notFound)
	p.handler = guard(http.NewCrossOriginProtection().Handler(mux))
	return p
}

func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// wantsHTML tells a browser from a program: browsers name HTML in Accept.
func wantsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// policy is that of every page. Letters have one of their own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard answers only who called this machine by a name of its own, and says what
// browsers may do with the answers.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			http.Error(w, "This page answers to localhost and 127.0.0.1 only.", http.StatusMisdirectedRequest)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// isLoopback is about the Host header. Nobody else can have these names lead
// elsewhere: RFC 6761, section 6.3.
func isLoopback(host string) bool {
	name := strings.ToLower((&url.URL{Host: host}).Hostname())
	ip := net.ParseIP(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || ip != nil && ip.IsLoopback()
}

//go:embed assets
var assets embed.FS

// version is part of the assets' addresses, so that browsers may keep them.
var version = sync.OnceValue(func() string {
	sum := sha256.New()
	_ = fs.WalkDir(assets, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			text, _ := assets.ReadFile(name) // it was found there
			sum.Write(text)
		}
		return err
	})
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:9])
})

var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	text, err := assets.ReadFile("assets/" + r.PathValue("file"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", assetTypes[path.Ext(r.URL.Path)])
	w.Header().Set("Cache-Control", "max-age=31536000, immutable")
	w.Write(text)
}

//go:embed templates
var sources embed.FS

// templates are one for each file, each with the layout around it.
var templates = sync.OnceValue(func() map[string]*template.Template {
	base := template.Must(template.New("").Funcs(functions).
		ParseFS(sources, "templates/layout.html", "templates/parts.html"))
	all := map[string]*template.Template{}
	for name := range strings.FieldsSeq("reference operation mail dead_letters table items requests request trouble") {
		all[name] = template.Must(template.Must(base.Clone()).ParseFS(sources, "templates/"+name+".html"))
	}
	return all
})

// sheet is what a template gets.
type sheet struct {
	Title   string
	Section string // "api", "mail", "table" or "requests": where it is in the navigation
	Version string
	Wide    bool // it has a list beside it
	Data    any
}

// write renders all before it sends any, so that a failure has its own status.
func (p *Page) write(w http.ResponseWriter, status int, name string, s sheet) {
	s.Version = version()
	var b bytes.Buffer
	if err := templates()[name].ExecuteTemplate(&b, "layout.html", s); err != nil {
		http.Error(w, "page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// trouble says what is wrong. Whoever sees it runs the service.
func (p *Page) trouble(w http.ResponseWriter, status int, section, title, text string) {
	p.write(w, status, "trouble", sheet{Title: title, Section: section, Data: text})
}

func (p *Page) notFound(w http.ResponseWriter, _ *http.Request) {
	p.trouble(w, http.StatusNotFound, "", "Not found", "There is no such page.")
}
