// Command bench measures every function as it is deployed, beside the least that could do its work.
//
//	make bench      every function, once, as a table; one beside a function as it is usually written; and what
//	                aws-lambda-go-api-proxy costs
//	make bounds     the functions that have bounds; it fails where one does not hold
//
// It builds for this machine, where arm64 is deployed, with the flags that are deployed; calls each function with an event
// that succeeds; and lets the table answer what the embedded table answered. Outside the process it measures with
// lambdabench, which plays Lambda's runtime API, its share of a CPU, and Amazon Linux 2023's root certificates. That
// harness is for development and stands beside the project; without it bench measures in process only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"charter/pkg/local/calls"
)

func main() {
	harness := flag.String("harness", "../shared/lambdabench", "the folder of lambdabench")
	check := flag.Bool("check", false, "measure what has bounds, several times, and fail where one does not hold")
	gap := flag.Duration("gap", 25*time.Millisecond, "between warm calls; with less a function has used up its share of a CPU before the next one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	err := run(ctx, *harness, *check, *gap, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errFlags is a bench that would not build what is deployed.
var errFlags = errors.New("the flags of a deployment are not in GOFLAGS; make bench puts them there")

// run measures the named functions, or all of them.
func run(ctx context.Context, harness string, check bool, gap time.Duration, names []string) error {
	folder, err := os.MkdirTemp("", "charter-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	world, err := calls.Open(".", folder)
	if err != nil {
		return err
	}
	defer world.Close()
	made, err := world.Walk(ctx, 0, false)
	if err != nil {
		return err
	}
	made = usual(made)
	if check {
		made = slices.DeleteFunc(made, func(c calls.Call) bool { _, bounded := bounds[c.Function]; return !bounded })
	}
	if len(names) > 0 {
		made = slices.DeleteFunc(made, func(c calls.Call) bool { return !slices.Contains(names, c.Function) })
	}
	fmt.Printf("%s, %s/%s, %d CPUs, %s\n", time.Now().UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	if _, err := os.Stat(harness); err != nil {
		fmt.Printf("There is no harness in %s, so this is measured in process only.\n\n", harness)
		return inProcess(os.Stdout, world, made)
	}
	if !strings.Contains(os.Getenv("GOFLAGS"), "lambda.norpc") {
		return errFlags
	}
	b := bench{folder: folder, world: world, unhashed: check, shares: sharesGranted(), gap: gap}
	if !b.shares {
		fmt.Println("This machine grants no shares of a CPU, so every function has a whole core.")
	}
	if err := b.build(ctx, harness, made); err != nil {
		return err
	}
	if check {
		return b.check(ctx, os.Stdout, made)
	}
	if err := b.all(ctx, os.Stdout, made); err != nil {
		return err
	}
	made = slices.DeleteFunc(made, func(c calls.Call) bool { return !slices.Contains(paired, c.Function) })
	if len(made) == 0 {
		return nil
	}
	return errors.Join(b.usual(ctx, os.Stdout, harness, made[0]), b.adapters(ctx, os.Stdout, made))
}

// usual is one call of each function, the first that nothing sets apart, or else
// the first.
func usual(made []calls.Call) []calls.Call {
	slices.SortStableFunc(made, func(a, b calls.Call) int { return strings.Compare(a.Case, b.Case) })
	seen := map[string]bool{}
	return slices.DeleteFunc(made, func(c calls.Call) bool {
		before := seen[c.Function]
		seen[c.Function] = true
		return before
	})
}
