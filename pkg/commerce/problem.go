// Package commerce is the /api dialect, one file an endpoint; problem.go maps faults to answers.
package commerce

import (
	"cmp"
	"net/http"

	"charter/pkg/fault"
	"charter/pkg/httpapi"
)

var dialect = httpapi.Dialect{FoldNames: true, Problem: problem}

// problemDetails is an error answer (RFC 9457).
type problemDetails struct {
	Type   string              `json:"type"`
	Title  string              `json:"title"`
	Status int                 `json:"status"`
	Detail string              `json:"detail,omitempty"`
	Code   string              `json:"code"`
	Errors map[string][]string `json:"errors,omitempty"`
}

const (
	problemType = "application/problem+json; charset=utf-8"
	rfc9110     = "https://tools.ietf.org/html/rfc9110#section-"
	rfc6585     = "https://tools.ietf.org/html/rfc6585#section-4"
)

var titles = map[int]struct{ section, title string }{
	http.StatusBadRequest:            {rfc9110 + "15.5.1", "One or more validation errors occurred"},
	http.StatusUnauthorized:          {rfc9110 + "15.5.2", "Unauthorized"},
	http.StatusForbidden:             {rfc9110 + "15.5.4", "Forbidden"},
	http.StatusNotFound:              {rfc9110 + "15.5.5", "Not Found"},
	http.StatusConflict:              {rfc9110 + "15.5.10", "Conflict"},
	http.StatusRequestEntityTooLarge: {rfc9110 + "15.5.14", "Content Too Large"},
	http.StatusUnsupportedMediaType:  {rfc9110 + "15.5.16", "Unsupported Media Type"},
	http.StatusUnprocessableEntity:   {rfc9110 + "15.5.21", "Unprocessable Content"},
	http.StatusTooManyRequests:       {rfc6585, "Too Many Requests"},
	http.StatusInternalServerError:   {rfc9110 + "15.6.1", "An error occurred while processing your request"},
	http.StatusServiceUnavailable:    {rfc9110 + "15.6.4", "Service Unavailable"},
}

// status is the one map from what went wrong to an HTTP status. In this
// dialect whatever a field names and is not so is 400: a name that is taken, a
// user, tier or organization that does not exist, the last admin.
func status(f fault.Fault) int {
	switch f.Kind {
	case fault.Invalid, fault.Taken, fault.Conflict:
		return http.StatusBadRequest
	case fault.NotFound:
		if f.Field != "" {
			return http.StatusBadRequest
		}
		return http.StatusNotFound
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.Repeated:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.NotJSON:
		return http.StatusUnsupportedMediaType
	case fault.Unprocessable:
		return http.StatusUnprocessableEntity
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// body is the field of what is wrong with the request as a whole.
const body = "Body"

// problem answers faults. The first one decides the status; no faults: internal.
func problem(faults []fault.Fault) httpapi.Reply {
	p := problemDetails{Status: http.StatusInternalServerError, Code: "internal"}
	if len(faults) > 0 {
		p.Status = status(faults[0])
		p.Code = cmp.Or(faults[0].Code, string(faults[0].Kind))
	}
	switch {
	case p.Status == http.StatusBadRequest:
		p.Errors = map[string][]string{}
		for _, f := range faults {
			field := cmp.Or(f.Field, body)
			p.Errors[field] = append(p.Errors[field], f.Message)
		}
	case p.Status != http.StatusInternalServerError:
		p.Detail = faults[0].Message
	}
	t := titles[p.Status]
	p.Type, p.Title = t.section, t.title
	return httpapi.Reply{Status: p.Status, Body: p, Type: problemType}
}
