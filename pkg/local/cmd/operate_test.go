package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/env"
	"charter/pkg/local"
	"charter/pkg/local/dynamo"
	"charter/pkg/mail"
	"charter/pkg/org"
	"charter/pkg/sam"
	"charter/pkg/table"
)

// deployed is a table that is served, with the organization acme in it, which
// has the price tier Gold.
type deployed struct {
	variables []string // that lead to it
	owner     org.User
	calls     atomic.Int64
	each      atomic.Pointer[func(call int64)] // is told of each call
}

func deploy(t *testing.T) *deployed {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("../../../template.yaml")
	must(err)
	template, err := sam.Read(text, local.Parameters())
	must(err)
	engine, err := dynamo.Open("")
	must(err)
	t.Cleanup(func() { engine.Close() })
	template.Table.StreamView = "" // nobody listens
	must(local.CreateTable(engine, template.Table))
	d := &deployed{}
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if each := d.each.Load(); each != nil {
			(*each)(d.calls.Add(1))
		}
		engine.ServeHTTP(w, r)
	}))
	t.Cleanup(served.Close)
	values := map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_ENDPOINT_URL_DYNAMODB": served.URL, env.TableName: template.Table.Name}
	for name, value := range values {
		d.variables = append(d.variables, name+"="+value)
	}
	e := env.Env{Get: func(name string) string { return values[name] }, HTTP: &http.Client{Transport: http.DefaultTransport}, Now: time.Now, Lazy: true}
	directory := table.Directory{Table: e.Operator().Table}
	directory.Random, directory.Limits = rand.Reader, table.Limits{PerAddress: 10, PerEmail: 10}
	email, err := mail.ParseAddress("ann@acme.example")
	must(err)
	password, err := org.ParsePassword("correct horse battery")
	must(err)
	o, err := directory.Found(t.Context(), org.Application{Name: "Acme", Password: password, Founder: org.Person{FirstName: "Ann", LastName: "Roe", Email: email}})
	must(err)
	d.owner, err = e.Operator().Account(t.Context(), email.String())
	must(err)
	c := caller.Caller{UserID: d.owner.ID, OrganizationID: o.ID, Admin: true}
	must(table.Book(directory).Add(t.Context(), c, "Gold", "EUR"))
	return d
}

// run is a command on the table.
func (d *deployed) run(t *testing.T, name string, variables ...string) (int, string) {
	t.Helper()
	return run(t, name, append(variables, d.variables...)...)
}

// rows writes a file of so many customers, of whom every tenth has a user.
func (d *deployed) rows(t *testing.T, n int) (path string) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("customerNumber,companyName,companyEmail,pricing,userEmail\r\n")
	for n := range n {
		user := ""
		if n%10 == 0 {
			user = d.owner.Email.String()
		}
		fmt.Fprintf(&b, "C-%06d,\"Company, %d\",company%d@example.com,Gold,%s\r\n", n, n, n, user)
	}
	path = filepath.Join(t.TempDir(), "customers.csv")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What each command prints and how it ends: nothing is done without a word, and
