package dynamo_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/local/dynamo"
)

// newTable makes an engine in memory with a table "table" and gives a checker of it.
func newTable(t testing.TB) (*checker, *dynamo.Engine) {
	e := open(t, "")
	return tableOn(t, e), e
}

func tableOn(t testing.TB, e *dynamo.Engine) *checker {
	t.Helper()
	c := &checker{t.Context(), connect(t, e), "table", "numbers", "p", false}
	if err := c.setUp(); err != nil {
		t.Fatal(err)
	}
	return c
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestASocketWorksToo(t *testing.T) {
	c, e := newTable(t)
	server := httptest.NewServer(e)
	defer server.Close()
	db := dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &c.table, Item: c.item("a", attributes{"v": S("x")})})
	must(t, err)
	o, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &c.table, Key: c.k("a")})
	must(t, err, eq("item", showItem(attrs(o.Item)), `{v:S("x")}`))
}

// post sends a raw call and gives the status and the body.
func post(t *testing.T, e *dynamo.Engine, op, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestWhatIsNotSupportedIsRefused(t *testing.T) {
	_, e := newTable(t)
	key := `"TableName":"table","Key":{"pk":{"S":"p"},"sk":{"S":"a"}}`
	for _, call := range []struct{ op, body, want string }{
		{"TagResource", `{}`, "UnknownOperationException"},
		{"ExecuteStatement", `{}`, "UnknownOperationException"},
		{"GetItem", `{` + key + `,"AttributesToGet":["a"]}`, "legacy parameter AttributesToGet"},
		{"UpdateItem", `{` + key + `,"AttributeUpdates":{}}`, "legacy parameter AttributeUpdates"},
		{"DeleteItem", `{` + key + `,"Expected":{}}`, "legacy parameter Expected"},
		{"Query", `{"TableName":"table","KeyConditions":{}}`, "legacy parameter KeyConditions"},
		{"Query", `{"TableName":"table","KeyConditionExpression":"pk = :p","QueryFilter":{}}`, "non-expression parameters: {QueryFilter}"},
		{"Scan", `{"TableName":"table","ScanFilter":{}}`, "legacy parameter ScanFilter"},
		{"BatchGetItem", `{"RequestItems":{"table":{"Keys":[],"AttributesToGet":["a"]}}}`, "legacy parameter AttributesToGet"},
		{"GetItem", `{` + key + `,"Surprise":1}`, `parameter \"Surprise\" is not supported`},
		{"CreateTable", `{"TableName":"other","LocalSecondaryIndexes":[]}`, `parameter \"LocalSecondaryIndexes\" is not supported`},
		{"GetItem", `{` + key, "SerializationException"},
		{"GetItem", `{` + key + `} {}`, "SerializationException"},
		{"GetItem", `{"TableName":7}`, "SerializationException"},
		{"GetItem", `{"TableName":"table","Key":null}`, "SerializationException"},
		{"BatchGetItem", `{"RequestItems":{"table":null}}`, "Member must not be null"},
		{"BatchWriteItem", `{"RequestItems":{"table":[{}]}}`, "either a put or a delete"},
		{"TransactWriteItems", `{"TransactItems":[null]}`, "can only contain one of"},
		{"TransactWriteItems", `{"TransactItems":[{"Update":{` + key + `}}]}`, "updateExpression"},
		{"TransactGetItems", `{"TransactItems":[{}]}`, "Member must not be null"},
		{"UpdateTimeToLive", `{"TableName":"table"}`, "Member must not be null"},
		{"CreateTable", `{}`, "Member must not be null"},
		{"GetItem", `{"TableName":"table","Key":{"pk":{"X":"p"}}}`, "SerializationException"},
		{"GetItem", `{"TableName":"table","Key":{"pk":{}}}`, "ValidationException"},
		{"GetItem", `{` + key + `,"ReturnConsumedCapacity":"SOME"}`, "enum value set"},
		{"PutItem", `{"TableName":"table","Item":{"pk":{"S":"p"},"sk":{"S":"a"},"n":{"N":"1","S":"1"}}}`, "more than one datatypes set"},
	} {
		status, body := post(t, e, call.op, call.body)
		if status != http.StatusBadRequest || !strings.Contains(plain(body), plain(call.want)) {
			t.Errorf("%s %s: %d %s, want %s", call.op, call.body, status, body, call.want)
		}
	}
}

func TestTheTransportHonoursTheContext(t *testing.T) {
	c, e := newTable(t)
	ctx, cancel := context.WithCancel(t.Context())
	held := make(chan struct{})
	defer close(held)
	e.Inject(func(string, int) error { cancel(); <-held; return nil })
	for range 2 { // in the midst of a call, and before
		_, err := c.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: c.k("a")})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

func TestDeletionProtection(t *testing.T) {
	c, _ := newTable(t)
	in := tableInput("guarded")
	in.DeletionProtectionEnabled = aws.Bool(true)
	_, err := c.db.CreateTable(t.Context(), in)
	must(t, err)
	_, err = c.db.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: in.TableName})
	must(t, want(err, valEx, "protected against deletion"))
}

func TestAFileHasOneProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "table.db")
	open(t, file)
	_, err := dynamo.Open(file)
	if err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Fatalf("a second engine on the file: %v", err)
	}
}

