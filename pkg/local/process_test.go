package local

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/local/dynamo"
)

// What is tried here needs processes of their own: the test binary runs itself
// as a service when these variables say so.
const (
	processData  = "CHARTER_TEST_DATA"
	processTable = "CHARTER_TEST_TABLE"
)

func TestMain(m *testing.M) {
	if data := os.Getenv(processData); data != "" {
		if err := serveProcess(data, os.Getenv(processTable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const templateFile = "../../template.yaml"

// serveProcess serves until its standard input ends, which it does with the
// process that started it.
func serveProcess(data, tableURL string) error {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	service, err := Start(Options{Template: templateFile, Data: data, TableURL: tableURL, Patience: time.Minute})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go http.Serve(listener, service)
	fmt.Println(listener.Addr())
	io.Copy(io.Discard, os.Stdin)
	return service.Close()
}

// process is a service in a process of its own.
type process struct {
	url string
	cmd *exec.Cmd
}

func startProcess(t *testing.T, data, tableURL string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), processData+"="+data, processTable+"="+tableURL)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // which ends with this process
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the process did not start: %v", err)
	}
	p := &process{"http://" + strings.TrimSpace(address), cmd}
	t.Cleanup(func() { p.kill() })
	return p
}

// kill is SIGKILL.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// call sends one request, in an organization where the dialect wants one, and
// returns the status, 0 when there was no answer, and the answer's members.
func call(method, url, token, body string, organization ...string) (int, map[string]any) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, id := range organization {
		r.Header.Set("X-Organization-Id", id)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil
	}
	defer answer.Body.Close()
	members := map[string]any{}
	if err := json.NewDecoder(answer.Body).Decode(&members); err != nil && err != io.EOF {
		members["list"] = err.Error()
	}
	return answer.StatusCode, members
}

func creation(name, email string) string {
	return fmt.Sprintf(`{"Organization":{"Name":%q},"User":{"FirstName":"John","LastName":"Doe","Email":%q,"Password":"Password1234!"}}`, name, email)
}

func login(t *testing.T, url, email, code string) string {
	t.Helper()
	status, answer := call("POST", url+"/api/auth/login", "", fmt.Sprintf(`{"Email":%q,"Password":"Password1234!","OrgCode":%q}`, email, code))
	token, _ := answer["AccessToken"].(string)
	if status != http.StatusOK || token == "" {
		t.Fatalf("login of %s: %d %v", email, status, answer)
	}
	return token
}

// scan is every item of a table, by the first part of its partition key.
func scan(t *testing.T, engine *dynamo.Engine) map[string][]map[string]types.AttributeValue {
	t.Helper()
	client := dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: aws.String("http://" + dynamoHost),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), HTTPClient: &http.Client{Transport: engine.Transport()}})
	items := map[string][]map[string]types.AttributeValue{}
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: aws.String(tableName)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			kind, _, _ := strings.Cut(attribute(i, "PK"), "\x01")
			items[kind] = append(items[kind], i)
		}
	}
	return items
}

// left is what a killed process has left in its folder, by the first part of
// the partition key. All of it is whole.
func left(t *testing.T, data string) map[string][]map[string]types.AttributeValue {
	t.Helper()
	engine, err := dynamo.OpenToRead(filepath.Join(data, "table.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	whole(t, engine)
	return scan(t, engine)
}

// whole asks the auditor about a table.
func whole(t *testing.T, engine *dynamo.Engine) {
	t.Helper()
	report, err := environmentOf(engine).Auditor().Audit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !report.Whole() {
		t.Errorf("the table is not whole:\n%s\n%s", strings.Join(report.Broken, "\n"), strings.Join(report.Unsealed, "\n"))
	}
}

func attribute(i map[string]types.AttributeValue, name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// A process is killed at any moment of a create, twenty times: either all of
// the organization is there afterwards or nothing of it, and once the service
// runs again every letter is sent.
//
// Tried with the control that it must catch: a Found that wrote the name in a
// call of its own before the transaction left a name without an organization, in
// three of four runs.
func TestKilledDuringCreate(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	emails := map[string]bool{} // whether the create was answered with 201
	for round := range 20 {
		p := startProcess(t, data, "")
		email := fmt.Sprintf("john%d@acme.example", round)
		answered := make(chan bool, 1)
		go func() {
			status, _ := call("POST", p.url+"/api/organizations", "", creation(fmt.Sprintf("Acme %d", round), email))
			answered <- status == http.StatusCreated
		}()
		time.Sleep(rand.N(150 * time.Millisecond)) // any moment will do
		p.kill()
		emails[email] = <-answered
	}

	items := left(t, data)
	made := 0
	for _, i := range items["ORG"] {
		if attribute(i, "SK") == "ORG" {
			made++
		}
	}
	for _, i := range items["EMAIL"] {
		if email := attribute(i, "Email"); !emails[email] {
			emails[email] = true // committed, and killed before the answer
		}
	}

	// Its clock is an hour ahead: a letter that was claimed when its sender was
	// killed is free again at once.
	service, err := Start(Options{Template: templateFile, Data: data, Log: slog.New(slog.DiscardHandler), Now: inAnHour})
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	served := httptest.NewServer(service)
	defer served.Close()
	waiting := map[string]bool{}
	for email, there := range emails {
		if !there {
			continue
		}
		waiting[email] = true
		status, record := call("GET", served.URL+"/api/organization", login(t, served.URL, email, ""), "")
		if status != http.StatusOK || len(record["Subscriptions"].([]any)) != 1 {
			t.Errorf("the organization of %s: %d %v", email, status, record)
		}
	}
	if len(waiting) != made {
		t.Errorf("%d creates were answered or stand, %d organizations do", len(waiting), made)
	}
	for deadline := time.Now().Add(90 * time.Second); len(waiting) > 0 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, to := range letters(t, served.URL) {
			delete(waiting, to)
		}
	}
	if len(waiting) > 0 {
		t.Errorf("no letter has come to %v", waiting)
	}
}

func letters(t *testing.T, url string) []string {
	t.Helper()
	answer, err := http.Get(url + "/_local/mail")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var letters []struct{ To []string }
	if err := json.NewDecoder(answer.Body).Decode(&letters); err != nil {
		t.Fatal(err)
	}
	var to []string
	for _, l := range letters {
		to = append(to, l.To...)
	}
	return to
}

// gateways are four processes on the table of a fifth.
func gateways(t *testing.T) (urls []string, table *Service) {
	t.Helper()
	data := t.TempDir()
	table, err := Start(Options{Template: templateFile, Data: data, InMemory: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	served := httptest.NewServer(table.Table)
	t.Cleanup(served.Close)
	for range 4 {
		urls = append(urls, startProcess(t, data, served.URL).url)
	}
	return urls, table
}

// at calls all functions at once and waits for them.
func at(once ...func()) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for _, f := range once {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			f()
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}
