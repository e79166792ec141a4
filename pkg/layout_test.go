package pkg

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"charter/pkg/env"
	"charter/pkg/local"
	"charter/pkg/sam"
)

// room is a package with the packages of ours that it may import. What is not
// written here is forbidden.
type room struct {
	name    string // below charter/pkg/, or "functions"
	imports string
	reason  string
}

var rooms = []room{
	{"fault", "", "words for what goes wrong depend on nothing"},
	{"text", "fault", "rules for text are below every domain"},
	{"caller", "", "who asks is known to all, and knows nobody"},
	{"mail", "fault", "addresses and letters are data"},
	{"pricing", "caller fault text", "prices know no organization: its price list is a value"},
	{"customer", "caller fault mail pricing text", "a customer has a tier"},
	{"customer/roll", "customer", "a roll is arithmetic over associations, wherever its sheets are kept"},
	{"customer/intake", "caller customer fault mail org pricing text", "a file is read by the domain's rules, wherever its rows are kept"},
	{"org", "caller fault mail pricing text", "an organization's record holds its price list"},
	{"idempotency", "caller fault", "a key is about a request, whatever it is about"},
	{"token", "caller fault", "a token says who somebody is, nothing of what they may do"},
	{"trust", "caller fault token", "other issuers say who somebody is; where accounts are kept is behind an interface"},
	{"kms", "fault", "a key elsewhere that signs"},
	{"letters", "mail", "html/template lives here alone"},
	{"httpapi", "caller fault idempotency text", "HTTP knows no domain"},
	{"commerce", "caller customer fault httpapi mail org pricing text", "a dialect speaks of the domain, never of where it is kept"},
	{"platform", "caller fault httpapi idempotency mail org text", "a dialect speaks of the domain, never of where it is kept"},
	{"table", "caller customer customer/roll fault idempotency mail org pricing text", "the table knows the domain, no dialect and no HTTP"},
	{"ses", "fault letters mail", "the way out for letters"},
	{"env", "table", "opens the table; signing and mailing are apart, so that a function links only what it needs"},
	{"env/signing", "env kms token trust", "go-jose stays out of the functions that see no token"},
	{"env/mailing", "env letters mail ses", "SES and html/template stay out of the functions that send nothing"},
	{"lambdafeedback", "mail", "an adapter of events, beside mail"},
	{"lambdahttp", "caller httpapi", "an adapter of events, beside net/http"},
	{"lambdaauth", "caller fault token", "an adapter of events, beside token"},
	{"lambdaschedule", "", "an adapter of events, for any job"},
	{"lambdastream", "", "an adapter of events, for any record"},
	{"sam", "", "reads a file"},
	{"openapi", "", "a file"},
	{"local/direct", "", "HTTP without a socket, whoever answers"},
	{"local/dynamo", "local/direct", "stands in for a service; knows nothing of who uses it"},
	{"local/mailbox", "local/direct", "stands in for a service; knows nothing of who uses it"},
	{"local/gateway", "sam", "stands in for a service; reads what it would be deployed from"},
	{"local/page", "local/direct local/mailbox local/watch", "shows what it is given; knows no function"},
	{"local/watch", "", "hears what is logged and asked of AWS, whoever does"},
	{"local/breakage", "", "breaks any call, whoever answers"},
	{"local/provider", "", "stands in for a service; knows nothing of who uses it"},
	{"local/conversation", "", "speaks HTTP, whoever answers"},
	{"local/contract", "", "holds any exchange against any document"},
	{"local", "*", "the one place that may know all"},
	{"local/calls", "local local/dynamo local/mailbox sam", "calls the functions where they are wired, before stand-ins of its own"},
	{"local/bootstrap", "", "runs a program, whatever it does"},
	{"local/bench", "local/bootstrap local/calls", "measures calls, whatever they are"},
	{"local/load", "local", "asks over HTTP, and plays what it asks"},
	{"local/smoke", "local/bootstrap local/calls local/conversation sam token", "tries what is deployed from outside"},
	{"local/cmd", "customer/intake env local local/watch", "a command is a few flags"},
	{"functions", "commerce env env/mailing env/signing lambdaauth lambdafeedback lambdahttp lambdaschedule lambdastream platform", "a main names its handler and what it opens"},
}

// awsFree may not even reach the AWS SDK or the Lambda runtime through others.
var awsFree = strings.Fields("fault text caller mail pricing customer customer/intake customer/roll org idempotency token trust httpapi commerce platform letters")

// Only these functions may reach go-jose, only these html/template: they cost
// each function that links them a part of its cold start.
var (
	joseFunctions     = strings.Fields("access authorizer jwks login")
	templateFunctions = strings.Fields("mail-letters redrive-letters")
)

var publicRoutes = []string{
	"GET /.well-known/jwks.json",
	"POST /api/auth/login",
	"POST /api/auth/verify",
	"POST /api/organizations",
}

type listed struct {
	ImportPath, Name string
	Imports, Deps    []string
}

