package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"charter/pkg/customer/intake"
	"charter/pkg/env"
	"charter/pkg/local/dynamo"
	"charter/pkg/table"
)

// OnTable calls do with a way to the table of a folder that no service has open,
// or with "" to the deployed one that TABLE_NAME names in AWS_REGION, with the
// credentials in the usual variables. It fails within two seconds when a service
// has the folder open.
func OnTable(folder string, toRead bool, do func(env.Env) error) error {
	if folder == "" {
		for _, name := range []string{env.TableName, "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
			if env.Lambda.Get(name) == "" {
				return fmt.Errorf("local: %s is not set", name)
			}
		}
		return do(env.Lambda)
	}
	file := filepath.Join(folder, "table.db")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("local: there is no table in %s", folder)
	}
	open := dynamo.Open
	if toRead {
		open = dynamo.OpenToRead
	}
	engine, err := open(file)
	if err != nil {
		return err
	}
	return errors.Join(do(environmentOf(engine)), engine.Close())
}

// environmentOf leads to a laptop's table.
func environmentOf(engine *dynamo.Engine) env.Env {
	variables := map[string]string{"AWS_REGION": region, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL_DYNAMODB": "http://" + dynamoHost, env.TableName: tableName}
	return env.Env{Get: func(name string) string { return variables[name] }, HTTP: &http.Client{Transport: engine.Transport()}, Now: time.Now, Lazy: true}
}

// Export writes all of the organization with that id, code or slug to w: JSON,
// a record a line. The first says what it is an export of, the last how many
// records came before: without it the export was cut off. Errors:
// table.NoOrganization.
func Export(ctx context.Context, e env.Env, organization string, w io.Writer) error {
	o := e.Operator()
	id, err := o.Find(ctx, organization)
	if err != nil {
		return err
	}
	buffer, n := bufio.NewWriter(w), 0
	lines := json.NewEncoder(buffer)
	lines.SetEscapeHTML(false)
	add := func(r table.Exported) error { n++; return lines.Encode(r) }
	err = add(table.Exported{Record: "export", Data: map[string]any{"Format": 1, "OrganizationId": id, "At": o.Now().Format(time.RFC3339)}})
	if err == nil {
		err = o.Export(ctx, id, add)
	}
	if err == nil {
		err = add(table.Exported{Record: "end", Data: map[string]any{"Records": n}})
	}
	return errors.Join(err, buffer.Flush())
}

// Survey is all that Erase would delete of the organization with that id, code
// or slug, and its id. Errors: table.NoOrganization.
func Survey(ctx context.Context, e env.Env, organization string) (id string, estate table.Estate, err error) {
	o := e.Operator()
	id, err = o.Find(ctx, organization)
	if errors.Is(err, table.NoOrganization) && strings.HasPrefix(organization, "org_") {
		id, err = organization, nil // all but its claims may be left of it
	}
	if err == nil {
		estate, err = o.Survey(ctx, id)
	}
	return id, estate, err
}

// Import enters a CSV file into the organization with that id, code or slug, for
// the actor whom table.Operator.Actor finds, and seals its entries in the audit
// trail: a folder's service is not there to do so. Errors: those of Actor and of
// intake.Intake.Enter.
func Import(ctx context.Context, e env.Env, organization, actor string, apply bool, file io.Reader, each func(intake.Result) error) error {
	o := e.Operator()
	id, err := o.Find(ctx, organization)
	if err != nil {
		return err
	}
	c, err := o.Actor(ctx, id, actor)
	if err != nil {
		return err
	}
	in := intake.Intake{Register: table.Register(o), Book: table.Book(o), Accounts: o, Caller: c, Apply: apply}
	if err := in.Enter(ctx, file, each); err != nil || !apply {
		return err
	}
	return table.Trail(o).Seal(ctx, id)
}
