package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
)

// The test binary is the function.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("NAME") == "" {
		panic("NAME is not set")
	}
	lambda.Start(func(ctx context.Context, word string) (string, error) {
		switch word {
		case "fail":
			return "", errors.New("no such word")
		case "exit":
			fmt.Println("last words")
			os.Exit(3)
		}
		_, limited := ctx.Deadline()
		return fmt.Sprint(os.Getenv("NAME"), " ", word, " ", limited, os.Getenv("OURS")), nil
	})
}

func start(t *testing.T, variables map[string]string) *Function {
	t.Helper()
	f, err := Start(os.Args[0], variables)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// Tried with the control that it must catch: a process that got our own
// variables beside its own.
func TestInvoke(t *testing.T) {
	t.Setenv("OURS", " ours")
	f := start(t, map[string]string{"NAME": "john"})
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			answer, err := f.Invoke(t.Context(), fmt.Appendf(nil, `"%d"`, n))
			if want := fmt.Sprintf(`"john %d true"`, n); err != nil || string(answer) != want {
				t.Errorf("%s %v, want %s", answer, err, want)
			}
		})
	}
	all.Wait()
	if _, err := f.Invoke(t.Context(), []byte(`"fail"`)); err == nil || !strings.Contains(err.Error(), "no such word") {
		t.Errorf("error %v", err)
	}
	if answer, err := f.Invoke(t.Context(), []byte(`"again"`)); err != nil || string(answer) != `"john again true"` {
		t.Errorf("after a failure: %s %v", answer, err)
	}
	for range 2 {
		if _, err := f.Invoke(t.Context(), []byte(`"exit"`)); err == nil || !strings.Contains(err.Error(), "exit status 3\n") || !strings.Contains(err.Error(), "last words") {
			t.Errorf("error %v", err)
		}
	}
}

// A function that does without a variable that it needs says so.
func TestStartWithout(t *testing.T) {
	_, err := start(t, nil).Invoke(t.Context(), []byte(`"hello"`))
	if err == nil || !strings.Contains(err.Error(), "NAME is not set") {
		t.Errorf("error %v", err)
	}
}
