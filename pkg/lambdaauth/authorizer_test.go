package lambdaauth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/lambdaauth"
	"charter/pkg/token"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock(at time.Time) func() time.Time { return func() time.Time { return at } }

// makeIssuer makes a key and an issuer at noon, and the verifier that trusts
// them and nobody else.
func makeIssuer(t *testing.T) (token.Issuer, token.Verifier) {
	t.Helper()
	private, public, err := token.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.ParseKeys(public)
	if err != nil {
		t.Fatal(err)
	}
	issuer := token.Issuer{
		Signer: key, Name: "https://charter.example", Audience: "charter", Delegated: "charter-enrichment",
		Now: clock(noon), Random: rand.Reader,
	}
	return issuer, token.Verifier{
		Name: issuer.Name, Audience: issuer.Audience, Now: clock(noon),
		Keys: func(context.Context) (*token.Keys, error) { return keys, nil },
	}
}

func issue(t *testing.T, i token.Issuer, c caller.Claims) string {
	t.Helper()
	compact, err := i.Issue(t.Context(), c, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// logged collects what is logged until the test ends, without the times.
func logged(t *testing.T) *bytes.Buffer {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}

// Each event has its answer beside it, and what is logged with it. In an event,
// a name in angle brackets stands for a token.
func TestEvents(t *testing.T) {
	issuer, verifier := makeIssuer(t)
	foreign, _ := makeIssuer(t)
	late := issuer
	late.Now = clock(noon.Add(-time.Hour - token.Leeway))
	person := caller.Caller{UserID: "kp_1", Email: "ann@example.com"}
	admin := caller.Caller{
		UserID: "kp_2", Email: "ben@example.com", OrganizationID: "org_1", OrgCode: "org_a", Admin: true,
	}
	client := caller.Caller{ClientID: "c1", OrganizationID: "org_1", OrgCode: "org_a", Admin: true}
	tokens := map[string]string{
		"person":    issue(t, issuer, caller.Claims{Caller: person}),
		"admin":     issue(t, issuer, caller.Claims{Caller: admin}),
		"client":    issue(t, issuer, caller.Claims{Caller: client}),
		"expired":   issue(t, late, caller.Claims{Caller: person}),
		"delegated": issue(t, issuer, caller.Claims{Caller: person, Actor: "kp_2"}),
		"foreign":   issue(t, foreign, caller.Claims{Caller: person}),
	}
	files, err := filepath.Glob("testdata/*.event.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d events, error %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".event.json")
		t.Run(name, func(t *testing.T) {
			log := logged(t)
			event, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for name, compact := range tokens {
				event = bytes.ReplaceAll(event, []byte("<"+name+">"), []byte(compact))
			}
			answer, err := lambdaauth.Handler(verifier).Invoke(t.Context(), event)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".golden"), answer, log.Bytes())
			discreet(t, log.String(), tokens)
		})
	}
}

// golden compares an answer, indented, and a log with their file.
func golden(t *testing.T, file string, answer, log []byte) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, answer, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteString("\n\n")
	got.Write(log)
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got %s\nwant %s", &got, want)
	}
}

// discreet wants no part of a token and no e-mail in a text.
func discreet(t *testing.T, text string, tokens map[string]string) {
	t.Helper()
	for name, compact := range tokens {
		for part := range strings.SplitSeq(compact, ".") {
			if strings.Contains(text, part) {
				t.Errorf("%q tells of the token %s", text, name)
			}
		}
	}
	if strings.Contains(text, "@") || strings.Contains(text, "kp_") {
		t.Errorf("%q tells of a person", text)
	}
}

// A token within the leeway is let in, and its end goes along as it is.
func TestLeeway(t *testing.T) {
	issuer, verifier := makeIssuer(t)
	issuer.Now = clock(noon.Add(-time.Hour - token.Leeway + time.Second))
	compact := issue(t, issuer, caller.Claims{Caller: caller.Caller{UserID: "kp_1"}})
	answer, err := lambdaauth.Handler(verifier).Invoke(t.Context(), event(method, "Bearer "+compact))
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Context map[string]any }
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if c := caller.FromFlat(got.Context); c.UserID != "kp_1" || !c.Expires.Equal(noon.Add(time.Second-token.Leeway)) {
		t.Fatalf("caller %+v from %s", c, answer)
	}
}

// Even an authorizer that is set to the wrong audience lets no delegate in.
func TestDelegatedToUs(t *testing.T) {
	issuer, verifier := makeIssuer(t)
	verifier.Audience = issuer.Delegated
	compact := issue(t, issuer, caller.Claims{Caller: caller.Caller{UserID: "kp_1"}, Actor: "kp_2"})
	log := logged(t)
	answer, err := lambdaauth.Handler(verifier).Invoke(t.Context(), event(method, "Bearer "+compact))
	if err != nil || !bytes.Contains(answer, []byte(`"Effect":"Deny"`)) {
		t.Fatalf("answer %s, error %v", answer, err)
	}
	if !strings.Contains(log.String(), "a delegated token is nobody's own") {
		t.Errorf("logged %q", log)
	}
}

const method = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/api/organization"

func event(method, authorization string) []byte {
	return fmt.Appendf(nil, `{"type":"TOKEN","methodArn":%q,"authorizationToken":%q}`, method, authorization)
}