// list asks Go for every package of the module, as it is built for Lambda.
func list(t *testing.T) map[string]listed {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-tags", "lambda.norpc,nethttpomithttp2", "-json=ImportPath,Name,Imports,Deps", "charter/...")
	cmd.Dir, cmd.Stderr = "..", &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	packages := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[strings.TrimPrefix(p.ImportPath, "charter/")] = p
	}
}

func template(t *testing.T) *sam.Template {
	t.Helper()
	text, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	read, err := sam.Read(text, local.Parameters())
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestImports(t *testing.T) {
	for path, p := range list(t) {
		name := strings.TrimPrefix(path, "pkg/")
		switch {
		case strings.HasPrefix(path, "functions/"):
			name = "functions"
		case path == "pkg" || strings.Contains(path, "/internal/"):
			continue
		}
		n := slices.IndexFunc(rooms, func(r room) bool { return r.name == name })
		if n < 0 {
			t.Errorf("%s is no room: write it into layout_test.go and doc.go, or put it into a room that is", path)
			continue
		}
		allowed := strings.Fields(rooms[n].imports)
		for _, imported := range p.Imports {
			other, ours := strings.CutPrefix(imported, "charter/pkg/")
			if ours && !slices.Contains(allowed, other) && !slices.Contains(allowed, "*") && !strings.Contains(other, "internal/") {
				t.Errorf("%s imports %s: %s", path, other, rooms[n].reason)
			}
		}
	}
}

func TestClosures(t *testing.T) {
	packages := list(t)
	for _, name := range awsFree {
		for _, dep := range packages["pkg/"+name].Deps {
			if strings.HasPrefix(dep, "github.com/aws") {
				t.Errorf("pkg/%s reaches %s: the domain and its dialects know no AWS", name, dep)
			}
		}
	}
	for path, p := range packages {
		name, ok := strings.CutPrefix(path, "functions/")
		if !ok {
			continue
		}
		for _, dep := range p.Deps {
			switch {
			case strings.HasPrefix(dep, "github.com/go-jose") && !slices.Contains(joseFunctions, name),
				(dep == "html/template" || dep == "text/template") && !slices.Contains(templateFunctions, name),
				dep == "net/rpc", strings.HasSuffix(dep, "/service/ses") && !slices.Contains(templateFunctions, name):
				t.Errorf("functions/%s reaches %s, which costs it a part of its cold start", name, dep)
			}
		}
	}
}

// A folder in functions, a function in the template and a function served by
// local are the same thing, and a main says the same as the laptop's wiring.
func TestFunctions(t *testing.T) {
	folders, err := filepath.Glob("../functions/*")
	if err != nil {
		t.Fatal(err)
	}
	var names, declared []string
	for _, folder := range folders {
		names = append(names, filepath.Base(folder))
	}
	for _, f := range template(t).Functions {
		declared = append(declared, f.Name)
	}
	slices.Sort(declared)
	wired := wiring(t)
	var served []string
	for name := range wired {
		served = append(served, name)
	}
	slices.Sort(served)
	if !slices.Equal(names, declared) || !slices.Equal(names, served) {
		t.Errorf("functions/: %v\ntemplate.yaml: %v\npkg/local: %v", names, declared, served)
	}
	for _, name := range names {
		if got := statement(t, name); got != wired[name] {
			t.Errorf("functions/%s says %s\npkg/local says %s", name, got, wired[name])
		}
		event := filepath.Join("../events", name+".json")
		if text, err := os.ReadFile(event); err != nil || !json.Valid(text) {
			t.Errorf("%s: not the JSON of an event (%v)", event, err)
		}
	}
}

// statement is the one statement of a main, as pkg/local would write it.
func statement(t *testing.T, name string) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../functions", name, "main.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "main" && len(f.Body.List) == 1 {
			s := source(t, f.Body.List[0])
			return strings.ReplaceAll(strings.Replace(s, ".Serve", ".Handler", 1), "env.Lambda", "e")
		}
	}
	t.Fatalf("functions/%s: main is not one statement", name)
	return ""
}

// wiring is what each entry of the table in pkg/local/functions.go returns.
func wiring(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "local/functions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	wired := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		entry, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		if f, ok := entry.Value.(*ast.FuncLit); ok && len(f.Body.List) == 1 {
			result := f.Body.List[0].(*ast.ReturnStmt).Results[0]
			wired[strings.Trim(source(t, entry.Key), `"`)] = source(t, result)
		}
		return true
	})
	return wired
}

