// Package letters renders letters (html/template lives here alone).
//
// A name in a letter is somebody's free text, and so may be hostile, even in a
// row that was written straight into the table: nothing in it can end a header,
// pass for an encoded word, turn the direction of the text around it, or be
// markup.
package letters

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"net/url"
	"strings"
	text "text/template"
	"unicode"

	"charter/pkg/mail"
)

// Message is a letter, written out.
type Message struct {
	Subject string // one line
	Text    string // the same words as the HTML, link included
	HTML    string
}

// Renderer writes letters out. It is safe for concurrent use.
type Renderer struct{ linkBase url.URL }

var errLinkBase = errors.New("letters: the link base must be an http or https URL with a host and no query or fragment")

// New returns a renderer whose links are linkBase and "?token=<token>".
func New(linkBase string) (*Renderer, error) {
	base, err := url.Parse(linkBase)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Hostname() == "" ||
		base.User != nil || strings.ContainsAny(linkBase, "?#") {
		return nil, errLinkBase // without err: it repeats its input
	}
	return &Renderer{*base}, nil
}

// content is what templates see. Names are clean, but not escaped.
type content struct {
	Subject, Name, Organization string
	Link                        string // "" when the letter has none
	Action                      string // what the link is for
}

// A form is how one kind of letter looks.
type form struct {
	subject   string // with one %s for the organization
	action    string // on the link's button
	needsLink bool
	text      *text.Template
	html      *html.Template
}

//go:embed templates
var templates embed.FS

var forms = map[mail.Kind]form{
	mail.Welcome:    parse("welcome", "Welcome to %s", "Choose a password", false),
	mail.Invitation: parse("invitation", "You are invited to join %s", "Accept the invitation", true),
}

func parse(name, subject, action string, needsLink bool) form {
	return form{
		subject:   subject,
		action:    action,
		needsLink: needsLink,
		text:      text.Must(text.ParseFS(templates, "templates/"+name+".txt")),
		html:      html.Must(html.ParseFS(templates, "templates/frame.html", "templates/"+name+".html")),
	}
}

var (
	errUnknownKind = mail.Unsendable("letter of an unknown kind")
	errNoToken     = mail.Unsendable("invitation without a token")
	errNoAddress   = mail.Unsendable("letter without a usable address")
)

// Render writes l out. Its errors are mail.Unsendable: another try ends alike.
func (r *Renderer) Render(l mail.Letter) (Message, error) {
	form, known := forms[l.Kind]
	if !known {
		return Message{}, errUnknownKind
	}
	if form.needsLink && l.Token == "" {
		return Message{}, errNoToken
	}
	if _, err := mail.ParseAddress(l.To.String()); err != nil {
		return Message{}, errNoAddress
	}

	c := content{
		Name:         clean(l.Name),
		Organization: clean(l.Organization),
		Link:         r.link(l.Token),
		Action:       form.action,
	}
	if c.Organization == "" {
		c.Organization = "your organization"
	}
	c.Subject = withoutEncodedWords(fmt.Sprintf(form.subject, c.Organization))

	var plain, rich bytes.Buffer
	if err := errors.Join(form.text.Execute(&plain, c), form.html.ExecuteTemplate(&rich, "frame.html", c)); err != nil {
		return Message{}, err
	}
	return Message{c.Subject, plain.String(), rich.String()}, nil
}

func (r *Renderer) link(token string) string {
	if token == "" {
		return ""
	}
	link := r.linkBase
	link.RawQuery = url.Values{"token": {token}}.Encode()
	return link.String()
}

// maxName is the contract's limit for a name, in code points: a longer one was
// not taken through the front door.
const maxName = 200

// clean makes a name one line of visible text: line and paragraph separators
// and control characters become a space, format characters (bidirectional
// controls, zero-width characters, language tags) vanish.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD"))
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName-1]) + "…"
	}
	return name
}

// withoutEncodedWords breaks what a mail reader would decode (RFC 2047, 2).
func withoutEncodedWords(subject string) string {
	return strings.ReplaceAll(subject, "=?", "= ?")
}
