package commerce

import (
	"net/http"
	"time"

	"charter/pkg/httpapi"
	"charter/pkg/text"
)

// read is an endpoint that changes nothing, for signed-in callers.
func read(do httpapi.Do) http.Handler { return httpapi.Endpoint{Dialect: dialect, Do: do} }

// write is an endpoint with a JSON body that changes something.
func write(do httpapi.Do) http.Handler {
	return httpapi.Endpoint{Dialect: dialect, Body: true, Write: true, Do: do}
}

// form is write for what is done anew each time.
func form(do httpapi.Do) http.Handler { return httpapi.Endpoint{Dialect: dialect, Body: true, Do: do} }

// publicWrite is write for anybody.
func publicWrite(do httpapi.Do) http.Handler {
	return httpapi.Endpoint{Dialect: dialect, Public: true, Body: true, Write: true, Do: do}
}

// publicForm is form for anybody.
func publicForm(do httpapi.Do) http.Handler {
	return httpapi.Endpoint{Dialect: dialect, Public: true, Body: true, Do: do}
}

// instant is a time as the answers show it: ISO 8601 in UTC with milliseconds.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// parseID reads an id as a caller sends it. Whether it names anything is the
// table's to say.
func parseID(s string) (string, error) { return text.Parse(s, 1, 64) }

// success is the answer of a change that has nothing to show.
var success = struct{ Success bool }{true}