func TestAClosedEngineAnswersSo(t *testing.T) {
	for _, file := range []string{"", filepath.Join(t.TempDir(), "table.db")} {
		e := open(t, file)
		c := tableOn(t, e)
		must(t, e.Close(), e.Close())
		_, err := c.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &c.table, Item: c.k("a")})
		must(t, want(err, "InternalServerError", "the engine is closed"))
	}
}

// TestAFileKeepsEverything opens the file of another engine: tables, items, indexes, TTL and request tokens are there.
func TestAFileKeepsEverything(t *testing.T) {
	file := filepath.Join(t.TempDir(), "table.db")
	e := open(t, file)
	c := tableOn(t, e)
	must(t, c.load(40, func(i int) attributes {
		return attributes{"g1pk": S("g"), "g1sk": S(fmt.Sprintf("%02d", 40-i)), "n": N("12345678901234567890123456789012345678"), "z": B([]byte{0, 255})}
	}))
	_, err := c.db.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &c.table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: s("ttl"), Enabled: aws.Bool(true)},
	})
	must(t, err, c.tx("token", c.txUpd("i000", "ADD hits :i", "", attributes{":i": N("1")})))
	all := func() string {
		o, err := c.q("g1pk = :g", attributes{":g": S("g")}, func(in *dynamodb.QueryInput) { in.IndexName = s("GSI1") })
		must(t, err)
		var b strings.Builder
		for _, it := range o.Items {
			b.WriteString(showItem(it) + "\n")
		}
		return b.String()
	}
	before := all()
	must(t, e.Close())

	c.db = connect(t, open(t, file))
	must(t, eq("items", all(), before))
	d, err := c.db.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &c.table})
	must(t, err, eq("TTL", aws.ToString(d.TimeToLiveDescription.AttributeName), "ttl"))
	must(t, c.tx("token", c.txUpd("i000", "ADD hits :i", "", attributes{":i": N("1")})))
	got, err := c.get("i000")
	must(t, err, eq("hits", show(got["hits"]), "N(1)"))
	must(t, want(c.tx("token", c.txDel("i000", "")), "IdempotentParameterMismatchException", ""))
}

const crashFile = "DYNAMO_CRASH_FILE"

// TestKill loads an engine in another process, kills that in the midst of it, and looks at what the file holds.
func TestKill(t *testing.T) {
	if file := os.Getenv(crashFile); file != "" {
		loadUntilKilled(t, file)
	}
	for round := range 3 {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("table%d.db", round))
		acknowledged := killInMidLoad(t, file, 150*(round+1))
		c := &checker{t.Context(), connect(t, open(t, file)), "table", "numbers", "p", false}
		present := map[string]bool{}
		items, _, _, err := pages(c, &dynamodb.QueryInput{
			TableName: &c.table, KeyConditionExpression: s("pk = :p"), ExpressionAttributeValues: attributes{":p": S(c.pk)},
		})
		must(t, err)
		for _, it := range items {
			present[it["sk"].(*types.AttributeValueMemberS).Value] = true
		}
		for name := range present {
			twin := strings.NewReplacer("left", "right", "right", "left").Replace(name)
			if !present[twin] {
				t.Errorf("half a transaction: %s without %s", name, twin)
			}
		}
		for _, name := range acknowledged {
			if !present["left-"+name] {
				t.Errorf("acknowledged and lost: %s", name)
			}
		}
		indexed, _, _, err := pages(c, &dynamodb.QueryInput{
			TableName: &c.table, IndexName: s("GSI1"), KeyConditionExpression: s("g1pk = :p"), ExpressionAttributeValues: attributes{":p": S("g")},
		})
		must(t, err)
		if len(indexed) != len(items)/2 {
			t.Errorf("the index has %d of %d", len(indexed), len(items)/2)
		}
	}
}

// loadUntilKilled writes transactions of two items from many goroutines and prints the name of each when it is done.
func loadUntilKilled(t *testing.T, file string) {
	c := tableOn(t, open(t, file))
	fmt.Println("ready")
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d", worker, i)
				err := c.tx("", c.txPut("left-"+name, attributes{"g1pk": S("g"), "g1sk": S(name)}, ""), c.txPut("right-"+name, nil, ""))
				if err != nil {
					panic(err)
				}
				fmt.Println(name)
			}
		})
	}
	wg.Wait()
}

// killInMidLoad gives the names that were acknowledged before the kill.
func killInMidLoad(t *testing.T, file string, after int) []string {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), crashFile+"="+file)
	r, w, err := os.Pipe()
	must(t, err)
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	must(t, cmd.Start())
	w.Close()
	var names []string
	killed := false
	for line := range lines(r) {
		if line != "ready" {
			names = append(names, line)
		}
		if len(names) == after && !killed {
			killed = true
			must(t, cmd.Process.Kill())
		}
	}
	cmd.Wait()
	if !killed {
		t.Fatalf("the load ended by itself after %d: %v", len(names), names)
	}
	return names
}

// lines are the whole lines of a pipe; a line that the kill cut short was not acknowledged.
func lines(f *os.File) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for r := bufio.NewReader(f); ; {
			line, err := r.ReadString('\n')
			if err != nil || !yield(strings.TrimSuffix(line, "\n")) {
				return
			}
		}
	}
}
