package gateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The account, region and API that events speak of.
const (
	account = "000000000000"
	region  = "us-east-1"
	api     = "local"
)

// event is the input of Lambda proxy integration, version 1.0. It is not
// aws-lambda-go's type, which writes "" and nothing where the gateway writes
// null and false.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
type event struct {
	Resource       string              `json:"resource"`
	Path           string              `json:"path"`
	Method         string              `json:"httpMethod"`
	Headers        map[string]string   `json:"headers"`
	MultiHeaders   map[string][]string `json:"multiValueHeaders"`
	Query          map[string]string   `json:"queryStringParameters"`
	MultiQuery     map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters map[string]string   `json:"pathParameters"`
	StageVariables map[string]string   `json:"stageVariables"`
	Context        requestContext      `json:"requestContext"`
	Body           *string             `json:"body"`
	IsBase64       bool                `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID    string         `json:"accountId"`
	APIID        string         `json:"apiId"`
	Authorizer   map[string]any `json:"authorizer,omitempty"`
	Domain       string         `json:"domainName"`
	DomainPrefix string         `json:"domainPrefix"`
	Method       string         `json:"httpMethod"`
	Identity     source         `json:"identity"`
	Path         string         `json:"path"`
	Protocol     string         `json:"protocol"`
	RequestID    string         `json:"requestId"`
	Time         string         `json:"requestTime"`
	TimeEpoch    int64          `json:"requestTimeEpoch"` // milliseconds
	ResourceID   string         `json:"resourceId"`
	ResourcePath string         `json:"resourcePath"`
	Stage        string         `json:"stage"`
}

// source is who connected. What only AWS credentials or an API key would set
// is always null here.
type source struct {
	AccessKey                     *string `json:"accessKey"`
	AccountID                     *string `json:"accountId"`
	Caller                        *string `json:"caller"`
	CognitoAuthenticationProvider *string `json:"cognitoAuthenticationProvider"`
	CognitoAuthenticationType     *string `json:"cognitoAuthenticationType"`
	CognitoIdentityID             *string `json:"cognitoIdentityId"`
	CognitoIdentityPoolID         *string `json:"cognitoIdentityPoolId"`
	PrincipalOrgID                *string `json:"principalOrgId"`
	SourceIP                      string  `json:"sourceIp"`
	User                          *string `json:"user"`
	UserAgent                     *string `json:"userAgent"`
	UserARN                       *string `json:"userArn"`
}

// commonLog is the time format of requestTime.
const commonLog = "02/Jan/2006:15:04:05 -0700"

// event makes the event of a request that has a route. It fails on a query
// that cannot be decoded.
func (g *Gateway) event(x *exchange) ([]byte, error) {
	query, err := parseQuery(x.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	sourceIP, _, err := net.SplitHostPort(x.RemoteAddr)
	if err != nil {
		return nil, fmt.Errorf("remote address: %w", err)
	}
	headers := eventHeaders(x.Request, sourceIP)
	path := x.URL.EscapedPath()
	host := url.URL{Host: x.Host}
	e := event{
		Resource: x.route.Path, Path: path, Method: x.Method,
		Headers: last(headers), MultiHeaders: headers,
		Query: last(query), MultiQuery: query,
		PathParameters: x.parameters,
		Context: requestContext{
			AccountID: account, APIID: api, Domain: host.Hostname(), DomainPrefix: api, Method: x.Method,
			Identity: source{SourceIP: sourceIP},
			Path:     "/" + g.template.Stage + path, Protocol: x.Proto, RequestID: x.id,
			Time: x.start.UTC().Format(commonLog), TimeEpoch: x.start.UnixMilli(),
			ResourceID: resourceID(x.route.Path), ResourcePath: x.route.Path, Stage: g.template.Stage,
		},
	}
	if agent := x.UserAgent(); agent != "" {
		e.Context.Identity.UserAgent = &agent
	}
	if x.caller != nil {
		e.Context.Authorizer = x.caller.context()
	}
	if len(x.body) > 0 {
		body := string(x.body)
		if g.template.Binary {
			body, e.IsBase64 = base64.StdEncoding.EncodeToString(x.body), true
		}
		e.Body = &body
	}
	return json.Marshal(e)
}

// parseQuery decodes a query. A semicolon parts parameters too; the gateway
// documents that it splits there.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
func parseQuery(raw string) (map[string][]string, error) {
	query, err := url.ParseQuery(strings.ReplaceAll(raw, ";", "&"))
	if len(query) == 0 {
		return nil, err
	}
	return query, err
}

// dropped are the request headers that no function sees.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
var dropped = []string{
	"Connection", "Content-Length", "Content-Md5", "Expect", "Max-Forwards", "Proxy-Authenticate", "Server", "Te",
	"Trailer", "Transfer-Encoding", "Upgrade", "Www-Authenticate",
}

// eventHeaders adds what the gateway says about the connection.
func eventHeaders(r *http.Request, sourceIP string) http.Header {
	h := r.Header.Clone()
	for _, name := range dropped {
		h.Del(name)
	}
	h.Set("Host", r.Host)
	h.Set("X-Forwarded-For", strings.Join(append(slices.Clone(r.Header.Values("X-Forwarded-For")), sourceIP), ", "))
	scheme, port := "http", "80"
	if r.TLS != nil {
		scheme, port = "https", "443"
	}
	if own := (&url.URL{Host: r.Host}).Port(); own != "" {
		port = own
	}
	h.Set("X-Forwarded-Port", port)
	h.Set("X-Forwarded-Proto", scheme)
	return h
}

// last keeps the last of several values, as the gateway does in its members
// for a single one.
func last(multi map[string][]string) map[string]string {
	if multi == nil {
		return nil
	}
	single := make(map[string]string, len(multi))
	for name, values := range multi {
		single[name] = values[len(values)-1]
	}
	return single
}

// resourceID is a stable id of six letters and digits.
func resourceID(path string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(path))
	return fmt.Sprintf("%06x", h.Sum32()&0xffffff)
}
