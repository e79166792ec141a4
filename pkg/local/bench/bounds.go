package main

import (
	"context"
	"fmt"
	"io"

	"charter/pkg/local/calls"
)

// bound is the most that a function may take: as ratios to its floor, and in
// requests to the table. A ratio is the median of those of several runs, which
// a busy machine moves little: what is beside it waits as well.
type bound struct{ cold, warm, cpu, raw, calls float64 }

var bounds = map[string]bound{
	"authorizer":          {2.5, 4.5, 5.8, 9200, 0},
	"create-organization": {3.5, 6.1, 10.6, 9200, 4},
	"create-price-tier":   {2.0, 4.0, 5.8, 9000, 1},
	"get-organization":    {2.0, 4.0, 5.8, 9000, 1},
	"list-associations":   {2.3, 4.0, 7.2, 9000, 2},
}

const (
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
	for _, c := range made {
		var cold, warm, cpu []float64
		var own result
		for range runs {
			var floor result
			if floor, own, err = b.measure(ctx, c); err != nil {
				return nil, err
			}
			cold = append(cold, own.cold()/floor.cold())
			warm = append(warm, own.warm()/floor.warm())
			cpu = append(cpu, own.CPUUS/floor.CPUUS)
		}
		most := bounds[c.Function]
		fmt.Fprintf(w, "%20s", c.Function)
		for _, m := range []struct {
			what        string
			value, most float64
		}{
			{"cold x", percentile(cold, 50), most.cold}, {"warm x", percentile(warm, 50), most.warm}, {"CPU x", percentile(cpu, 50), most.cpu},
			{"raw KB", own.RawKB, most.raw}, {"zip KB", own.ZipKB, mostZip}, {"calls", own.Calls, most.calls},
		} {
			fmt.Fprintf(w, "   %s %.4g of %g", m.what, m.value, m.most)
			if !(m.value <= m.most) { // nor what was not measured
				broken = append(broken, fmt.Sprintf("%s: %s %.4g of %g", c.Function, m.what, m.value, m.most))
			}
		}
		fmt.Fprintln(w)
	}
	return broken, nil
}
