package lambdahttp

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"charter/pkg/caller"
)

// echo answers what it was asked.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	c := caller.FromContext(r.Context())
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Two", "a")
	w.Header().Add("X-Two", "b")
	w.WriteHeader(http.StatusTeapot)
	fmt.Fprintf(w, "%s|%s|%s|%s|%s|%s|%s", r.Pattern, r.URL.Path, r.PathValue("customerNumber"), r.URL.Query().Get("q"), r.RemoteAddr, c.UserID, body)
})

func invoke(t *testing.T, event []byte) events.APIGatewayProxyResponse {
	t.Helper()
	answer, err := Handler(echo).Invoke(context.Background(), event)
	if err != nil {
		t.Fatal(err)
	}
	var response events.APIGatewayProxyResponse
	if err := json.Unmarshal(answer, &response); err != nil {
		t.Fatal(err)
	}
	return response
}

func TestEvent(t *testing.T) {
	for name, c := range map[string]struct{ event, want string }{
		"parameters are decoded once": {
			`{"resource":"/api/customers/{customerNumber}","path":"/base/api/customers/C%2F1%2541","httpMethod":"GET",
			"pathParameters":{"customerNumber":"C%2F1%2541"},"multiValueQueryStringParameters":{"q":["a&b=c","d"]},
			"requestContext":{"identity":{"sourceIp":"192.0.2.7"},"authorizer":{"userId":"kp_1","exp":"4102444800"}}}`,
			"GET /api/customers/{customerNumber}|/api/customers/C/1%41|C/1%41|a&b=c|192.0.2.7|kp_1|"},
		"a body in base64": {
			`{"resource":"/x","path":"/x","httpMethod":"POST","body":"eyJhIjoi/yJ9","isBase64Encoded":true,"requestContext":{}}`,
			"POST /x|/x|||||{\"a\":\"\xff\"}"},
		"an authorizer without exp is nobody": {
			`{"resource":"/x","path":"/x","httpMethod":"POST","body":"{}","requestContext":{"authorizer":{"userId":"kp_1","exp":"soon"}}}`,
			"POST /x|/x|||||{}"},
	} {
		got := invoke(t, []byte(c.event))
		if got.IsBase64Encoded {
			got.Body = decoded(t, got.Body)
		}
		if got.StatusCode != http.StatusTeapot || got.Body != c.want || len(got.MultiValueHeaders["X-Two"]) != 2 {
			t.Errorf("%s: %d %q %v; want %q", name, got.StatusCode, got.Body, got.MultiValueHeaders, c.want)
		}
	}
}

func decoded(t *testing.T, s string) string {
	t.Helper()
	var b []byte
	if err := json.Unmarshal([]byte(`"`+s+`"`), &b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEventFile(t *testing.T) {
	event, err := os.ReadFile("../../events/get-customer.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := invoke(t, event).Body, "GET /api/customers/{customerNumber}|/api/customers/C-1001|C-1001||192.0.2.1|kp_01hq3m5z8k7v2w9x4y6t1r0s3n|"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestNoEvent(t *testing.T) {
	if answer, err := Handler(echo).Invoke(context.Background(), []byte(`[]`)); err == nil {
		t.Errorf("took what is no event, and answered %s", answer)
	}
}
