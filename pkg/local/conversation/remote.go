package conversation

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// At is a service that runs elsewhere, as a handler: Run then talks to the base
// URL, such as http://127.0.0.1:8080. A service that cannot be reached answers
// 502 and says why.
func At(base string) http.Handler {
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := forward(transport, strings.TrimSuffix(base, "/"), w, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
}

// forward writes an answer that was read to its end, or nothing.
func forward(transport http.RoundTripper, base string, w http.ResponseWriter, r *http.Request) error {
	to, err := url.Parse(base + r.RequestURI)
	if err != nil {
		return err
	}
	out := r.Clone(r.Context())
	out.URL, out.RequestURI = to, ""
	if r.Host == host {
		out.Host = to.Host
	}
	answer, err := transport.RoundTrip(out)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	w.Write(body)
	return nil
}
