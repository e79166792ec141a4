package calls

import (
	"io"
	"maps"
	"net/http"

	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/local"
)

// Variables are all that Lambda gives a function which is elsewhere, for whom
// AWS is at a URL: where the World is served.
func (w *World) Variables(function, aws string) (map[string]string, error) {
	f := w.Function(function)
	e, err := local.Environment(w.options, f, nil)
	if err != nil {
		return nil, err
	}
	variables := map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": aws, "AWS_ENDPOINT_URL_SES": aws}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		variables[name] = e.Get(name)
	}
	for name := range f.Environment {
		variables[name] = e.Get(name)
	}
	return variables, nil
}

// open finds a function for one call: it is here unless it is elsewhere.
func (w *World) open(function string, here lambda.Handler, record *recorder) (lambda.Handler, error) {
	if w.Elsewhere == nil {
		return here, nil
	}
	w.now.Store(record)
	return w.Elsewhere(function)
}

// ServeHTTP is AWS for functions elsewhere. What they ask belongs to the call
// under way, if there is one.
func (w *World) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet { // a connection that is made ahead
		return
	}
	record := w.now.Load()
	if record == nil {
		record = newRecorder(w)
	}
	answer, err := record.RoundTrip(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	maps.Copy(rw.Header(), answer.Header)
	rw.Header().Del("Content-Length") // it was of the whole answer
	rw.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(rw, answer.Body) // whom it was for may have gone
}
