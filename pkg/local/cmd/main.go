// Command cmd runs Charter on a laptop.
//
//	go run ./pkg/local/cmd         serve, until SIGINT or SIGTERM
//	go run ./pkg/local/cmd key     print a new secret for Secrets Manager
//	go run ./pkg/local/cmd audit   check that a table is whole, without writing to it
//	go run ./pkg/local/cmd export  print all of the organization ORG, a record a line
//	go run ./pkg/local/cmd erase   erase the organization ORG, whose slug YES has to repeat
//	go run ./pkg/local/cmd import  enter the customers and links of FILE into ORG, with APPLY=1
//
// PORT is the port to listen on (default 3000, 0 picks a free one), DATA the
// folder that keeps everything (default .charter), TRUSTED_ISSUERS other issuers
// whose tokens are taken, as template.yaml has them. With LIMITS=cloud one source
// address may make as many requests as template.yaml says, not any number. It
// listens on 127.0.0.1 only.
//
// All but the first two work on the folder of a service that was stopped, or with
// TABLE_NAME on a deployed table: then AWS_REGION and the usual credentials have
// to be set. Their exit status is 1 when something is not whole or was done in
// part, and 2 when nothing was done.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"charter/pkg/local"
	"charter/pkg/local/watch"
)

func main() {
	run := serve
	if len(os.Args) > 1 {
		run = map[string]func() error{"key": printKey, "audit": audit, "export": export, "erase": erase, "import": importFile}[os.Args[1]]
	}
	if run == nil {
		fmt.Fprintln(os.Stderr, "charter: there is no command", os.Args[1])
		os.Exit(2)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "charter:", err)
		if errors.As(err, new(notDone)) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func serve() error {
	ctx, stop := untilSignal()
	defer stop()
	slog.SetDefault(slog.New(watch.Logs(slog.NewJSONHandler(os.Stderr, nil))))
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", cmp.Or(os.Getenv("PORT"), "3000")))
	if err != nil {
		return err
	}
	defer listener.Close()
	service, err := local.Start(local.Options{Template: "template.yaml", Data: cmp.Or(os.Getenv("DATA"), ".charter"),
		Issuers: os.Getenv("TRUSTED_ISSUERS"), CloudLimits: os.Getenv("LIMITS") == "cloud"})
	if err != nil {
		return err
	}
	server := &http.Server{Handler: service, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	fmt.Printf("Charter is listening on http://%s\n\n%s\n", listener.Addr(), fmt.Sprintf(greeting, listener.Addr()))
	select {
	case err = <-done:
	case <-ctx.Done():
		stop() // a second signal ends at once
		err = shutdown(server)
	}
	return errors.Join(err, service.Close())
}

// shutdown lets the requests under way end.
func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}

const greeting = `Make an organization:

  curl -i http://%[1]s/api/organizations -H 'Content-Type: application/json' -d '{"Organization":{"Name":"Acme Corp"},
    "User":{"FirstName":"John","LastName":"Doe","Email":"john.doe@acmecorp.com","Password":"Password1234!"}}'

The API to try, letters, table and requests: http://%[1]s/_local/`

func printKey() error {
	secret, err := local.NewSecret()
	if err != nil {
		return err
	}
	fmt.Println(string(secret))
	return nil
}

// notDone is why a command did nothing.
type notDone struct{ error }

// untilSignal is a context that ends with SIGINT or SIGTERM.
func untilSignal() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

var errNotWhole = errors.New("the table is not whole")

func audit() error {
	ctx, stop := untilSignal()
	defer stop()
	where, err := folder()
	if err != nil {
		return notDone{err}
	}
	report, err := local.Audit(ctx, where)
	if err != nil {
		return notDone{err}
	}
	local.PrintReport(os.Stdout, report)
	if !report.Whole() {
		return errNotWhole
	}
	return nil
}
