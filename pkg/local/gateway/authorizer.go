package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"charter/pkg/sam"
)

// maxKept bounds the decisions that are remembered.
const maxKept = 1000

// token stands for a token among the decisions kept, so that no token is.
type token [sha256.Size]byte

// decision is what the authorizer answered for a token. It serves every route:
// which of them it allows is asked of the policy each time.
type decision struct {
	policy  policy
	caller  identity
	expires time.Time
}

// identity is the caller as the authorizer gave it.
type identity struct {
	principal string
	flat      map[string]string
	latency   time.Duration
}

// context is requestContext.authorizer.
func (i *identity) context() map[string]any {
	c := map[string]any{}
	for name, value := range i.flat {
		c[name] = value
	}
	c["principalId"], c["integrationLatency"] = i.principal, i.latency.Milliseconds()
	return c
}

type authorizer struct {
	sam.Authorizer
	stage string
	now   func() time.Time

	mu   sync.Mutex
	kept map[token]decision
}

// authorize asks who calls. refused is the gateway response for who may not.
//
// A missing header and one that does not match the expression run no function.
// What the authorizer decides, Allow or Deny, is kept for the TTL; an error is
// not.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
func (g *Gateway) authorize(x *exchange) (who *identity, refused responseType) {
	a := &g.authorizer
	header := strings.Join(x.Header.Values(a.Header), ",")
	if header == "" || !a.Expression.MatchString(header) {
		return nil, unauthorized
	}
	arn := fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/%s%s", region, account, api, a.stage, x.Method, x.URL.EscapedPath())
	key := token(sha256.Sum256([]byte(header)))
	d, ok := a.recall(key)
	if !ok {
		if d, refused = g.decide(x, header, arn); refused != "" {
			return nil, refused
		}
		a.keep(key, d)
	}
	if !d.policy.allows("execute-api:Invoke", arn) {
		return nil, accessDenied
	}
	return &d.caller, ""
}

// decide runs the authorizer. The error "Unauthorized" is its way to say 401.
func (g *Gateway) decide(x *exchange, header, arn string) (decision, responseType) {
	event, err := json.Marshal(map[string]string{"type": "TOKEN", "methodArn": arn, "authorizationToken": header})
	if err != nil {
		return decision{}, authorizerFailure
	}
	start := g.options.Now()
	out, err := g.invoke(x.Context(), g.authorizer.Function, event)
	if err != nil && err.Error() == "Unauthorized" {
		return decision{}, unauthorized
	}
	if err != nil {
		return decision{}, authorizerFailure
	}
	d, err := parseDecision(out)
	if err != nil {
		g.options.Log.ErrorContext(x.Context(), "malformed authorizer answer", "request", x.id, "cause", err)
		return decision{}, authorizerConfigurationError
	}
	now := g.options.Now()
	d.caller.latency = now.Sub(start)
	d.expires = now.Add(g.authorizer.TTL)
	return d, ""
}

func (a *authorizer) recall(key token) (decision, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d, ok := a.kept[key]
	return d, ok && a.now().Before(d.expires)
}

// keep remembers a decision. When there are too many, those that have expired
// go first; when none has, all go.
func (a *authorizer) keep(key token, d decision) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kept) >= maxKept {
		now := a.now()
		for k, old := range a.kept {
			if !now.Before(old.expires) {
				delete(a.kept, k)
			}
		}
	}
	if len(a.kept) >= maxKept {
		clear(a.kept)
	}
	a.kept[key] = d
}

var errNoPolicy = errors.New("the authorizer answered no policy")
var errNotFlat = errors.New("the authorizer's context holds more than strings, numbers and booleans")

// parseDecision reads the authorizer's answer.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
func parseDecision(out []byte) (decision, error) {
	var answer struct {
		PrincipalID string                     `json:"principalId"`
		Policy      policy                     `json:"policyDocument"`
		Context     map[string]json.RawMessage `json:"context"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return decision{}, err
	}
	if len(answer.Policy.Statement) == 0 {
		return decision{}, errNoPolicy
	}
	d := decision{policy: answer.Policy, caller: identity{principal: answer.PrincipalID, flat: map[string]string{}}}
	for name, raw := range answer.Context {
		text := string(raw)
		switch text[0] {
		case '"':
			if err := json.Unmarshal(raw, &text); err != nil {
				return decision{}, err
			}
		case '{', '[':
			return decision{}, errNotFlat
		case 'n': // null: as if it were not there
			continue
		}
		d.caller.flat[name] = text
	}
	return d, nil
}

// policy is an IAM policy, as far as an authorizer needs one.
type policy struct {
	Statement []struct {
		Effect           string
		Action, Resource oneOrMore
	}
}

// allows reports whether some statement allows the action on the resource and
// none denies it.
func (p policy) allows(action, resource string) (allowed bool) {
	for _, s := range p.Statement {
		if !s.Action.match("(?is)", action) || !s.Resource.match("(?s)", resource) {
			continue
		}
		if s.Effect != "Allow" {
			return false
		}
		allowed = true
	}
	return allowed
}

// oneOrMore is a JSON string or a list of them.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*o = make(oneOrMore, 1)
		return json.Unmarshal(text, &(*o)[0])
	}
	return json.Unmarshal(text, (*[]string)(o))
}

var wildcards = strings.NewReplacer(`\*`, `.*`, `\?`, `.`)

// match reports whether a pattern matches the text. In patterns * is any text,
// slashes too, and ? any character.
func (o oneOrMore) match(flags, text string) bool {
	for _, pattern := range o {
		if ok, _ := regexp.MatchString(flags+`^`+wildcards.Replace(regexp.QuoteMeta(pattern))+`$`, text); ok {
			return true
		}
	}
	return false
}
