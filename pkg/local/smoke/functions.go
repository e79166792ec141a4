package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/local/bootstrap"
	"charter/pkg/local/calls"
	"charter/pkg/sam"
)

// functions tries every function of the template.
func functions(ctx context.Context, w io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "charter-smoke-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	world, err := calls.Open(".", folder)
	if err != nil {
		return err
	}
	defer world.Close()
	aws, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer aws.Close()
	server := &http.Server{Handler: world, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(aws) }() // until the listener is closed

	var names []string
	for _, f := range world.Template.Functions {
		names = append(names, f.Name)
	}
	if err := bootstrap.Build(ctx, folder, names); err != nil {
		return err
	}
	p := processes{folder: folder, aws: "http://" + aws.Addr().String(), world: world, started: map[string]*bootstrap.Function{}}
	defer p.end()
	world.Elsewhere = p.find
	if err := p.asTheyStand(ctx, w); err != nil {
		return err
	}
	made, err := world.Walk(ctx, 1, false)
	if err != nil {
		return err
	}
	answered := map[string]bool{}
	for _, c := range made {
		answered[c.Function] = true
	}
	for _, name := range names {
		if !answered[name] {
			return fmt.Errorf("%s has no step in package calls", name)
		}
	}
	fmt.Fprintf(w, "%d calls of all %d functions succeed on the walk.\n", len(made), len(names))
	return nil
}

// processes are the functions that run, each since it was first asked for.
type processes struct {
	folder  string
	aws     string // URL
	world   *calls.World
	started map[string]*bootstrap.Function
}

func (p processes) find(function string) (lambda.Handler, error) {
	if f, ok := p.started[function]; ok {
		return f, nil
	}
	variables, err := p.world.Variables(function, p.aws)
	if err != nil {
		return nil, err
	}
	f, err := bootstrap.Start(filepath.Join(p.folder, function, "bootstrap"), variables)
	if err != nil {
		return nil, err
	}
	p.started[function] = f
	return f, nil
}

func (p processes) end() {
	for _, f := range p.started {
		f.Close()
	}
}

// answers are those to the files as they stand, on a table that has nothing.
// Whoever asks in them comes from an organization that is not there, so /api
// answers 400 and /v1 403, but for what is named here.
var answers = map[string]int{
	"create-organization":          201,
	"jwks":                         200,
	"login":                        200, // as who has just been made
	"platform-accept-invitation":   400,
	"platform-create-organization": 401, // an account that is not there
	"platform-list-organizations":  200,
}

// asTheyStand hands each function its file, in the order of their names.
func (p processes) asTheyStand(ctx context.Context, w io.Writer) error {
	for _, f := range p.world.Template.Functions {
		event, err := os.ReadFile(filepath.Join("events", f.Name+".json"))
		if err != nil {
			return err
		}
		process, err := p.find(f.Name)
		if err != nil {
			return err
		}
		start := time.Now()
		text, err := process.Invoke(ctx, event)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		said, err := judge(f, text)
		if err != nil {
			return fmt.Errorf("%s: %w: %s", f.Name, err, text)
		}
		fmt.Fprintf(w, "%-30s %-12s %4d ms from its start\n", f.Name, said, time.Since(start).Milliseconds())
	}
	return nil
}

var errFailures = errors.New("records failed")

// judge says in a word what a function has answered to its file.
func judge(f sam.Function, text []byte) (string, error) {
	var answer struct {
		StatusCode        int
		PrincipalID       string
		BatchItemFailures []any
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", err
	}
	if len(f.Routes) == 0 {
		switch {
		case len(answer.BatchItemFailures) > 0:
			return "", errFailures
		case answer.PrincipalID != "":
			return answer.PrincipalID, nil
		}
		return "done", nil
	}
	want, ok := answers[f.Name]
	if !ok {
		want = http.StatusBadRequest
		if f.Routes[0].Path[:4] == "/v1/" {
			want = http.StatusForbidden
		}
	}
	if answer.StatusCode != want {
		return "", fmt.Errorf("status %d, expected %d", answer.StatusCode, want)
	}
	return fmt.Sprint(want), nil
}
