package platform

import (
	"net/http"
	"time"

	"charter/pkg/httpapi"
)

// Endpoints come in two contexts, see context.go, and in three forms: those
// that read, those that change something, and those that take a JSON body for it.

func personalRead(do httpapi.Do) http.Handler {
	return httpapi.Endpoint{Dialect: dialect, Do: personal(do)}
}

func personalForm(do httpapi.Do) http.Handler {
	return httpapi.Endpoint{Dialect: dialect, Body: true, Write: true, Do: personal(do)}
}

func read(do httpapi.Do) http.Handler {
	return httpapi.Endpoint{Dialect: dialect, Do: inOrganization(do)}
}

func write(do httpapi.Do) http.Handler {
	return httpapi.Endpoint{Dialect: dialect, Write: true, Do: inOrganization(do)}
}

func form(do httpapi.Do) http.Handler {
	return httpapi.Endpoint{Dialect: dialect, Body: true, Write: true, Do: inOrganization(do)}
}

// instant is a time as the answers show it: ISO 8601 in UTC with milliseconds.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// orNull is a text that is null where it is unset.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
