// Command smoke shows that what is deployed works: every function as built, or a stack.
//
//	make smoke                   every function as it is built for Lambda
//	make smoke URL=https://...   a deployed stack, or make run
//
// The functions are built for this machine, where arm64 is deployed, with the flags that are deployed. Each runs in a process
// of its own that has the variables which template.yaml gives it and those of Lambda, and no others; it takes its events from
// a Runtime API on loopback, and its table is the embedded one. It answers the file that events/ has for it twice or more: as
// the file stands, and on a walk through every function, where the ids and bodies are those of the walk.
//
// A stack is walked as a caller walks it, over HTTPS. Afterwards smoke takes back what the API can take back, and says what is left.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	url := flag.String("url", "", "the stack to walk, with its stage; without it the functions are tried")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends at once
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	var err error
	if *url != "" {
		err = stack(ctx, os.Stdout, *url)
	} else {
		err = functions(ctx, os.Stdout)
	}
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}
