// Command cmd runs Charter on a laptop.
//
//	go run ./pkg/local/cmd        serve, until SIGINT or SIGTERM
//	go run ./pkg/local/cmd key    print a new secret for Secrets Manager
//	go run ./pkg/local/cmd audit  check that a table is whole, without writing to it
//
// PORT is the port to listen on (default 3000, 0 picks a free one), DATA the
// folder that keeps everything (default .charter), TRUSTED_ISSUERS other issuers
// whose tokens are taken, as template.yaml has them. With LIMITS=cloud one source
// address may make as many requests as template.yaml says, not any number. It
// listens on 127.0.0.1 only.
//
// What is audited is the folder of a service that was stopped, or with TABLE_NAME
// a deployed table: then AWS_REGION and the usual credentials have to be set. Its
// exit status is 1 when something is not whole, and 2 when it could not look.
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
	"charter/pkg/table"
)

func main() {
	run := serve
	if len(os.Args) > 1 {
		run = map[string]func() error{"key": printKey, "audit": audit}[os.Args[1]]
	}
	if run == nil {
		fmt.Fprintln(os.Stderr, "charter: there is no command", os.Args[1])
		os.Exit(2)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "charter:", err)
		if errors.As(err, new(notAudited)) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
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

// notAudited is why a table could not be looked at.
type notAudited struct{ error }

var errNotWhole = errors.New("the table is not whole")

func audit() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	look, folder := local.AuditDeployed, os.Getenv("DATA")
	switch {
	case folder != "" && os.Getenv("TABLE_NAME") != "":
		return notAudited{errors.New("DATA and TABLE_NAME name two tables")}
	case os.Getenv("TABLE_NAME") == "":
		look = func(ctx context.Context) (table.Report, error) {
			return local.AuditFolder(ctx, cmp.Or(folder, ".charter"))
		}
	}
	report, err := look(ctx)
	if err != nil {
		return notAudited{err}
	}
	local.PrintReport(os.Stdout, report)
	if !report.Whole() {
		return errNotWhole
	}
	return nil
}
