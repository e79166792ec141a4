// Package platform is the /v1 dialect, one file an endpoint; envelope.go maps faults to answers.
package platform

import (
	"net/http"

	"charter/pkg/fault"
	"charter/pkg/httpapi"
)

var dialect = httpapi.Dialect{Problem: refusal}

type success struct {
	Success bool `json:"success"`
	Data    any  `json:"data"`
}

type message struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

type failure struct {
	Success bool   `json:"success"`
	Error   string `json:"error"`
}

// data is an answer that holds something.
func data(status int, v any) httpapi.Reply {
	return httpapi.Reply{Status: status, Body: success{true, v}}
}

// done is an answer that says what was done.
func done(sentence string) httpapi.Reply { return httpapi.OK(message{true, sentence}) }

// status is the one map from what went wrong to an HTTP status.
func status(f fault.Fault) int {
	switch f.Kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		if f.Field != "" { // it is the request that names nothing
			return http.StatusBadRequest
		}
		return http.StatusNotFound
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.Taken, fault.Conflict, fault.Repeated:
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

// refusal answers the first fault, in one sentence that names its field. No
// faults: internal.
func refusal(faults []fault.Fault) httpapi.Reply {
	if len(faults) == 0 {
		return httpapi.Reply{Status: http.StatusInternalServerError, Body: failure{Error: "Internal server error"}}
	}
	sentence := faults[0].Error()
	if faults[0].Kind == fault.Forbidden {
		sentence = "Forbidden: " + sentence
	}
	return httpapi.Reply{Status: status(faults[0]), Body: failure{Error: sentence}}
}
