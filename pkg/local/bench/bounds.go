package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"charter/pkg/local/calls"
)

// bound is the most that a function may take: as ratios to its floor, and in
// requests to the table. A ratio is the lower quartile of those of several runs:
// the bounds are for a quiet machine, and whatever else one does makes a ratio
// larger: it empties caches, and a floor has next to nothing in them.
type bound struct{ cold, warm, cpu, calls float64 }

// What was reached, and 15 % more, but no more than 2, 4 and 5.8, the
// authorizer's 2.5 and 4.5: its floor asks nobody.
var bounds = map[string]bound{
	"authorizer":          {2.0, 2.8, 2.6, 0},
	"create-organization": {2.0, 4.0, 5.8, 2},
	"create-price-tier":   {2.0, 3.3, 5.0, 1},
	"get-organization":    {2.0, 3.3, 5.0, 1},
	"list-associations":   {2.0, 3.4, 5.7, 2},
}

const (
	mostRaw = 9000 // KB
	mostZip = 3800 // KB
	runs    = 4
	tries   = 3
)

// check measures the functions that have bounds. It fails when one is over its own
// each time: whatever else the machine does can only add.
func (b bench) check(ctx context.Context, w io.Writer, made []calls.Call) error {
	var all []string
	for try := 1; try <= tries && len(made) > 0; try++ {
		var over []calls.Call
		all = nil
		for _, c := range made {
			broken, err := b.hold(ctx, w, c, try*runs)
			if err != nil {
				return err
			}
			if len(broken) > 0 {
				over, all = append(over, c), append(all, broken...)
			}
		}
		if made = over; len(made) > 0 && try < tries {
			fmt.Fprintln(w, "Once more:")
		}
	}
	if len(all) > 0 {
		return fmt.Errorf("bounds that do not hold:\n%s", strings.Join(all, "\n"))
	}
	return nil
}

// hold prints what was measured in so many runs beside its bounds, and returns
// what is over.
func (b bench) hold(ctx context.Context, w io.Writer, c calls.Call, runs int) (broken []string, err error) {
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
	type measured struct {
		what        string
		value, most float64
	}
	all := []measured{{"CPU x", percentile(cpu, 25), most.cpu}, {"raw KB", own.RawKB, mostRaw}, {"zip KB", own.ZipKB, mostZip}, {"calls", own.Calls, most.calls}}
	if b.shares { // the bounds of times are for a share of a core
		all = append([]measured{{"cold x", percentile(cold, 25), most.cold}, {"warm x", percentile(warm, 25), most.warm}}, all...)
	}
	fmt.Fprintf(w, "%20s", c.Function)
	for _, m := range all {
		fmt.Fprintf(w, "   %s %.4g of %g", m.what, m.value, m.most)
		if !(m.value <= m.most) { // nor what was not measured
			broken = append(broken, fmt.Sprintf("%s: %s %.4g of %g", c.Function, m.what, m.value, m.most))
		}
	}
	fmt.Fprintln(w)
	return broken, nil
}
