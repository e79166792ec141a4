package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"charter/pkg/local/calls"
)

// bound is the most that a function may take: as ratios to its floor, and in
// requests to the table. A ratio is the median of those of several runs, which
// a busy machine moves little: what is beside it waits as well.
type bound struct{ cold, warm, cpu, calls float64 }

var bounds = map[string]bound{
	"authorizer":          {2.5, 4.5, 5.8, 0},
	"create-organization": {2.0, 4.0, 5.8, 2},
	"create-price-tier":   {2.0, 4.0, 5.8, 1},
	"get-organization":    {2.0, 4.0, 5.8, 1},
	"list-associations":   {2.0, 4.0, 5.8, 2},
}

const (
	mostRaw = 9000 // KB
	mostZip = 3800 // KB
	runs    = 3
)

// check measures the functions that have bounds, and all of them once more if
// one does not hold: then it fails.
func (b bench) check(ctx context.Context, w io.Writer, made []calls.Call) error {
	broken, err := b.hold(ctx, w, made)
	if err == nil && len(broken) > 0 {
		fmt.Fprintln(w, "\nOnce more.")
		broken, err = b.hold(ctx, w, made)
	}
	if err == nil && len(broken) > 0 {
		err = fmt.Errorf("bounds that do not hold: %v", broken)
	}
	return err
}

// hold prints what was measured beside its bounds, and returns what is over.
func (b bench) hold(ctx context.Context, w io.Writer, made []calls.Call) (broken []string, err error) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "function\tcold x\tat most\twarm x\tat most\tCPU x\tat most\traw KB\tzip KB\tcalls\tat most\t")
	for _, c := range made {
		var cold, warm, cpu []float64
		var own result
		for range runs {
			var floor result
			if floor, own, err = b.measure(ctx, c, "-cold", "12", "-n", "120", "-block", "20", "-maxload", "0.4", "-quietwait", "3s"); err != nil {
				return nil, err
			}
			cold = append(cold, own.cold()/floor.cold())
			warm = append(warm, own.warm()/floor.warm())
			cpu = append(cpu, own.CPUUS/floor.CPUUS)
		}
		most := bounds[c.Function]
		for _, m := range []struct {
			what        string
			value, most float64
		}{
			{"cold", percentile(cold, 50), most.cold}, {"warm", percentile(warm, 50), most.warm}, {"CPU", percentile(cpu, 50), most.cpu},
			{"calls", own.Calls, most.calls}, {"raw KB", own.RawKB, mostRaw}, {"zip KB", own.ZipKB, mostZip},
		} {
			if !(m.value <= m.most) { // nor what was not measured
				broken = append(broken, fmt.Sprintf("%s: %s %.2f, at most %g", c.Function, m.what, m.value, m.most))
			}
		}
		fmt.Fprintf(t, "%s\t%.2f\t%g\t%.2f\t%g\t%.2f\t%g\t%.0f\t%.0f\t%g\t%g\t\n", c.Function, percentile(cold, 50), most.cold,
			percentile(warm, 50), most.warm, percentile(cpu, 50), most.cpu, own.RawKB, own.ZipKB, own.Calls, most.calls)
	}
	return broken, t.Flush()
}
