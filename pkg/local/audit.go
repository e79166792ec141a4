package local

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"charter/pkg/env"
	"charter/pkg/table"
)

// Audit walks the table of a folder, or a deployed one, and writes nothing; see
// OnTable.
func Audit(ctx context.Context, folder string) (report table.Report, err error) {
	err = OnTable(folder, true, func(e env.Env) error {
		report, err = e.Auditor().Audit(ctx)
		return err
	})
	return report, err
}

// PrintReport writes a report, a finding a line and a line of counts.
func PrintReport(w io.Writer, r table.Report) {
	for _, sentence := range slices.Concat(r.Broken, r.Unsealed) {
		fmt.Fprintln(w, sentence)
	}
	counts := make([]string, 0, len(r.Counts))
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		counts = append(counts, fmt.Sprintf("%d %s", r.Counts[name], name))
	}
	verdict := "Whole"
	if !r.Whole() {
		verdict = fmt.Sprintf("Not whole, %d broken and %d unsealed", len(r.Broken), len(r.Unsealed))
	}
	fmt.Fprintf(w, "%s: %d items (%s).\n", verdict, r.Items, strings.Join(counts, ", "))
}
