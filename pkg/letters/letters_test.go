package letters_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"charter/pkg/fault"
	"charter/pkg/letters"
	"charter/pkg/mail"
)

var update = flag.Bool("update", false, "write the golden files anew")

const token = "Zm9vYmFy-_0123456789ABCDEFGHIJKLMNOPQRSTUVW"

var cases = map[string]mail.Letter{
	"welcome":            {Kind: mail.Welcome, Name: "Ada", Organization: "Analytical Engines"},
	"welcome_with_token": {Kind: mail.Welcome, Name: "Ada", Organization: "Analytical Engines", Token: token},
	"invitation":         {Kind: mail.Invitation, Organization: "Analytical Engines", Token: token},
	"markup": {
		Kind: mail.Invitation, Token: token,
		Name:         `<script>alert("1")</script>`,
		Organization: `</strong><img src=x onerror='alert(1)'> & "Söhne" {{.Link}}`,
	},
	"header": {
		Kind: mail.Invitation, Token: token,
		Name:         "Eve\r\nBcc: all@example.com",
		Organization: "Eve\r\n\r\nBcc: all@example.com\x00\u2028\u2029\u0085\x1b[31m\xff end",
	},
	"encoded_word": {
		Kind: mail.Welcome, Name: "=?utf-8?q?Bob?=",
		Organization: "=?utf-8?b?RXZl?= ==?? =\u200b?utf-8?q?hidden?=",
	},
	"long": {
		Kind: mail.Invitation, Token: token,
		Name:         strings.Repeat("Ā", 5000),
		Organization: strings.Repeat("Wort ", 5000),
	},
	"right_to_left": {
		Kind: mail.Welcome, Name: "דנה",
		Organization: "شركة \u202eمثال\u202c \u2067للتجارة\u2069\u200f",
	},
	"nameless": {Kind: mail.Welcome, Name: " \u200b\r\n ", Organization: "\u2066\u2069"},
	"token":    {Kind: mail.Invitation, Organization: "A", Token: `a"><script>&token=b#c d`},
}

func renderer(t *testing.T) *letters.Renderer {
	t.Helper()
	r, err := letters.New("https://app.example.com/join")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRender(t *testing.T) {
	to, err := mail.ParseAddress("ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	r := renderer(t)
	for name, letter := range cases {
		t.Run(name, func(t *testing.T) {
			letter.To = to
			m, err := r.Render(letter)
			if err != nil {
				t.Fatal(err)
			}
			isOneVisibleLine(t, m.Subject)
			golden(t, name, "Subject: "+m.Subject+"\n\n--- text\n"+m.Text+"\n--- html\n"+m.HTML)
		})
	}
}

func isOneVisibleLine(t *testing.T, subject string) {
	t.Helper()
	for _, r := range subject {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			t.Errorf("subject %q holds %U", subject, r)
		}
	}
	if strings.Contains(subject, "=?") || len([]rune(subject)) > 240 {
		t.Errorf("subject %q", subject)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (refresh with -update); got:\n%s", file, got)
	}
}

func TestRenderRefuses(t *testing.T) {
	to, err := mail.ParseAddress("ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	r := renderer(t)
	for name, letter := range map[string]mail.Letter{
		"no kind":      {To: to},
		"unknown kind": {To: to, Kind: "farewell"},
		"no token":     {To: to, Kind: mail.Invitation, Organization: "A"},
		"no address":   {Kind: mail.Welcome, Organization: "A"},
	} {
		if m, err := r.Render(letter); !errors.Is(err, fault.Invalid) || m != (letters.Message{}) {
			t.Errorf("%s: %v, %v; want it to be unsendable", name, m, err)
		}
	}
}

func TestLinkBase(t *testing.T) {
	for _, base := range []string{"https://example.com", "https://example.com/", "http://localhost:3000/invite"} {
		if _, err := letters.New(base); err != nil {
			t.Errorf("New(%q): %v", base, err)
		}
	}
	for _, base := range []string{
		"", "example.com", "/join", "//example.com", "https://", "https://:443", "javascript:alert(1)", "ftp://example.com",
		"https://example.com?a=b", "https://example.com/?", "https://example.com/#/join",
		"https://me:secret@example.com", "https://exa mple.com",
	} {
		if _, err := letters.New(base); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("New(%q): %v; want an error that does not repeat it", base, err)
		}
	}
}