// a dry run and a command that could not begin are told from work done in part.
//
// Tried with the controls that it must catch: an erase that takes any YES, an
// import that writes unless APPLY is 0, a bar that is shown to nobody.
func TestOperate(t *testing.T) {
	d := deploy(t)
	file := d.rows(t, 30)
	report := strings.TrimSuffix(file, ".csv") + ".report.csv"
	bad := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(bad, []byte("customerNumber,companyName\n1,A\n,B\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command, says string
		status        int
		variables     []string
	}{
		{"export", "ORG has to be", 2, nil},
		{"export", "No organization has this id", 2, []string{"ORG=nobody"}},
		{"erase", "No organization has this id", 2, []string{"ORG=org_0", "YES=org_0"}},
		{"import", "FILE has to be a CSV file", 2, []string{"ORG=acme"}},
		{"import", "ACTOR has to be", 2, []string{"ORG=acme", "FILE=" + file, "ACTOR=nobody@acme.example"}},
		{"import", "30 rows looked at: 30 customers to create, 0 to change, 3 users to link, 0 rows refused.", 0, []string{"ORG=acme", "FILE=" + file}},
		{"import", "30 rows looked at: 30 customers to create", 0, []string{"ORG=acme", "FILE=" + file, "APPLY=yes"}},
		{"import", "30 rows entered: 30 customers created, 0 changed, 3 users linked, 0 rows refused.", 0, []string{"ORG=acme", "FILE=" + file, "APPLY=1", "ACTOR=" + d.owner.ID}},
		{"import", "30 rows entered: 0 customers created, 0 changed, 0 users linked, 0 rows refused.", 0, []string{"ORG=acme", "FILE=" + file, "APPLY=1"}},
		{"import", "some rows were refused", 1, []string{"ORG=acme", "FILE=" + bad, "APPLY=1"}},
		{"export", `"CompanyName":"Company, 29"`, 0, []string{"ORG=acme"}},
		{"audit", "Whole", 0, nil},
		{"erase", "31 customers", 2, []string{"ORG=acme"}},
		{"erase", "YES=acme erases it, for good", 2, []string{"ORG=acme", "YES=yes"}},
		{"export", `{"Record":"end"`, 0, []string{"ORG=acme"}},
		{"erase", `"Accounts":["` + d.owner.ID + `"]`, 0, []string{"ORG=acme", "YES=acme"}},
		{"erase", "No organization has this id", 2, []string{"ORG=acme", "YES=acme"}},
		{"audit", "Whole", 0, nil},
	} {
		status, out := d.run(t, c.command, c.variables...)
		if status != c.status || !strings.Contains(out, c.says) || strings.Contains(out, "\r") {
			t.Errorf("%s %v: exit status %d, %s", c.command, c.variables, status, out)
		}
	}
	if got, err := os.ReadFile(report); err != nil || !strings.HasPrefix(string(got), "line,customerNumber,outcome,error\n2,C-000000,unchanged,\n") {
		t.Errorf("%v: %s", err, got)
	}
}

// Killed with SIGKILL amid its work an import goes on when it is run again, and
// so does an erasure.
func TestOperateKilled(t *testing.T) {
	d := deploy(t)
	file := d.rows(t, 200)
	killed := func(name string, at int64, variables ...string) {
		t.Helper()
		cmd := command(t, name, append(variables, d.variables...)...)
		d.calls.Store(0)
		started := make(chan *os.Process, 1)
		kill := func(call int64) {
			if call == at {
				(<-started).Kill()
			}
		}
		d.each.Store(&kill)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		started <- cmd.Process
		err := cmd.Wait()
		if d.each.Store(nil); err == nil || cmd.ProcessState.Exited() {
			t.Fatalf("%s was not killed: %v", name, err)
		}
	}
	killed("import", 500, "ORG=acme", "FILE="+file, "APPLY=1")
	if status, out := d.run(t, "import", "ORG=acme", "FILE="+file, "APPLY=1"); status != 0 || !strings.HasPrefix(out, "200 rows entered") || strings.HasPrefix(out, "200 rows entered: 200") {
		t.Errorf("once more: exit status %d, %s", status, out)
	}
	if status, out := d.run(t, "audit"); status != 0 || !strings.Contains(out, " 200 customers") {
		t.Errorf("exit status %d, %s", status, out)
	}
	killed("erase", 30, "ORG=acme", "YES=acme")
	if status, out := d.run(t, "erase", "ORG=acme", "YES=acme"); status != 0 {
		t.Errorf("once more: exit status %d, %s", status, out)
	}
	if status, out := d.run(t, "audit"); status != 0 || strings.Contains(out, "organizations") {
		t.Errorf("exit status %d, %s", status, out)
	}
}

// raced is whether this was built with the race detector, whose memory is more
// than that of what it watches.
var raced bool

// A file of 100,000 rows is entered in 128 MB: that is the peak of what the
// process has had in memory, as the kernel counts it, without GOMEMLIMIT. That
// many take a minute, so they are asked for by a variable (make memory).
func TestImportMemory(t *testing.T) {
	const most = 128 << 20
	rows := 5_000
	if os.Getenv("CHARTER_TEST_ROWS") == "all" {
		rows = 100_000
	}
	if raced {
		t.Skip("the race detector has a memory of its own")
	}
	d := deploy(t)
	cmd := command(t, "import", append([]string{"ORG=acme", "FILE=" + d.rows(t, rows), "APPLY=1"}, d.variables...)...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, io.Discard
	err := cmd.Run()
	if err != nil || !strings.HasPrefix(out.String(), fmt.Sprintf("%d rows entered: %[1]d customers created", rows)) {
		t.Fatalf("%v: %s", err, out.String())
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10 // Linux counts in KB
	t.Logf("%d rows: %d MB at most, %v of processor time", rows, peak>>20, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	if peak > most {
		t.Errorf("%d rows took %d MB; want at most %d", rows, peak>>20, most>>20)
	}
}
