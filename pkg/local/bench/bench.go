package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"charter/pkg/local/bootstrap"
	"charter/pkg/local/calls"
)

// bench has the harness, the floors and the functions, built.
type bench struct {
	folder   string
	world    *calls.World
	unhashed bool // no password is hashed, and there are 256 MB
	shares   bool // of a CPU can be granted here
	gap      time.Duration
}

// The floors: a program of its own that signs one request to the table, and one
// that answers and asks nobody.
const (
	asking = "ddbfloor"
	silent = "rawhttp"
)

// core is the memory, in MB, with which a function has a whole core.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const core = 1769

// share is how much of a core a function has. The harness grants it, by the
// first version of cgroups and as root.
func share(memory int) float64 { return min(1, float64(memory)/core) }

func sharesGranted() bool {
	const group = "/sys/fs/cgroup/cpu/charter-bench"
	return os.Mkdir(group, 0o700) == nil && os.Remove(group) == nil
}

// surroundings are the variables that Lambda's machine has and this one has
// not. ROOTS is how a floor is told the roots that a function has built in.
const surroundings = `AWS_ENDPOINT_URL_DYNAMODB=${STUB_HTTPS}
AWS_ENDPOINT_URL_SES=${STUB_HTTPS}
AWS_CA_BUNDLE=${STUB_CA_ONLY}
ROOTS=${STUB_CA_ONLY}
SSL_CERT_DIR=${STUB_CA_AL2023}
`

// build builds into the folder what made calls, with the flags that it finds in
// the environment, and writes down the calls for the harness.
func (b bench) build(ctx context.Context, harness string, made []calls.Call) error {
	plain := []string{"CGO_ENABLED=0", "GOFLAGS="}
	lean := []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath -tags=lambda.norpc '-ldflags=-s -w'"}
	errs := []error{goBuild(ctx, harness, b.path("lambdabench"), ".", plain)}
	for _, floor := range []string{asking, silent} {
		errs = append(errs, goBuild(ctx, harness, b.path(floor, "bootstrap"), "./floors/"+floor, lean))
	}
	errs = append(errs, os.WriteFile(b.path("surroundings.env"), []byte(surroundings), 0o600))
	var names, flags []string
	for _, c := range made {
		names = append(names, c.Function)
		errs = append(errs, b.write(c))
	}
	if b.unhashed {
		overlay, err := b.passwordsUnhashed()
		errs, flags = append(errs, err), []string{"-overlay", overlay}
	}
	return errors.Join(append(errs, bootstrap.Build(ctx, b.folder, names, flags...))...)
}

func (b bench) path(parts ...string) string {
	return filepath.Join(slices.Insert(parts, 0, b.folder)...)
}

func goBuild(ctx context.Context, folder, out, pkg string, env []string, flags ...string) error {
	cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{"build", "-o", out}, flags, []string{pkg})...)
	cmd.Dir, cmd.Env, cmd.Stderr = folder, append(os.Environ(), env...), os.Stderr
	return cmd.Run()
}

// write writes down a call and its answers.
func (b bench) write(c calls.Call) error {
	errs := []error{
		os.MkdirAll(b.path(c.Function, "answers"), 0o700),
		os.WriteFile(b.path(c.Function, "event.json"), c.Event, 0o600),
	}
	for operation, answer := range answers(c) {
		errs = append(errs, os.WriteFile(b.path(c.Function, "answers", operation+".json"), answer, 0o600))
	}
	return errors.Join(errs...)
}

// measure runs a function beside its floor, and returns how the two did.
func (b bench) measure(ctx context.Context, c calls.Call) (floor, own result, err error) {
	program := b.program(c, c.Function)
	if _, err := b.lambdabench(ctx, c, b.memory(c), []string{program}, "-cold", "1", "-n", "1", "-warmup", "1", "-expect", expect(c)); err != nil {
		return floor, own, err
	}
	both, err := b.lambdabench(ctx, c, b.memory(c), []string{b.floor(c), program}, "-cold", "12", "-n", "100", "-block", "20", "-warmup", "20")
	if err != nil {
		return floor, own, err
	}
	return both[0], both[1], nil
}

