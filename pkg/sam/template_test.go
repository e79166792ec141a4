package sam_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"charter/pkg/sam"
)

// values are what the project's template cannot be read without.
var values = map[string]string{
	"TokenIssuer": "http://localhost", "SecretArn": "arn:secret", "MailFrom": "post@example.com",
	"LinkBase": "https://app.example.com", "MailIdentity": "example.com", "Table": "charter", "StageName": "local",
}

func project(t *testing.T) *sam.Template {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template, err := sam.Read(text, values)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func function(t *testing.T, template *sam.Template, name string) sam.Function {
	t.Helper()
	i := slices.IndexFunc(template.Functions, func(f sam.Function) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no function %s", name)
	}
	return template.Functions[i]
}

func TestProjectFunctions(t *testing.T) {
	template := project(t)

	create := function(t, template, "create-organization")
	if create.Memory != 1024 || create.Timeout != 10*time.Second {
		t.Errorf("create-organization has %d MB and %v", create.Memory, create.Timeout)
	}
	want := sam.Route{Method: "POST", Path: "/api/organizations", Public: true}
	if !slices.Equal(create.Routes, []sam.Route{want}) {
		t.Errorf("create-organization has routes %v", create.Routes)
	}
	for name, want := range map[string]string{
		"GOMAXPROCS":      "1", // from Globals
		"TABLE_NAME":      "charter",
		"IDEMPOTENCY_KEY": "{{resolve:secretsmanager:arn:secret:SecretString:IdempotencyKey}}",
	} {
		if got := create.Environment[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}

	get := function(t, template, "get-organization")
	if get.Memory != 256 || len(get.Routes) != 1 || get.Routes[0].Public {
		t.Errorf("get-organization is %+v", get)
	}
	if got := function(t, template, "mail-letters").Environment["MAIL_CONFIGURATION_SET"]; got != "MailConfigurationSet" {
		t.Errorf("MAIL_CONFIGURATION_SET is %q, want the resource", got)
	}
}

func TestProjectGateway(t *testing.T) {
	template := project(t)
	a := template.Authorizer
	if a.Function != "authorizer" || a.Header != "Authorization" || a.TTL != 300*time.Second {
		t.Errorf("authorizer is %+v", a)
	}
	for header, want := range map[string]bool{
		"Bearer a.b.c": true, "bearer a-_.b9.Z": true,
		"Bearer  a.b.c": false, "Bearer a.b": false, "Bearer a.b.c.d": false, "xBearer a.b.c": false, "a.b.c": false,
	} {
		if got := a.Expression.MatchString(header); got != want {
			t.Errorf("%q matches: %v", header, got)
		}
	}
	if template.Stage != "local" || !template.Binary {
		t.Errorf("stage is %q, binary is %v", template.Stage, template.Binary)
	}
	r := template.Responses["UNAUTHORIZED"]
	if r.Status != 401 || r.ContentType != "application/json" || r.Headers["WWW-Authenticate"] != "'Bearer'" ||
		!strings.Contains(r.Body, "Missing or malformed Authorization header.") {
		t.Errorf("UNAUTHORIZED is %+v", r)
	}
	if r := template.Responses["DEFAULT_5XX"]; r.Status != 0 {
		t.Errorf("DEFAULT_5XX has the status %d", r.Status)
	}
}

func TestProjectTable(t *testing.T) {
	template := project(t)
	table := template.Table
	if table.Name != "charter" || table.Key != (sam.Key{Hash: "PK", Range: "SK"}) || table.TTLAttribute != "ExpiresAt" ||
		table.StreamView != "NEW_AND_OLD_IMAGES" || table.Attributes["DueAt"] != "S" {
		t.Errorf("table is %+v", table)
	}
	want := sam.Index{Name: "byDue", Key: sam.Key{Hash: "DuePK", Range: "DueAt"}, Projection: "KEYS_ONLY"}
	if !slices.Equal(table.Indexes, []sam.Index{want}) {
		t.Errorf("indexes are %+v", table.Indexes)
	}
	if s := function(t, template, "redrive-letters").Schedules; !slices.Equal(s, []sam.Schedule{{Every: 5 * time.Minute}}) {
		t.Errorf("redrive-letters has the schedules %v", s)
	}
	streams := function(t, template, "mail-letters").Streams
	if len(streams) != 1 {
		t.Fatalf("mail-letters has %d streams", len(streams))
	}
	if s := streams[0]; s.Start != "TRIM_HORIZON" || s.BatchSize != 10 || !s.Bisect || s.Retries != 20 ||
		!s.ReportFailures || s.DeadLetters != "LettersFailed" || len(s.Patterns) != 1 {
		t.Errorf("stream is %+v", s)
	}
}

// small is the least template that can be read. Tests change it by one line.
const small = `
Metadata:
  PublicRoutes: [GET /a]
Parameters:
  Word: {Type: String}
  Size: {Type: Number, Default: 512}
Conditions:
  Big: !Not [!Equals [!Ref Size, 128]]
Globals:
  Function:
    Timeout: 7
    Environment: {Variables: {KEPT: globals, CHANGED: globals}}
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: dev
      Auth:
        DefaultAuthorizer: Token
        Authorizers:
          Token:
            FunctionArn: !GetAtt Guard.Arn
            FunctionPayloadType: TOKEN
            Identity: {Header: Authorization, ValidationExpression: .+, ReauthorizeEvery: 60}
  Guard:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/guard/}
  A:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/a/
      Environment:
        Variables:
          CHANGED: !Sub "${Word} in ${AWS::Region}, ${!not} ${Table}"
          CHOSEN: !If [Big, big, small]
          GONE: !If [Big, !Ref AWS::NoValue, small]
      Events:
        Get:
          Type: Api
          Properties: {RestApiId: !Ref Api, Method: GET, Path: /a, Auth: {Authorizer: NONE}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: PK, AttributeType: S}]
      KeySchema: [{AttributeName: PK, KeyType: HASH}]
`

func TestReadResolves(t *testing.T) {
	template, err := sam.Read([]byte(small), map[string]string{"Word": "hello", "AWS::Region": "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	a := function(t, template, "a")
	if a.Timeout != 7*time.Second || a.Memory != 128 {
		t.Errorf("a has %v and %d MB", a.Timeout, a.Memory)
	}
	want := map[string]string{"KEPT": "globals", "CHANGED": "hello in eu-west-1, ${not} Table", "CHOSEN": "big"}
	if len(a.Environment) != len(want) {
		t.Errorf("environment is %q", a.Environment)
	}
	for name, value := range want {
		if a.Environment[name] != value {
			t.Errorf("%s is %q, want %q", name, a.Environment[name], value)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"another kind of resource", "Type: AWS::DynamoDB::Table", "Type: AWS::S3::Bucket", "no AWS::DynamoDB::Table"},
		{"a resource nobody reads",
			"  Guard:", "  Bus: {Type: AWS::Events::EventBus}\n  Guard:",
			"resource Bus: AWS::Events::EventBus is not read"},
		{"a property nobody reads",
			"CodeUri: functions/a/", "CodeUri: functions/a/\n      VpcConfig: {}",
			`resource A: unknown field "VpcConfig"`},
		{"a choice of binary types",
			"StageName: dev", "StageName: dev\n      BinaryMediaTypes: [image~1png]",
			"resource Api: BinaryMediaTypes"},
		{"an event nobody reads", "Type: Api\n", "Type: S3\n", "resource A: event Get: S3 is not read"},
		{"a schedule that is no rate",
			"      Events:\n        Get:", "      Events:\n        Tick: {Type: Schedule, Properties: {Schedule: cron(noon)}}\n        Get:",
			"event Tick: Schedule must be rate"},
		{"an event without its API", "RestApiId: !Ref Api, ", "", "resource A: event Get: RestApiId must be !Ref Api"},
		{"a method in lower case", "Method: GET", "Method: get", `method "get"`},
		{"a greedy path", "Path: /a", "Path: '/{all+}'", "greedy"},
		{"a route twice",
			"        Get:\n", "        Again: {Type: Api, Properties: {RestApiId: !Ref Api, Method: GET, Path: /a}}\n        Get:\n",
			"route GET /a"},
		{"a function nobody reads", "!GetAtt Guard.Arn", "!Join ['', [a]]", "resource Api: Auth: line"},
		{"an authorizer that is no function", "!GetAtt Guard.Arn", "!GetAtt Table.Arn", "Table is no function"},
		{"an attribute of nothing", "!GetAtt Guard.Arn", "!GetAtt Nobody.Arn", "no resource"},
		{"a long form", "CHOSEN: !If [Big, big, small]", "CHOSEN: {Ref: Word}", "write Ref in its short form"},
		{"a reference to nothing", "${Word}", "${Wrod}", "resource A: Environment: line 34: !Ref Wrod"},
		{"a condition that is not there", "CHOSEN: !If [Big", "CHOSEN: !If [Huge", `no condition "Huge"`},
		{"a route made public by oversight", "[GET /a]", "[]", "Metadata.PublicRoutes"},
		{"a public route that is not there", "[GET /a]", "[GET /a, GET /b]", "Metadata.PublicRoutes"},
		{"not YAML", "Resources:", "Resources: [", "sam: yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(small, c.old) {
				t.Fatalf("the template has no %q", c.old)
			}
			_, err := sam.Read([]byte(strings.Replace(small, c.old, c.new, 1)), map[string]string{"Word": "hello"})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestReadRefusesValues(t *testing.T) {
	if _, err := sam.Read([]byte(small), nil); err == nil || !strings.Contains(err.Error(), "the parameter Word has no value") {
		t.Errorf("without a value: %v", err)
	}
	_, err := sam.Read([]byte(small), map[string]string{"Word": "hello", "Wrod": "hello"})
	if err == nil || !strings.Contains(err.Error(), "Wrod") {
		t.Errorf("with a value for nothing: %v", err)
	}
}
