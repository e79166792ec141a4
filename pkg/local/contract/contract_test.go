package contract_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"charter/pkg/local/contract"
)

const small = `
openapi: 3.1.1
x-fold-names: /api/
paths:
  /api/things/{id}:
    put:
      operationId: put
      parameters:
        - {name: id, in: path, required: true, schema: {type: string, maxLength: 3}}
        - {name: size, in: query, x-alias: [s], schema: {type: integer, maximum: 9}}
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Thing'}
      responses:
        '200':
          headers:
            X-Request-Id: {required: true, schema: {type: string, minLength: 1}}
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
        '400': {description: It is wrong.}
components:
  schemas:
    Thing:
      type: object
      required: [Name]
      additionalProperties: false
      properties:
        Name: {type: string, pattern: '^[^\u200B]+$'}
`

// Each exchange breaks, at most, one thing that the document says.
func TestCheck(t *testing.T) {
	c, err := contract.New([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		method, target, sent string
		status               int
		id, media, got       string
		want                 string // in the error, "" for none
	}{
		"all is well":            {"PUT", "/api/things/a?S=9", `{"name":" x "}`, 200, "1", "application/json; charset=utf-8", `{"Name":"x"}`, ""},
		"a refusal of nonsense":  {"PUT", "/api/things/abcd", `{}`, 400, "1", "", "", ""},
		"no operation":           {"GET", "/api/things/a", "", 404, "1", "", "", ""},
		"a granted no operation": {"GET", "/api/things/a", "", 200, "1", "", "", "no operation"},
		"another status":         {"PUT", "/api/things/a", `{"Name":"x"}`, 409, "1", "", "", "status 409"},
		"no header":              {"PUT", "/api/things/a", `{"Name":"x"}`, 200, "", "application/json", `{"Name":"x"}`, "X-Request-Id is missing"},
		"another media type":     {"PUT", "/api/things/a", `{"Name":"x"}`, 200, "1", "text/plain", `{"Name":"x"}`, "Content-Type"},
		"a member more":          {"PUT", "/api/things/a", `{"Name":"x"}`, 200, "1", "application/json", `{"Name":"x","More":1}`, "More"},
		"a hidden character":     {"PUT", "/api/things/a", `{"Name":"x"}`, 200, "1", "application/json", "{\"Name\":\"a\u200bb\"}", "pattern"},
		"a body of a refusal":    {"PUT", "/api/things/a", `{}`, 400, "1", "application/json", `{}`, "has a body"},
		"a bad path granted":     {"PUT", "/api/things/abcd", `{"Name":"x"}`, 200, "1", "application/json", `{"Name":"x"}`, "parameter id"},
		"a bad query granted":    {"PUT", "/api/things/a?size=10", `{"Name":"x"}`, 200, "1", "application/json", `{"Name":"x"}`, "parameter size"},
		"a bad body granted":     {"PUT", "/api/things/a", `{}`, 200, "1", "application/json", `{"Name":"x"}`, "request"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(x.method, x.target, nil)
			r.Header.Set("Content-Type", "application/json")
			h := http.Header{}
			if x.id != "" {
				h.Set("X-Request-Id", x.id)
			}
			h.Set("Content-Type", x.media)
			err := c.Check(contract.Exchange{Request: r, Sent: []byte(x.sent), Status: x.status, Header: h, Got: []byte(x.got)})
			switch {
			case x.want == "" && err != nil:
				t.Error(err)
			case x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)):
				t.Errorf("got %v, want %q", err, x.want)
			}
		})
	}
}
