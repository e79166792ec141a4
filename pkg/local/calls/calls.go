// Package calls makes calls of every function that succeed, and keeps what each of them asked of AWS.
//
// What an endpoint costs is counted on these calls, and what a function takes on Lambda is measured with their events and
// the answers that they got.
package calls

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/local"
	"charter/pkg/local/dynamo"
	"charter/pkg/local/mailbox"
	"charter/pkg/sam"
)

// World is an embedded table and a mailbox, with every function before them.
type World struct {
	Template *sam.Template
	// Trip is how long each request to AWS takes.
	Trip time.Duration
	// Needs is told what each function asks of its role; nil tells nobody.
	Needs func(function string, n sam.Need)
	// Elsewhere finds a function in a process of its own; with nil all are in
	// this one.
	Elsewhere func(function string) (lambda.Handler, error)

	now     atomic.Pointer[recorder] // of the call under way
	project string                   // the folder
	options local.Options
	table   *dynamo.Engine
	letters *mailbox.Mailbox
}

// Open opens an empty world for the project in a folder. It keeps secrets in
// the folder data, and all else in memory.
func Open(project, data string) (*World, error) {
	text, err := os.ReadFile(filepath.Join(project, "template.yaml"))
	if err != nil {
		return nil, err
	}
	w := &World{project: project, options: local.Options{Data: data, Now: time.Now}}
	if w.Template, err = sam.Read(text, local.Parameters()); err != nil {
		return nil, err
	}
	if w.letters, err = mailbox.Open(""); err != nil {
		return nil, err
	}
	if w.table, err = dynamo.Open(""); err != nil {
		return nil, err
	}
	return w, local.CreateTable(w.table, w.Template.Table)
}

// Close lets go of what was kept in memory.
func (w *World) Close() error { return cmp.Or(w.table.Close(), w.letters.Close()) }

// Call is one that succeeded.
type Call struct {
	Function  string
	Case      string            // what sets it apart from other calls of the function, "" for the usual one
	Keyed     bool              // it had an Idempotency-Key
	Event     []byte            // as Lambda hands it over
	Answer    []byte            // as Lambda takes it
	Variables map[string]string // the function's environment
	Requests  []Request         // to AWS, in the order of their ends
}

// Trips is how often the call waited for AWS: requests that began together are
// one trip.
func (c Call) Trips() int {
	begun := map[time.Duration]bool{}
	for _, r := range c.Requests {
		begun[r.Begun] = true
	}
	return len(begun)
}

// Units are what the call used up of the table.
func (c Call) Units() (read, write float64) {
	for _, r := range c.Requests {
		read += r.Read
		write += r.Write
	}
	return read, write
}

// Walk makes the calls in an organization of its own. Its number keeps what
// must be unique apart from other walks. Changes have an Idempotency-Key where
// keyed says so.
func (w *World) Walk(ctx context.Context, number int, keyed bool) ([]Call, error) {
	known := map[string]any{"n": fmt.Sprint(number)}
	var made []Call
	for i, s := range steps {
		key := ""
		if keyed {
			key = fmt.Sprintf("step-%d-of-%d", i, number)
		}
		call, err := w.call(ctx, s, known, key)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", s.function, cmp.Or(s.name, "usual"), err)
		}
		made = append(made, call)
	}
	return made, nil
}

// Function is the template's function of a name.
func (w *World) Function(name string) sam.Function {
	return w.Template.Functions[slices.IndexFunc(w.Template.Functions, func(f sam.Function) bool { return f.Name == name })]
}

// Handler is a function whose requests to AWS go elsewhere.
func (w *World) Handler(function string, out http.RoundTripper) (lambda.Handler, error) {
	e, err := local.Environment(w.options, w.Function(function), out)
	if err != nil {
		return nil, err
	}
	return local.Functions[function](e), nil
}

// Begin starts a function as Lambda does, with connections made ahead.
func (w *World) Begin(function string, out http.RoundTripper) error {
	e, err := local.Environment(w.options, w.Function(function), out)
	if err != nil {
		return err
	}
	e.Lazy = false
	local.Functions[function](e)
	return nil
}