func (b bench) floor(c calls.Call) string {
	name := asking
	if len(c.Requests) == 0 {
		name = silent
	}
	return name + "=" + b.path(name, "bootstrap")
}

// program is one for the harness, with the variables of the function.
func (b bench) program(c calls.Call, name string) string {
	parts := []string{name + "=" + b.path(name, "bootstrap")}
	for _, name := range slices.Sorted(maps.Keys(c.Variables)) {
		parts = append(parts, name+"="+c.Variables[name])
	}
	return strings.Join(parts, ";")
}

func (b bench) memory(c calls.Call) int {
	if b.unhashed {
		return 256
	}
	return b.world.Function(c.Function).Memory
}

// errAnswer is a function that does not succeed with the answers that it gets: the
// harness has one for each kind of request, however often it is made.
var errAnswer = errors.New("another answer than expected")

// lambdabench runs programs in turn, with so many MB, the event of a call and the
// answers to it.
func (b bench) lambdabench(ctx context.Context, c calls.Call, memory int, programs []string, options ...string) ([]result, error) {
	out := b.path(c.Function, "results.json")
	args := append([]string{
		"-event", b.path(c.Function, "event.json"), "-stubdir", b.path(c.Function, "answers"),
		"-env", b.path("surroundings.env"), "-json", out, "-gap", b.gap.String(), "-memory", fmt.Sprint(memory),
		"-maxload", "0.4", "-quietwait", "3s", // a busy machine is waited for, in moderation
	}, options...)
	for _, program := range programs {
		args = append(args, "-b", program)
	}
	if b.shares {
		args = append(args, "-cpu", fmt.Sprintf("%.4f", share(memory)))
	}
	if said, err := exec.CommandContext(ctx, b.path("lambdabench"), args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", c.Function, err, said)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	var results []result
	if err := json.Unmarshal(text, &results); err != nil {
		return nil, err
	}
	for _, r := range results {
		if r.Errors > 0 {
			return nil, fmt.Errorf("%w: %s: %d errors, the first: %s", errAnswer, r.Name, r.Errors, r.Err)
		}
	}
	return results, nil
}

// result is what the harness tells of a program, all samples of it.
type result struct {
	Name         string
	RawKB, ZipKB float64
	InitMS       []float64
	FirstMS      []float64 // from the start of the process to the end of the first call
	WarmUS       []float64
	CPUUS        float64 // a call
	Calls        float64 // requests to AWS, a call
	Errors       int
	Err          string
}

func (r result) init() float64 { return percentile(r.InitMS, 50) }
func (r result) cold() float64 { return percentile(r.FirstMS, 50) }
func (r result) warm() float64 { return percentile(r.WarmUS, 50) }

func percentile(samples []float64, p int) float64 {
	if len(samples) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// all prints a line a function.
func (b bench) all(ctx context.Context, w io.Writer, made []calls.Call) (failed error) {
	fmt.Fprintf(w, "%28s %5s %7s %7s %5s %7s %5s %7s %7s %5s %6s %6s %5s\n", "function", "MB", "init ms", "cold ms", "x", "warm us", "x", "p99 us",
		"CPU us", "x", "raw KB", "zip KB", "calls")
	for _, c := range made {
		floor, own, err := b.measure(ctx, c)
		switch {
		case errors.Is(err, errAnswer):
			fmt.Fprintf(w, "%28s is not measured: %v\n", c.Function, err)
			continue
		case err != nil:
			failed = errors.Join(failed, err)
			continue
		}
		fmt.Fprintf(w, "%28s %5d %7.1f %7.1f %5.2f %7.0f %5.2f %7.0f %7.0f %5.2f %6.0f %6.0f %5.2g\n", own.Name, b.memory(c), own.init(), own.cold(),
			own.cold()/floor.cold(), own.warm(), own.warm()/floor.warm(), percentile(own.WarmUS, 99), own.CPUUS,
			own.CPUUS/floor.CPUUS, own.RawKB, own.ZipKB, own.Calls)
	}
	return failed
}

func expect(c calls.Call) string {
	for _, part := range []string{`"statusCode":20`, `"Effect":"Allow"`, `"batchItemFailures":[]`} {
		if strings.Contains(string(c.Answer), part) {
			return part
		}
	}
	return cmp.Or(string(c.Answer), "?")
}
