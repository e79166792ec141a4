// Package sam reads template.yaml: routes, functions, environment.
//
// It reads what the laptop plays: the functions with their routes, streams and
// environment, the API with its authorizer and its own answers, and the table.
// Whatever it does not know is an error that names the resource, so that
// nothing of the template is left out in silence; what only CloudFormation
// needs to know is listed by name. Of the intrinsic functions it knows the
// short forms of Ref, Sub, GetAtt, If, Equals and Not.
package sam

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Template is what a SAM template says, with Globals merged in and every Ref
// and Sub resolved.
type Template struct {
	Stage        string
	Binary       bool // bodies reach functions in base64
	Authorizer   Authorizer
	Responses    map[string]Response // the gateway's own answers by type, e.g. "UNAUTHORIZED"
	Functions    []Function          // by name
	Table        Table
	PublicRoutes []string // "POST /api/organizations", as Metadata names them
}

// Function is one Lambda function.
type Function struct {
	Name        string // the last element of its CodeUri
	Memory      int    // MB
	Timeout     time.Duration
	Environment map[string]string
	Routes      []Route
	Streams     []Stream
	Role        []Statement
	Schedules   []Schedule
	Topics      []string // logical ids of the SNS topics that call it
	DeadLetters string   // logical id of the queue for what topics sent in vain, "" for none
}

// Route is one method of one path of the API.
type Route struct {
	Method string // upper case
	Path   string // with {parameters}
	Public bool   // needs no token
}

func (r Route) String() string { return r.Method + " " + r.Path }

// Authorizer is the TOKEN authorizer that every route has which is not public.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
type Authorizer struct {
	Function   string         // its name
	Header     string         // where the token is
	Expression *regexp.Regexp // what the whole header must match
	TTL        time.Duration  // how long a policy is kept
}

// Response is an answer that the gateway gives by itself.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
type Response struct {
	Status      int               // 0: the status that the gateway gives anyway
	Headers     map[string]string // name to 'text' or context.variable
	ContentType string
	Body        string // a template that may hold $context.variable
}

// Stream is a function's subscription to the stream of the table.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
type Stream struct {
	Start          string   // "TRIM_HORIZON" or "LATEST"
	BatchSize      int      // records, at most
	Bisect         bool     // a batch that fails is split in two and tried again
	Retries        int      // after the first try; -1 is without end
	ReportFailures bool     // the function names the records that failed
	Patterns       []string // event patterns, any of which lets a record pass; none lets all pass
	DeadLetters    string   // logical id of the queue for what was given up, "" for none
}

// Schedule runs a function again and again, with an event that nobody reads.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
type Schedule struct{ Every time.Duration }

// Table is the DynamoDB table.
type Table struct {
	Name         string            // what a Ref to it stands for
	Attributes   map[string]string // of keys: name to type
	Key          Key
	Indexes      []Index
	TTLAttribute string // "" for none
	StreamView   string // "" for no stream
}

// Key names the attributes of a primary key.
type Key struct {
	Hash  string
	Range string // "" for none
}

// Index is a global secondary index.
type Index struct {
	Name       string
	Key        Key
	Projection string // "KEYS_ONLY" or "ALL"
}

var errNoAPI = errors.New("there is no AWS::Serverless::Api")
var errNoTable = errors.New("there is no AWS::DynamoDB::Table")

// elsewhere are the types of resources that only CloudFormation needs to read.
var elsewhere = []string{
	"AWS::ApiGateway::Account", "AWS::ApiGateway::BasePathMapping", "AWS::ApiGateway::DomainName", "AWS::CloudWatch::Alarm",
	"AWS::CloudWatch::Dashboard", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::Route53::RecordSet",
	"AWS::SES::ConfigurationSet", "AWS::SES::ConfigurationSetEventDestination", "AWS::SES::EmailIdentity", "AWS::SNS::Topic",
	"AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation",
}

// Read reads a template. values say what parameters, pseudo parameters
// ("AWS::Region") and Refs to resources stand for; without one a parameter
// stands for its default and a resource for its logical id.
func Read(text []byte, values map[string]string) (*Template, error) {
	doc := document{values: values}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("sam: %w", err)
	}
	t, err := doc.template()
	if err != nil {
		return nil, fmt.Errorf("sam: %w", err)
	}
	return t, nil
}

// template reads the API first: routes are checked against it.
func (d *document) template() (*Template, error) {
	if err := d.checkValues(); err != nil {
		return nil, err
	}
	t := &Template{PublicRoutes: d.Metadata.PublicRoutes}
	api, err := d.only("AWS::Serverless::Api", errNoAPI)
	if err != nil {
		return nil, err
	}
	table, err := d.only("AWS::DynamoDB::Table", errNoTable)
	if err != nil {
		return nil, err
	}
	authorizer, err := d.api(api, t)
	if err != nil {
		return nil, in(api, err)
	}
	if t.Table, err = d.table(table); err != nil {
		return nil, in(table, err)
	}
	for _, id := range slices.Sorted(maps.Keys(d.Resources)) {
		switch kind := d.Resources[id].Type; {
		case kind == "AWS::Serverless::Function":
			f, err := d.function(id, api, authorizer, table)
			if err != nil {
				return nil, in(id, err)
			}
			t.Functions = append(t.Functions, f)
		case id != api && id != table && !slices.Contains(elsewhere, kind):
			return nil, in(id, fmt.Errorf("%s is not read here", kind))
		}
	}
	slices.SortFunc(t.Functions, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return t, t.check()
}

// only finds the one resource of its type.
func (d *document) only(kind string, missing error) (id string, err error) {
	for _, name := range slices.Sorted(maps.Keys(d.Resources)) {
		if d.Resources[name].Type != kind {
			continue
		}
		if id != "" {
			return "", in(name, fmt.Errorf("a second %s beside %s", kind, id))
		}
		id = name
	}
	if id == "" {
		return "", missing
	}
	return id, nil
}

// check holds the functions against each other and the public routes against
// Metadata: a route becomes public in two places or not at all.
func (t *Template) check() error {
	names, routes, public := map[string]bool{}, map[string]string{}, []string{}
	for _, f := range t.Functions {
		if names[f.Name] {
			return fmt.Errorf("two functions have the CodeUri of %s", f.Name)
		}
		names[f.Name] = true
		for _, r := range f.Routes {
			if other, taken := routes[r.String()]; taken {
				return fmt.Errorf("%s has the route %s, and so has %s", f.Name, r, other)
			}
			routes[r.String()] = f.Name
			if r.Public {
				public = append(public, r.String())
			}
		}
	}
	if !names[t.Authorizer.Function] {
		return fmt.Errorf("the authorizer's function %q is not there", t.Authorizer.Function)
	}
	if named := slices.Sorted(slices.Values(t.PublicRoutes)); !slices.Equal(slices.Sorted(slices.Values(public)), named) {
		return fmt.Errorf("public routes are %q, but Metadata.PublicRoutes names %q", public, named)
	}
	return nil
}

// in says in which resource an error is.
func in(id string, err error) error { return fmt.Errorf("resource %s: %w", id, err) }
