package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Function is a function in a process of its own. It is a lambda.Handler.
type Function struct {
	cmd    *exec.Cmd
	server *http.Server
	said   output

	turn   sync.Mutex // Lambda gives a process one event at a time
	events chan event
	ended  chan struct{} // the process
}

// event is one to be answered.
type event struct {
	payload  []byte
	deadline time.Time
	answer   chan<- answer
}

type answer struct {
	text   []byte
	failed bool
}

// Start runs the program of the path with these variables, those that Lambda
// sets itself, and none of ours. It does not wait for the program to be ready.
func Start(path string, variables map[string]string) (*Function, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Function{events: make(chan event), ended: make(chan struct{})}
	f.server = &http.Server{Handler: f.runtime(), ReadHeaderTimeout: time.Minute}
	f.cmd = exec.Command(path)
	f.cmd.Dir = filepath.Dir(path)
	f.cmd.Stdout, f.cmd.Stderr = &f.said, &f.said
	f.cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "LAMBDA_TASK_ROOT=" + f.cmd.Dir, "_HANDLER=bootstrap",
		"AWS_LAMBDA_FUNCTION_NAME=" + filepath.Base(f.cmd.Dir), "PATH=/usr/local/bin:/usr/bin:/bin", "TZ=:UTC"}
	for name, value := range variables {
		f.cmd.Env = append(f.cmd.Env, name+"="+value)
	}
	if err := f.cmd.Start(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	go func() { _ = f.server.Serve(listener) }() // until Close
	go func() {
		_ = f.cmd.Wait() // how it ended is asked of the process
		close(f.ended)
	}()
	return f, nil
}

// Close kills the process.
func (f *Function) Close() error {
	_ = f.cmd.Process.Kill() // unless it has ended
	<-f.ended
	return f.server.Close()
}

// Invoke has the function answer an event. What it answers with an error, and
// the process's end, are errors with all that the process said so far.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	deadline, _ := ctx.Deadline()
	answered := make(chan answer, 1)
	events := f.events
	for {
		select {
		case events <- event{payload, deadline, answered}:
			events = nil // it has been taken
		case a := <-answered:
			if a.failed {
				return nil, f.because("it failed: " + string(a.text))
			}
			return a.text, nil
		case <-f.ended:
			return nil, f.because("the process ended: " + f.cmd.ProcessState.String())
		case <-ctx.Done():
			return nil, f.because(ctx.Err().Error())
		}
	}
}

// patience is how long a process may take for an event, from its start.
const patience = time.Minute

func (f *Function) because(what string) error {
	if said := strings.TrimSpace(f.said.text()); said != "" {
		what += "\n" + said
	}
	return errors.New(what)
}

// runtime is Lambda's part.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (f *Function) runtime() http.Handler {
	const root = "/2018-06-01/runtime/"
	var (
		mu  sync.Mutex
		now event
		id  int
	)
	answered := func(failed bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text, err := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || r.PathValue("id") != strconv.Itoa(id) || now.answer == nil {
				http.Error(w, "no such invocation", http.StatusBadRequest)
				return
			}
			now.answer <- answer{text, failed}
			now.answer = nil
			w.WriteHeader(http.StatusAccepted)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+root+"invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case e := <-f.events:
			mu.Lock()
			defer mu.Unlock()
			id++
			now = e
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", strconv.Itoa(id))
			h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(e.deadline.UnixMilli(), 10))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:"+filepath.Base(f.cmd.Dir))
			w.Write(e.payload)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST "+root+"invocation/{id}/response", answered(false))
	mux.HandleFunc("POST "+root+"invocation/{id}/error", answered(true))
	return mux
}

// output is what a process said.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
