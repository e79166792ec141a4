// Package lambdaauth speaks the authorizer's events: token -> policy, caller
// -> context.
//
// It decides who is asking and nothing else: what they may do is decided where
// the data is. The policy it answers is for every route of the stage, because
// API Gateway keeps it for the token, whichever route was asked for first.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
package lambdaauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/token"
)

// Verifier checks tokens: token.Verifier those of ours, trust.Verifier others' too.
type Verifier interface {
	// Verify says whose the token is. Anything wrong with it is a
	// fault.Unauthenticated; any other error says that nothing could be checked.
	Verify(ctx context.Context, compact string) (caller.Claims, error)
}

// Serve answers API Gateway until the process ends.
func Serve(v Verifier) { lambda.Start(Handler(v)) }

// Handler answers one event of a TOKEN authorizer. A token that is refused is
// a policy that denies (ACCESS_DENIED). An event that makes no sense, or keys
// that cannot be had, are an error (AUTHORIZER_FAILURE), which API Gateway does
// not keep, as it would a denial.
func Handler(v Verifier) lambda.Handler { return authorizer{v} }

type authorizer struct{ verifier Verifier }

// Invoke logs why a token was refused; nothing of the token or its holder.
func (a authorizer) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	given, resource, err := decode(event)
	if err != nil {
		slog.ErrorContext(ctx, "authorizer: event", "error", err)
		return nil, err
	}
	claims, err := a.verify(ctx, given)
	switch {
	case errors.Is(err, fault.Unauthenticated):
		slog.InfoContext(ctx, "authorizer: denied", "reason", err)
		return json.Marshal(policy("nobody", "Deny", resource, nil))
	case err != nil:
		slog.ErrorContext(ctx, "authorizer: nothing verified", "error", err)
		return nil, errors.New("authorizer: nothing verified")
	}
	return json.Marshal(policy(claims.Subject(), "Allow", resource, claims.Flat()))
}

var (
	errScheme    = fmt.Errorf("%w Refused: not the Bearer scheme.", token.Invalid)
	errDelegated = fmt.Errorf("%w Refused: a delegated token is nobody's own.", token.Invalid)
)

// verify checks the value of an Authorization header. RFC 9110, section 11.1:
// the scheme is compared without regard to case; one space follows.
func (a authorizer) verify(ctx context.Context, given string) (caller.Claims, error) {
	scheme, compact, found := strings.Cut(given, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return caller.Claims{}, errScheme
	}
	claims, err := a.verifier.Verify(ctx, compact)
	if err == nil && claims.Actor != "" {
		return caller.Claims{}, errDelegated
	}
	return claims, err
}

func policy(principal, effect, resource string, flat map[string]any) events.APIGatewayCustomAuthorizerResponse {
	return events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: principal,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
			Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{
				{Action: []string{"execute-api:Invoke"}, Effect: effect, Resource: []string{resource}},
			},
		},
		Context: flat,
	}
}