// A denial would be kept for minutes: when nothing can be verified there is
// none, and the cause stays in our log.
func TestKeysThatFail(t *testing.T) {
	issuer, verifier := makeIssuer(t)
	compact := issue(t, issuer, caller.Claims{Caller: caller.Caller{UserID: "kp_1", Email: "ann@example.com"}})
	verifier.Keys = func(context.Context) (*token.Keys, error) { return nil, errors.New("no route to the key service") }
	log := logged(t)
	answer, err := lambdaauth.Handler(verifier).Invoke(t.Context(), event(method, "Bearer "+compact))
	if err == nil || answer != nil {
		t.Fatalf("answer %s, error %v", answer, err)
	}
	if err.Error() != "authorizer: nothing verified" || !strings.Contains(log.String(), "no route to the key service") {
		t.Fatalf("error %v, logged %q", err, log)
	}
	discreet(t, log.String(), map[string]string{"given": compact})
}

func TestEventsThatMakeNoSense(t *testing.T) {
	issuer, verifier := makeIssuer(t)
	compact := issue(t, issuer, caller.Claims{Caller: caller.Caller{UserID: "kp_1"}})
	bearer := "Bearer " + compact
	withARN := func(arn string) string { return string(event(arn, bearer)) }
	const notTOKEN, notMethod = "not the event of a TOKEN authorizer", "methodArn is not a method of a REST API"
	for name, test := range map[string]struct{ event, reason string }{
		"nothing":             {"", notTOKEN},
		"no object":           {`"TOKEN"`, notTOKEN},
		"null":                {`null`, notTOKEN},
		"a REQUEST event":     {strings.Replace(withARN(method), "TOKEN", "REQUEST", 1), notTOKEN},
		"no type":             {`{"methodArn":"` + method + `","authorizationToken":"` + bearer + `"}`, notTOKEN},
		"no token":            {`{"type":"TOKEN","methodArn":"` + method + `"}`, notTOKEN},
		"a token list":        {`{"type":"TOKEN","methodArn":"` + method + `","authorizationToken":["a"]}`, notTOKEN},
		"no ARN":              {`{"type":"TOKEN","authorizationToken":"` + bearer + `"}`, notMethod},
		"ARN empty":           {withARN(""), notMethod},
		"ARN a wildcard":      {withARN("*"), notMethod},
		"ARN no arn":          {withARN("x" + method), notMethod},
		"ARN, another API":    {withARN("arn:aws:lambda:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/x"), notMethod},
		"ARN, partition *":    {withARN("arn:*:execute-api:eu-west-1:123456789012:a1/prod/GET/x"), notMethod},
		"ARN, region *":       {withARN("arn:aws:execute-api:*:123456789012:a1/prod/GET/x"), notMethod},
		"ARN, no region":      {withARN("arn:aws:execute-api::123456789012:a1/prod/GET/x"), notMethod},
		"ARN, account *":      {withARN("arn:aws:execute-api:eu-west-1:*:a1/prod/GET/x"), notMethod},
		"ARN, account short":  {withARN("arn:aws:execute-api:eu-west-1:12345678901:a1/prod/GET/x"), notMethod},
		"ARN, account long":   {withARN("arn:aws:execute-api:eu-west-1:1234567890123:a1/prod/GET/x"), notMethod},
		"ARN, API *":          {withARN("arn:aws:execute-api:eu-west-1:123456789012:*/prod/GET/x"), notMethod},
		"ARN, API with a *":   {withARN("arn:aws:execute-api:eu-west-1:123456789012:a*1/prod/GET/x"), notMethod},
		"ARN, stage *":        {withARN("arn:aws:execute-api:eu-west-1:123456789012:a1/*/GET/x"), notMethod},
		"ARN, no stage":       {withARN("arn:aws:execute-api:eu-west-1:123456789012:a1//GET/x"), notMethod},
		"ARN, method *":       {withARN("arn:aws:execute-api:eu-west-1:123456789012:a1/prod/*/x"), notMethod},
		"ARN without a path":  {withARN("arn:aws:execute-api:eu-west-1:123456789012:a1/prod/GET"), notMethod},
		"ARN of a WebSocket":  {withARN("arn:aws:execute-api:eu-west-1:123456789012:a1/prod/$connect"), notMethod},
		"ARN, line end in it": {withARN("arn:aws:execute-api:eu-west-1:123456789012:a1\n/prod/GET/x"), notMethod},
	} {
		t.Run(name, func(t *testing.T) {
			log := logged(t)
			answer, err := lambdaauth.Handler(verifier).Invoke(t.Context(), []byte(test.event))
			if err == nil || answer != nil || err.Error() != "authorizer: "+test.reason {
				t.Fatalf("answer %s, error %v", answer, err)
			}
			if !strings.Contains(log.String(), test.reason) {
				t.Errorf("logged %q", log)
			}
			discreet(t, log.String(), map[string]string{"given": compact})
		})
	}
}

// TestServe runs Serve in a process of its own, against Lambda's runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func TestServe(t *testing.T) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		_, verifier := makeIssuer(t)
		lambdaauth.Serve(verifier)
		return
	}
	answers := make(chan []byte, 1)
	asked := make(chan struct{}, 1)
	asked <- struct{}{}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
			select {
			case <-asked:
				w.Header().Set("Lambda-Runtime-Aws-Request-Id", "one")
				w.Header().Set("Lambda-Runtime-Deadline-Ms", "9999999999999")
				w.Write(event(method, "Bearer none"))
			case <-r.Context().Done(): // no second event: the process is ended
			}
		case http.MethodPost:
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			w.WriteHeader(http.StatusAccepted)
			answers <- body
		}
	}))
	defer api.Close()
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServe$")
	process.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"))
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	defer process.Process.Kill()
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	select {
	case answer := <-answers:
		if want := `{"principalId":"nobody",`; !bytes.HasPrefix(answer, []byte(want)) {
			t.Errorf("answer %s, want %s...", answer, want)
		}
	case err := <-ended:
		t.Fatalf("the process ended: %v", err)
	}
}