func (w *World) call(ctx context.Context, s step, known map[string]any, key string) (Call, error) {
	f := w.Function(s.function)
	c := Call{Function: s.function, Case: s.name, Keyed: key != "", Variables: map[string]string{}}
	record := newRecorder(w)
	o := w.options
	o.Needs = w.Needs
	e, err := local.Environment(o, f, record)
	if err != nil {
		return c, err
	}
	for name := range f.Environment {
		c.Variables[name] = e.Get(name)
	}
	if c.Event, err = w.event(f, s, known, key); err != nil {
		return c, err
	}
	handler, err := w.open(s.function, local.Functions[s.function](e), record)
	if err != nil {
		return c, err
	}
	c.Answer, err = handler.Invoke(ctx, c.Event)
	c.Requests = record.all()
	if err != nil {
		return c, err
	}
	return c, s.learn(c, known)
}

// event is the one of events/ for the function, from whoever was let in last
// and with the body of the step, in base64 as the deployed gateway sends it.
func (w *World) event(f sam.Function, s step, known map[string]any, key string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(w.project, "events", f.Name+".json"))
	if err != nil {
		return nil, err
	}
	var event map[string]any
	if err := json.Unmarshal(text, &event); err != nil {
		return nil, err
	}
	body := fill(s.body, known)
	if len(f.Routes) == 0 { // the body says what else is in the event
		return json.Marshal(merge(event, body))
	}
	for n := 0; n < len(s.path); n += 2 {
		event["pathParameters"].(map[string]any)[s.path[n]] = fill(s.path[n+1], known)
	}
	request := event["requestContext"].(map[string]any)
	if !f.Routes[0].Public {
		request["authorizer"] = known["context"]
	}
	if body != "" {
		event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(body)), w.Template.Binary
	}
	header := event["multiValueHeaders"].(map[string]any)
	if header["X-Organization-Id"] != nil {
		header["X-Organization-Id"] = []any{known["organizationId"]}
	}
	if key != "" {
		header["Idempotency-Key"] = []string{key}
	}
	return json.Marshal(event)
}

// merge puts the members of a JSON object into an event.
func merge(event map[string]any, members string) map[string]any {
	var given map[string]any
	if err := json.Unmarshal([]byte(cmp.Or(members, "{}")), &given); err != nil {
		panic(err) // a step is written in this package
	}
	maps.Copy(event, given)
	return event
}

var placeholder = regexp.MustCompile(`<[\w' ]+>`)

// fill puts what is known in place of its name in angle brackets.
func fill(body string, known map[string]any) string {
	return placeholder.ReplaceAllStringFunc(body, func(name string) string { return fmt.Sprint(known[strings.Trim(name, "<>")]) })
}

var written = regexp.MustCompile(`"(LetterId|Token|InvitationId)":\{"S":"([^"]*)"`)

// learn keeps the texts of an answer under their names, so that the steps to
// come may use them, or says why the call did not succeed.
func (s step) learn(c Call, known map[string]any) error {
	var answer struct {
		StatusCode        int
		Body              string
		PrincipalID       string
		Context           map[string]any
		BatchItemFailures []any
	}
	if err := json.Unmarshal(c.Answer, &answer); err != nil {
		return err
	}
	if answer.StatusCode >= 300 || answer.PrincipalID == "nobody" || len(answer.BatchItemFailures) > 0 {
		return fmt.Errorf("it answered %s", c.Answer)
	}
	said := answer.Context
	if said != nil {
		known["context"] = said
	} else if strings.HasPrefix(answer.Body, "{") {
		if err := json.Unmarshal([]byte(answer.Body), &said); err != nil {
			return err
		}
	}
	if data, ok := said["data"].(map[string]any); ok { // in the platform's envelope
		said = data
	}
	for name, value := range said {
		if text, ok := value.(string); ok {
			known[name] = text
		}
	}
	for _, r := range c.Requests { // what no answer tells
		for _, m := range written.FindAllSubmatch(r.Body, -1) {
			known[string(m[1])] = string(m[2])
		}
	}
	if s.keep != "" {
		name, as, _ := strings.Cut(s.keep, " as ")
		known[as] = known[name]
	}
	return nil
}
