package sam

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// unreadOfAPIs are the properties that a laptop has no part in.
var unreadOfAPIs = []string{"AccessLogSetting", "MethodSettings", "TracingEnabled"}

// api reads the API into t and returns the name that routes call the
// authorizer by.
func (d *document) api(id string, t *Template) (authorizer string, err error) {
	var p struct {
		StageName             string
		OpenAPIVersion        string `json:"OpenApiVersion"`
		EndpointConfiguration any
		BinaryMediaTypes      []string
		Auth                  struct {
			DefaultAuthorizer string
			Authorizers       map[string]struct {
				FunctionArn, FunctionPayloadType string
				Identity                         struct {
					Header, ValidationExpression string
					ReauthorizeEvery             int
				}
			}
		}
		GatewayResponses map[string]struct {
			StatusCode         int
			ResponseParameters struct{ Headers map[string]string }
			ResponseTemplates  map[string]string
		}
	}
	if err := d.read(id, "Api", unreadOfAPIs, &p); err != nil {
		return "", err
	}
	t.Stage = p.StageName
	t.Binary = slices.Equal(p.BinaryMediaTypes, []string{"*~1*"})
	if len(p.BinaryMediaTypes) > 0 && !t.Binary {
		return "", fmt.Errorf("BinaryMediaTypes must be *~1* or nothing, not %q", p.BinaryMediaTypes)
	}

	a, ok := p.Auth.Authorizers[p.Auth.DefaultAuthorizer]
	if !ok || len(p.Auth.Authorizers) != 1 || a.FunctionPayloadType != "TOKEN" {
		return "", errors.New("the default authorizer must be the only one, and of type TOKEN")
	}
	function, attribute, _ := strings.Cut(a.FunctionArn, ".")
	if attribute != "Arn" && attribute != "Alias" {
		return "", fmt.Errorf("the authorizer's FunctionArn must be !Ref <function>.Alias or !GetAtt <function>.Arn, not %q", a.FunctionArn)
	}
	if t.Authorizer.Function, err = d.functionName(function); err != nil {
		return "", err
	}
	if t.Authorizer.Expression, err = regexp.Compile(`^(?:` + a.Identity.ValidationExpression + `)$`); err != nil {
		return "", fmt.Errorf("ValidationExpression: %w", err)
	}
	t.Authorizer.Header = a.Identity.Header
	t.Authorizer.TTL = time.Duration(a.Identity.ReauthorizeEvery) * time.Second

	t.Responses = map[string]Response{}
	for kind, g := range p.GatewayResponses {
		r := Response{Status: g.StatusCode, Headers: g.ResponseParameters.Headers}
		if len(g.ResponseTemplates) != 1 {
			return "", fmt.Errorf("GatewayResponses: %s must have one template", kind)
		}
		for contentType, body := range g.ResponseTemplates {
			r.ContentType, r.Body = contentType, body
		}
		t.Responses[kind] = r
	}
	return p.Auth.DefaultAuthorizer, nil
}

// unreadOfFunctions are the properties that only CloudFormation needs.
var unreadOfFunctions = []string{
	"Architectures", "AutoPublishAlias", "AutoPublishAliasAllProperties", "DeploymentPreference", "Description", "Handler",
	"LoggingConfig", "PermissionsBoundary", "Policies", "ReservedConcurrentExecutions", "Role", "Runtime", "Tracing",
	"VersionDeletionPolicy",
}

// function reads one function. What the template leaves out has Lambda's own
// default: 128 MB and three seconds.
func (d *document) function(id, api, authorizer, table string) (Function, error) {
	p := struct {
		CodeURI         string `json:"CodeUri"`
		MemorySize      int
		Timeout         int
		Environment     struct{ Variables map[string]string }
		DeadLetterQueue struct{ Type, TargetArn string }
		Events          map[string]struct {
			Type       string
			Properties map[string]any
		}
	}{MemorySize: 128, Timeout: 3}
	if err := d.read(id, "Function", unreadOfFunctions, &p); err != nil {
		return Function{}, err
	}
	name, err := d.functionName(id)
	if err != nil {
		return Function{}, err
	}
	f := Function{
		Name: name, Memory: p.MemorySize, Timeout: time.Duration(p.Timeout) * time.Second,
		Environment: p.Environment.Variables, DeadLetters: strings.TrimSuffix(p.DeadLetterQueue.TargetArn, ".Arn"),
	}
	if f.Role, err = d.statements(id); err != nil {
		return Function{}, err
	}
	for name, e := range p.Events {
		switch e.Type {
		case "Api":
			r, err := route(e.Properties, api, authorizer)
			if err != nil {
				return Function{}, fmt.Errorf("event %s: %w", name, err)
			}
			f.Routes = append(f.Routes, r)
		case "DynamoDB":
			s, err := stream(e.Properties, table)
			if err != nil {
				return Function{}, fmt.Errorf("event %s: %w", name, err)
			}
			f.Streams = append(f.Streams, s)
		case "Schedule":
			s, err := schedule(e.Properties)
			if err != nil {
				return Function{}, fmt.Errorf("event %s: %w", name, err)
			}
			f.Schedules = append(f.Schedules, s)
		case "SNS":
			var p struct{ Topic string }
			if err := decode(e.Properties, &p); err != nil {
				return Function{}, fmt.Errorf("event %s: %w", name, err)
			}
			f.Topics = append(f.Topics, p.Topic)
		default:
			return Function{}, fmt.Errorf("event %s: %s is not read here", name, e.Type)
		}
	}
	slices.SortFunc(f.Routes, func(a, b Route) int { return strings.Compare(a.String(), b.String()) })
	return f, nil
}

