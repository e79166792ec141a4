// Package direct is a way to a handler without a socket.
package direct

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
)

// Transport has every request, wherever it was meant to go, answered by the
// handler. A request whose context ends fails with the context's error at once,
// even where the handler is held up; as with a socket, what it asked for may yet
// be done.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var body []byte
	if r.Body != nil {
		// Read here, for the caller may send the same body again while the handler is held up.
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	call := r.Clone(ctx)
	call.Body = io.NopCloser(bytes.NewReader(body))
	answered := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		w := httptest.NewRecorder()
		t.handler.ServeHTTP(w, call)
		answered <- w
	}()
	select {
	case w := <-answered:
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		answer := w.Result()
		answer.Request = r
		return answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
