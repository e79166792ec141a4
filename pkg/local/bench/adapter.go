package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"charter/pkg/local/bootstrap"
	"charter/pkg/local/calls"
)

// What stands in the place of what, for a function without aws-lambda-go-api-proxy.
const (
	adapter    = "pkg/lambdahttp/lambdahttp.go"
	ownAdapter = "pkg/local/bench/testdata/own_adapter.go"
)

// paired are the functions with which the two are compared: one that reads, one
// that writes.
var paired = []string{"get-organization", "create-price-tier"}

// adapters prints what aws-lambda-go-api-proxy costs the functions: how they do
// with it, as ratios to how they do with an adapter of our own.
func (b bench) adapters(ctx context.Context, w io.Writer, made []calls.Call) error {
	out := b.path("adapter.json")
	if err := overlay(out, adapter, ownAdapter); err != nil {
		return err
	}
	var names []string
	for _, c := range made {
		names = append(names, c.Function)
	}
	if err := os.Mkdir(b.path("own"), 0o700); err != nil {
		return err
	}
	if err := bootstrap.Build(ctx, b.path("own"), names, "-overlay", out); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nWith aws-lambda-go-api-proxy, as ratios to the same function with an adapter of our own:")
	for _, c := range made {
		var cold, warm, cpu, difference []float64
		for range runs {
			both, err := b.lambdabench(ctx, c, b.memory(c), []string{b.program(c, filepath.Join("own", c.Function)), b.program(c, c.Function)}, "-cold", "12", "-n", "300", "-block", "10", "-warmup", "20")
			if err != nil {
				return err
			}
			without, with := both[0], both[1]
			cold = append(cold, with.cold()/without.cold())
			warm = append(warm, with.warm()/without.warm())
			cpu = append(cpu, with.CPUUS/without.CPUUS)
			difference = append(difference, with.CPUUS-without.CPUUS)
		}
		fmt.Fprintf(w, "%28s   cold x %.2f   warm x %.2f   CPU x %.2f, %+.0f us\n", c.Function,
			percentile(cold, 50), percentile(warm, 50), percentile(cpu, 50), percentile(difference, 50))
	}
	return nil
}
