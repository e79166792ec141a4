// Package gateway plays API Gateway, from template.yaml.
//
// It is an http.Handler with no list of routes of its own: routes, authorizer
// and the gateway's own answers are the template's. Functions get the events
// that a REST API with Lambda proxy integration makes, as bytes, and their
// answers are taken as bytes, so that whatever runs behind it runs the same on
// Lambda. Where the real gateway does something odd, so does this one, and a
// comment names the source.
package gateway

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/sam"
)

// The gateway's limits: request line and header values together, and body.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
const (
	maxHeader = 10240
	maxBody   = 10 << 20
)

// Options is what the gateway takes from its surroundings. The zero Options is
// ready for use.
type Options struct {
	Local  http.Handler     // serves /_local/..., which is no part of the template; nil for nobody
	Log    *slog.Logger     // one line a request, without a query, header or body; nil for slog.Default
	Now    func() time.Time // nil for time.Now
	Random io.Reader        // for request ids, safe for concurrent use; nil for crypto/rand
}

// Gateway serves a template's API.
type Gateway struct {
	template   *sam.Template
	functions  map[string]function
	routes     []route
	authorizer authorizer
	options    Options
}

// New builds the gateway of a template. functions holds a handler for each
// function that has a route, and for the authorizer, by name. A template that
// the gateway could not serve as it stands is an error.
//
// Handlers run at the same time as themselves, unlike on Lambda. What
// lambda.NewHandler makes of a typed function must not: the bytes that it
// returns are those of a buffer that its next run writes to. What it makes of
// a lambda.Handler may.
func New(template *sam.Template, functions map[string]lambda.Handler, options Options) (*Gateway, error) {
	if options.Log == nil {
		options.Log = slog.Default()
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Random == nil {
		options.Random = rand.Reader
	}
	g := &Gateway{template: template, options: options, functions: map[string]function{}}
	for _, f := range template.Functions {
		handler, ok := functions[f.Name]
		if !ok && (len(f.Routes) > 0 || f.Name == template.Authorizer.Function) {
			return nil, fmt.Errorf("gateway: there is no handler for the function %s", f.Name)
		}
		g.functions[f.Name] = function{Function: f, handler: handler}
		for _, r := range f.Routes {
			if strings.HasPrefix(r.Path, localPrefix) {
				return nil, fmt.Errorf("gateway: the route %s is under %s", r, localPrefix)
			}
			g.routes = append(g.routes, newRoute(r, f.Name))
		}
	}
	if err := checkResponses(template.Responses); err != nil {
		return nil, err
	}
	g.authorizer = authorizer{
		Authorizer: template.Authorizer, stage: template.Stage, now: options.Now, kept: map[token]decision{},
	}
	return g, nil
}

// localPrefix is where the laptop has pages that AWS has not.
const localPrefix = "/_local/"

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.options.Local != nil && strings.HasPrefix(r.URL.Path, localPrefix) {
		g.options.Local.ServeHTTP(w, r)
		return
	}
	x := &exchange{Request: r, id: g.newID(), start: g.options.Now()}
	answer := g.serve(x)
	status := answer.write(w, x.id)
	g.options.Log.InfoContext(r.Context(), "request", "request", x.id, "route", x.name(), "status", status,
		"ms", g.options.Now().Sub(x.start).Milliseconds())
}

// exchange is one request on its way through the gateway.
type exchange struct {
	*http.Request
	id         string
	start      time.Time
	route      *route // nil until one has matched
	parameters map[string]string
	body       []byte
	caller     *identity // nil on a public route
}

func (x *exchange) name() string {
	if x.route == nil {
		return "none"
	}
	return x.route.String()
}

// serve finds the answer to a request, in the order in which the real gateway
// refuses: an unknown route needs no token, and a bad token runs no function
// but the authorizer.
func (g *Gateway) serve(x *exchange) answer {
	if headerSize(x.Request) > maxHeader {
		return g.own(x, requestTooLarge)
	}
	if x.route, x.parameters = match(g.routes, x.Method, x.URL.EscapedPath()); x.route == nil {
		return g.own(x, missingAuthenticationToken)
	}
	var err error
	if x.body, err = io.ReadAll(io.LimitReader(x.Body, maxBody+1)); err != nil {
		return g.own(x, badRequest)
	}
	if len(x.body) > maxBody {
		return g.own(x, requestTooLarge)
	}
	if !x.route.Public {
		who, refused := g.authorize(x)
		if refused != "" {
			return g.own(x, refused)
		}
		x.caller = who
	}
	event, err := g.event(x)
	if err != nil {
		return g.own(x, badRequest)
	}
	out, err := g.invoke(x.Context(), x.route.function, event)
	if errors.Is(err, errTimeout) {
		return g.own(x, integrationTimeout)
	}
	if err != nil {
		return g.own(x, badGateway)
	}
	a, err := parseAnswer(out)
	if err != nil {
		g.options.Log.ErrorContext(x.Context(), "malformed proxy answer", "request", x.id, "function", x.route.function, "cause", err)
		return g.own(x, badGateway)
	}
	return a
}

// headerSize counts what the gateway's limit on headers counts.
func headerSize(r *http.Request) int {
	size := len(r.Method) + len(r.RequestURI) + len(r.Proto) + len(r.Host)
	for _, values := range r.Header {
		for _, v := range values {
			size += len(v)
		}
	}
	return size
}

// newID makes a request id, a random UUID.
func (g *Gateway) newID() string {
	var b [16]byte
	if _, err := io.ReadFull(g.options.Random, b[:]); err != nil {
		panic("gateway: no randomness: " + err.Error())
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
