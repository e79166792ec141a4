package main

import (
	"context"
	"fmt"
	"io"

	"charter/pkg/local/calls"
)

// usually is a program with one request to the table, as most are written: its
// client is made by the SDK's config package, trusts the roots of the machine, and
// connects at its first call.
const usually = "sdkload"

// usual prints how a function of ours does beside it, with the memory that
// samples have and with ours.
func (b bench) usual(ctx context.Context, w io.Writer, harness string, c calls.Call) error {
	if err := goBuild(ctx, harness, b.path(usually, "bootstrap"), "./floors/"+usually, []string{"CGO_ENABLED=0", "GOFLAGS="}); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%28s %5s %7s %7s %7s %7s\n", "one request", "MB", "init ms", "cold ms", "warm us", "CPU us")
	for _, memory := range []int{128, 256} {
		three, err := b.lambdabench(ctx, c, memory, []string{b.floor(c), b.program(c, c.Function), usually + "=" + b.path(usually, "bootstrap") + ";AWS_CA_BUNDLE="},
			"-cold", "12", "-n", "100", "-block", "20", "-warmup", "20")
		if err != nil {
			return err
		}
		for n, name := range []string{"the floor", c.Function, "as usually written"} {
			r := three[n]
			fmt.Fprintf(w, "%28s %5d %7.1f %7.1f %7.0f %7.0f\n", name, memory, r.init(), r.cold(), r.warm(), r.CPUUS)
		}
	}
	return nil
}