func source(t *testing.T, n ast.Node) string {
	t.Helper()
	var b bytes.Buffer
	if err := format.Node(&b, token.NewFileSet(), n); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// A function's variables in the template are those that it reads, no more.
func TestEnvironment(t *testing.T) {
	for _, f := range template(t).Functions {
		asked := map[string]bool{}
		e, err := local.Environment(local.Options{Data: t.TempDir(), Now: time.Now}, f, nil)
		if err != nil {
			t.Fatal(err)
		}
		get := e.Get
		e.Get = func(name string) string {
			asked[name] = true
			return get(name)
		}
		local.Functions[f.Name](e)
		for name := range f.Environment {
			if !asked[name] && name != "GOMAXPROCS" {
				t.Errorf("template.yaml gives %s the variable %s, which it does not read", f.Name, name)
			}
		}
		for name := range asked {
			if _, ok := f.Environment[name]; !ok && !strings.HasPrefix(name, "AWS_") {
				t.Errorf("%s reads %s, which template.yaml does not give it", f.Name, name)
			}
		}
	}
}

// Whatever lies in a queue has failed: an alarm looks at each of them.
func TestAlarms(t *testing.T) {
	text, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	queues := regexp.MustCompile(`(?m)^  (\w+):\n    Type: AWS::SQS::Queue$`).FindAllStringSubmatch(string(text), -1)
	alarms := regexp.MustCompile(`(?ms)^  \w+:\n    Type: AWS::CloudWatch::Alarm\n.*?^\n`).FindAllString(string(text), -1)
	if len(queues) == 0 {
		t.Fatal("the template has no queue")
	}
	for _, q := range queues {
		if !slices.ContainsFunc(alarms, func(alarm string) bool {
			return strings.Contains(alarm, "Value: !GetAtt "+q[1]+".QueueName") && strings.Contains(alarm, "ApproximateNumberOfMessagesVisible") &&
				strings.Contains(alarm, "!Ref AlarmTopicArn")
		}) {
			t.Errorf("no alarm looks at %s", q[1])
		}
	}
}

// Only env reads the environment.
func TestOnlyEnvReadsTheEnvironment(t *testing.T) {
	_ = env.Lambda
	reads := regexp.MustCompile(`\bos\.(Getenv|LookupEnv|Environ)\b`)
	for _, path := range goFiles(t) {
		if strings.HasPrefix(path, "env/") || strings.HasPrefix(path, "local/") || strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if reads.Match(text) {
			t.Errorf("pkg/%s reads the environment: that is env's part", path)
		}
	}
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestPublicRoutes(t *testing.T) {
	var public []string
	for _, f := range template(t).Functions {
		for _, r := range f.Routes {
			if r.Public {
				public = append(public, r.String())
			}
		}
	}
	slices.Sort(public)
	if !slices.Equal(public, publicRoutes) {
		t.Errorf("without a token one can call %v; want %v", public, publicRoutes)
	}
}

// Every access pattern that keys.go names has its method and a test that calls it.
func TestAccessPatterns(t *testing.T) {
	keys, err := os.ReadFile("table/keys.go")
	if err != nil {
		t.Fatal(err)
	}
	var code, tests bytes.Buffer
	for _, path := range goFiles(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(path, "_test.go") && strings.HasPrefix(path, "table/"):
			tests.Write(text)
		case strings.HasPrefix(path, "table/"):
			code.Write(text)
		}
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^//\t.*? {2,}(\w+)\.(\w+) +[\dn] `).FindAllStringSubmatch(string(keys), -1) {
		view, method := m[1], m[2]
		named[view+"."+method] = true
		if !regexp.MustCompile(`func \(\w+ ` + view + `\) ` + method + `\(`).Match(code.Bytes()) {
			t.Errorf("keys.go names %s.%s, which is no method", view, method)
		}
		if !strings.Contains(tests.String(), "."+method+"(") {
			t.Errorf("no test in pkg/table calls %s.%s", view, method)
		}
	}
	views := regexp.MustCompile(`func \(\w+ (Directory|Book|Register|Roll|Team|Trail|Outbox)\) ([A-Z]\w*)\(`)
	for _, m := range views.FindAllStringSubmatch(code.String(), -1) {
		if !named[m[1]+"."+m[2]] {
			t.Errorf("%s.%s is an access pattern that keys.go does not name", m[1], m[2])
		}
	}
}

// The map names every room in the words of its package comment.
func TestMap(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rooms {
		line := "//\tpkg/" + r.name + " "
		if r.name != "functions" && !strings.Contains(string(text), line) {
			t.Errorf("doc.go does not name pkg/%s", r.name)
		}
	}
	if top, err := filepath.Glob("../[^.]*"); err != nil {
		t.Fatal(err)
	} else {
		allowed := strings.Fields("LICENSE Makefile README.md events functions go.mod go.sum pkg samconfig.toml template.yaml")
		for _, path := range top {
			if !slices.Contains(allowed, filepath.Base(path)) {
				t.Errorf("%s stands at the top, where nothing is added", filepath.Base(path))
			}
		}
	}
	for _, path := range goFiles(t) {
		for drawer := range strings.FieldsSeq("utils util common models types helpers core service misc") {
			if slices.Contains(strings.Split(filepath.ToSlash(path), "/"), drawer) {
				t.Errorf("pkg/%s: %s is a drawer, not a room", path, drawer)
			}
		}
	}
}
