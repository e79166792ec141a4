package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"charter/pkg/local/conversation"
	"charter/pkg/token"
)

// Conversations with a stack. What the second takes back it knows from the first,
// which is given
//
//	<name>      of an organization that nobody has
//	<email>     of its owner, and the <password>
//	<guest>     the e-mail of somebody without an account
var (
	//go:embed walk.txt
	walk string
	//go:embed take_back.txt
	takeBack string
)

// Letters go to a mailbox of SES that takes them all, even from who may only
// write to verified addresses, and does not count as anybody's.
// https://docs.aws.amazon.com/ses/latest/DeveloperGuide/mailbox-simulator.html
const mailbox = "success+%s@simulator.amazonses.com"

// stack walks what is deployed at a URL.
func stack(ctx context.Context, w io.Writer, url string) error {
	name := "charter-smoke-" + strings.ToLower(rand.Text()[:10])
	known := map[string]string{"name": name, "email": fmt.Sprintf(mailbox, name), "guest": fmt.Sprintf(mailbox, name+"-guest"), "password": rand.Text()}
	speak := speaker{ctx, w, conversation.At(url)}
	known, err := speak.all("walk.txt", walk, known)
	if err == nil {
		err = speak.checkToken(known)
	}
	if known["org"] == "" {
		return err
	}
	fmt.Fprintln(w, "\nTaken back:")
	speak.ctx = context.WithoutCancel(ctx) // however the walk has ended
	err = errors.Join(err, speak.each("take_back.txt", takeBack, known))
	fmt.Fprintf(w, "\nThe organization %s and its owner are left, without what could be taken back. Nobody has verified them,\n"+
		"so the service erases both after thirty days; the operator does it now with make erase ORG=%[1]s YES=%[2]s.\n", known["org"], name)
	return err
}

// speaker holds conversations and prints how they go.
type speaker struct {
	ctx   context.Context
	w     io.Writer
	stack http.Handler
}

// all holds a conversation until an answer is wrong, and returns what it knows
// by then.
func (s speaker) all(file, text string, known map[string]string) (map[string]string, error) {
	c, err := conversation.Parse(file, text)
	if err != nil {
		return known, err
	}
	for _, x := range c.Exchanges {
		captured, err := s.one(c, x, known)
		if err != nil {
			return known, err
		}
		known = captured
	}
	return known, nil
}

// each has every exchange of a conversation, whatever became of those before;
// but not about what was never made.
func (s speaker) each(file, text string, known map[string]string) error {
	c, err := conversation.Parse(file, text)
	if err != nil {
		return err
	}
	var errs []error
	for _, x := range c.Exchanges {
		if _, err := s.one(c, x, known); !errors.As(err, new(conversation.Unknown)) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s speaker) one(c conversation.Conversation, x conversation.Exchange, known map[string]string) (map[string]string, error) {
	c.Exchanges = []conversation.Exchange{x}
	ctx, cancel := context.WithTimeout(s.ctx, 2*time.Minute)
	defer cancel()
	start := time.Now()
	said := &verdict{ctx: ctx}
	captured := c.Run(said, s.stack, known)
	switch {
	case errors.As(said.err, new(conversation.Unknown)):
		return nil, said.err
	case said.err != nil:
		fmt.Fprintf(s.w, "%-6s %-50s wrong\n", x.Method, x.Path)
		return nil, errors.New(secret.ReplaceAllString(said.err.Error(), "$1..."))
	}
	fmt.Fprintf(s.w, "%-6s %-50s %d %6d ms\n", x.Method, x.Path, x.Status, time.Since(start).Milliseconds())
	return captured, nil
}

// secret is what a wrong answer may hold and no log may.
var secret = regexp.MustCompile(`("(?:AccessToken|ClientSecret)": *")[^"]*`)

// verdict is a conversation.TB.
type verdict struct {
	ctx context.Context
	err error
}

func (v *verdict) Helper()                  {}
func (v *verdict) Context() context.Context { return v.ctx }

func (v *verdict) Fatalf(format string, args ...any) {
	v.err = fmt.Errorf(strings.ReplaceAll(format, "%v", "%w"), args...)
}

var errToken = errors.New("the token does not carry what the answer says")

// checkToken verifies the enriched token with the keys that the stack publishes,
// as a service does that gets one.
func (s speaker) checkToken(known map[string]string) error {
	keys, err := token.ParseKeySet([]byte(known["keys"]))
	if err != nil {
		return err
	}
	compact := known["enriched"]
	_, rest, _ := strings.Cut(compact, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return err
	}
	var claims struct{ Iss, Aud string }
	if err := json.Unmarshal(text, &claims); err != nil {
		return err
	}
	verifier := token.Verifier{Name: claims.Iss, Audience: claims.Aud, Now: time.Now,
		Keys: func(context.Context) (*token.Keys, error) { return keys, nil }}
	c, err := verifier.Verify(s.ctx, compact)
	if err != nil {
		return err
	}
	e := c.Enrichment
	if e == nil || e.CustomerNumber != "C-1001" || e.PriceTier != "Wholesale" || e.CurrencyCode != "USD" || c.OrganizationID != known["org"] {
		return errToken
	}
	fmt.Fprintf(s.w, "The enriched token verifies with the published keys: %s, %s, %s.\n", e.CustomerNumber, e.PriceTier, e.CurrencyCode)
	return nil
}
