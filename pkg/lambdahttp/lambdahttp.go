// Package lambdahttp is API Gateway events <-> net/http; caller <- authorizer context.
package lambdahttp

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
)

// Serve answers the events of this function for as long as Lambda runs it.
func Serve(endpoint http.Handler) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(Handler(endpoint))
}

// Handler answers REST API proxy events with an endpoint. The request has its
// route as Pattern, path values, and the authorizer's caller in its context.
func Handler(endpoint http.Handler) lambda.Handler {
	return handler{httpadapter.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event := r.Context().Value(eventKey{}).(*events.APIGatewayProxyRequest)
		r.Pattern = event.HTTPMethod + " " + event.Resource
		for name, value := range event.PathParameters {
			// They come percent-encoded, as they stood in the request's path.
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
			r.SetPathValue(name, value)
		}
		endpoint.ServeHTTP(w, r)
	}))}
}

type handler struct{ adapter *httpadapter.HandlerAdapter }

type eventKey struct{}

// margin is kept of the time that the function has left, to answer in: a
// request whose time is up gets our own 503, not the gateway's timeout. A
// function with little time keeps a quarter.
const margin = time.Second

// Invoke implements lambda.Handler.
func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	event, err := decode(payload)
	if err != nil {
		return nil, err
	}
	event.Path = path(event.Resource, event.PathParameters)
	if deadline, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(margin, time.Until(deadline)/4)))
		defer cancel()
	}
	ctx = httpapi.WithRequestID(ctx, event.RequestContext.RequestID)
	ctx = caller.NewContext(ctx, caller.FromFlat(event.RequestContext.Authorizer))
	answer, err := h.adapter.ProxyWithContext(context.WithValue(ctx, eventKey{}, event), *event)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// path is the resource with its parameters put in. The event's own path is not
// used: a custom domain puts its base path before it.
func path(resource string, parameters map[string]string) string {
	for name, value := range parameters {
		resource = strings.ReplaceAll(resource, "{"+name+"}", value)
	}
	return resource
}
