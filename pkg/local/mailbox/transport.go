package mailbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Transport is a way to the mailbox without a socket: every request, wherever
// it was meant to go, is answered by ServeHTTP.
func (m *Mailbox) Transport() http.RoundTripper { return transport{m} }

type transport struct{ handler http.Handler }

// RoundTrip answers when the handler has. A request whose context ended before
// is not served.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	served := r.Clone(r.Context())
	if served.Body == nil {
		served.Body = http.NoBody
	}
	w := &writer{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(w, served)
	return &http.Response{
		Status:     fmt.Sprint(w.status, " ", http.StatusText(w.status)),
		StatusCode: w.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        w.header,
		ContentLength: int64(w.body.Len()),
		Body:          io.NopCloser(&w.body),
		Request:       r,
	}, nil
}

type writer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *writer) Header() http.Header            { return w.header }
func (w *writer) WriteHeader(status int)         { w.status = status }
func (w *writer) Write(part []byte) (int, error) { return w.body.Write(part) }
