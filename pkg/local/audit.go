package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"charter/pkg/env"
	"charter/pkg/local/dynamo"
	"charter/pkg/table"
)

// AuditFolder walks the table of a folder that no service has open, and writes
// nothing. It fails within two seconds when one has.
func AuditFolder(ctx context.Context, folder string) (table.Report, error) {
	file := filepath.Join(folder, "table.db")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return table.Report{}, fmt.Errorf("local: there is no table in %s", folder)
	}
	engine, err := dynamo.OpenToRead(file)
	if err != nil {
		return table.Report{}, err
	}
	report, err := auditOf(engine).Audit(ctx)
	return report, errors.Join(err, engine.Close())
}

// auditOf is an auditor of a laptop's table.
func auditOf(engine *dynamo.Engine) table.Auditor {
	variables := map[string]string{"AWS_REGION": region, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL_DYNAMODB": "http://" + dynamoHost, env.TableName: tableName}
	return env.Env{Get: func(name string) string { return variables[name] }, HTTP: &http.Client{Transport: engine.Transport()}, Now: time.Now}.Auditor()
}

// AuditDeployed walks the deployed table that TABLE_NAME names in AWS_REGION,
// with the credentials in the usual variables, and writes nothing.
func AuditDeployed(ctx context.Context) (table.Report, error) {
	for _, name := range []string{env.TableName, "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if env.Lambda.Get(name) == "" {
			return table.Report{}, fmt.Errorf("local: %s is not set", name)
		}
	}
	return env.Lambda.Auditor().Audit(ctx)
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
