package direct

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTransport(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Host", r.Host+r.URL.Host)
		w.WriteHeader(http.StatusTeapot)
		io.Copy(w, r.Body)
	})
	client := http.Client{Transport: Transport(echo)}
	answer, err := client.Post("http://nowhere.example/x", "text/plain", strings.NewReader("said"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusTeapot || string(body) != "said" || answer.Header.Get("X-Host") == "" {
		t.Errorf("%d %q %v", answer.StatusCode, body, answer.Header)
	}
}

func TestTransportDoesNotWaitForAHandlerThatIsHeldUp(t *testing.T) {
	held := make(chan struct{})
	defer close(held)
	began := make(chan struct{})
	client := http.Client{Transport: Transport(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(began)
		<-held
	}))}
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://nowhere.example/", http.NoBody)
	go func() {
		<-began
		cancel()
	}()
	for _, when := range []string{"while it is held up", "before"} {
		answer, err := client.Do(r)
		if err == nil {
			answer.Body.Close()
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a request that ends %s: %v", when, err)
		}
	}
}