// functionName is the last element of a function's CodeUri.
func (d *document) functionName(id string) (string, error) {
	uri := d.Resources[id].Properties["CodeUri"]
	if d.Resources[id].Type != "AWS::Serverless::Function" || uri.Value == "" {
		return "", fmt.Errorf("%s is no function with a CodeUri", id)
	}
	return path.Base(uri.Value), nil
}

var methods = []string{
	http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions,
	http.MethodPatch, http.MethodPost, http.MethodPut,
}

func route(properties map[string]any, api, authorizer string) (Route, error) {
	var p struct {
		RestAPIID    string `json:"RestApiId"`
		Method, Path string
		Auth         struct{ Authorizer string }
	}
	if err := decode(properties, &p); err != nil {
		return Route{}, err
	}
	switch {
	case p.RestAPIID != api:
		return Route{}, fmt.Errorf("RestApiId must be !Ref %s, or SAM makes a second API", api)
	case !slices.Contains(methods, p.Method):
		return Route{}, fmt.Errorf("the method %q is not one of %q", p.Method, methods)
	case !strings.HasPrefix(p.Path, "/") || strings.Contains(p.Path, "+}"):
		return Route{}, fmt.Errorf("the path %q must begin with / and have no greedy parameter", p.Path)
	case p.Auth.Authorizer != "" && p.Auth.Authorizer != "NONE" && p.Auth.Authorizer != authorizer:
		return Route{}, fmt.Errorf("there is no authorizer %s", p.Auth.Authorizer)
	}
	return Route{Method: p.Method, Path: p.Path, Public: p.Auth.Authorizer == "NONE"}, nil
}

func stream(properties map[string]any, table string) (Stream, error) {
	p := struct {
		Stream, StartingPosition   string
		BatchSize                  int
		BisectBatchOnFunctionError bool
		MaximumRetryAttempts       int
		FunctionResponseTypes      []string
		FilterCriteria             struct{ Filters []struct{ Pattern string } }
		DestinationConfig          struct {
			OnFailure struct{ Type, Destination string }
		}
	}{BatchSize: 100, MaximumRetryAttempts: -1}
	if err := decode(properties, &p); err != nil {
		return Stream{}, err
	}
	if p.Stream != table+".StreamArn" {
		return Stream{}, fmt.Errorf("Stream must be !GetAtt %s.StreamArn, not %q", table, p.Stream)
	}
	s := Stream{
		Start: p.StartingPosition, BatchSize: p.BatchSize, Bisect: p.BisectBatchOnFunctionError,
		Retries:        p.MaximumRetryAttempts,
		ReportFailures: slices.Contains(p.FunctionResponseTypes, "ReportBatchItemFailures"),
		DeadLetters:    strings.TrimSuffix(p.DestinationConfig.OnFailure.Destination, ".Arn"),
	}
	for _, f := range p.FilterCriteria.Filters {
		s.Patterns = append(s.Patterns, f.Pattern)
	}
	return s, nil
}

var rate = regexp.MustCompile(`^rate\(([1-9]\d{0,3}) (minute|hour|day)s?\)$`)

func schedule(properties map[string]any) (Schedule, error) {
	var p struct{ Schedule string }
	if err := decode(properties, &p); err != nil {
		return Schedule{}, err
	}
	parts := rate.FindStringSubmatch(p.Schedule)
	if parts == nil {
		return Schedule{}, fmt.Errorf("Schedule must be rate(<n> minutes), hours or days, not %q", p.Schedule)
	}
	n, err := strconv.Atoi(parts[1])
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[parts[2]]
	return Schedule{Every: time.Duration(n) * unit}, err
}

// unreadOfTables are the properties that an embedded table has no part in.
var unreadOfTables = []string{
	"BillingMode", "DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "SSESpecification",
}

type keySchema []struct{ AttributeName, KeyType string }

func (s keySchema) key() (k Key) {
	for _, part := range s {
		if part.KeyType == "HASH" {
			k.Hash = part.AttributeName
		} else {
			k.Range = part.AttributeName
		}
	}
	return k
}

func (d *document) table(id string) (Table, error) {
	var p struct {
		StreamSpecification     struct{ StreamViewType string }
		TimeToLiveSpecification struct {
			AttributeName string
			Enabled       bool
		}
		AttributeDefinitions   []struct{ AttributeName, AttributeType string }
		KeySchema              keySchema
		GlobalSecondaryIndexes []struct {
			IndexName  string
			KeySchema  keySchema
			Projection struct{ ProjectionType string }
		}
	}
	if err := d.read(id, "", unreadOfTables, &p); err != nil {
		return Table{}, err
	}
	name, err := d.ref(id)
	if err != nil {
		return Table{}, err
	}
	t := Table{
		Name: name.(string), Key: p.KeySchema.key(), Attributes: map[string]string{},
		StreamView: p.StreamSpecification.StreamViewType,
	}
	if p.TimeToLiveSpecification.Enabled {
		t.TTLAttribute = p.TimeToLiveSpecification.AttributeName
	}
	for _, a := range p.AttributeDefinitions {
		t.Attributes[a.AttributeName] = a.AttributeType
	}
	for _, i := range p.GlobalSecondaryIndexes {
		t.Indexes = append(t.Indexes, Index{Name: i.IndexName, Key: i.KeySchema.key(), Projection: i.Projection.ProjectionType})
	}
	return t, nil
}
