package table

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/fault"
	"charter/pkg/local/dynamo"
	"charter/pkg/sam"
)

// desk is a table of its own, as template.yaml describes it. When its test ends,
// all that must hold of a table must hold of it.
type desk struct {
	*Table
	t      testing.TB
	engine engine
	wire   *wire
	clock  *clock
	walked bool // when the test ends
}

// open makes a table.
func open(t testing.TB) *desk {
	t.Helper()
	described.Do(func() {
		first := bare(t)
		described.calls = first.record(func() { create(t, first.Table) })
	})
	d := bare(t)
	for _, c := range described.calls {
		d.replay(c)
	}
	t.Cleanup(func() {
		if d.calm(); d.walked {
			d.sound()
		}
	})
	return d
}

// bare is a desk before its table is made.
func bare(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t, clock: &clock{}, walked: true}
	d.clock.now.Store(time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC).UnixMilli())
	name := tableName
	if onDynamoDBLocal(t) {
		d.engine, name = &amazons{}, tableName+rand.Text()
		t.Cleanup(func() { d.Client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &d.Name}) })
	} else {
		embedded, err := dynamo.Open("")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { embedded.Close() })
		embedded.Now = d.clock.Now
		d.engine = embedded
	}
	d.wire = &wire{engine: d.engine.Transport()}
	d.Table = &Table{
		Client: dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.localhost"),
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
			HTTPClient:  &http.Client{Transport: d.wire}, Retryer: Retryer()}),
		Name: name, Secret: []byte("a secret of at least thirty-two bytes"), Now: d.clock.Now, Random: rand.Reader,
		Limits: Limits{PerAddress: 1e6, PerEmail: 100, PerEmailAndAddress: 10, PerClient: 10},
	}
	return d
}

const tableName = "charter"

// described is the calls that make the table. Reading template.yaml for each
// test would take longer than most tests.
var described struct {
	sync.Once
	calls []call
}

// create makes the table that template.yaml describes.
func create(t testing.TB, made *Table) {
	t.Helper()
	source, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template, err := sam.Read(source, map[string]string{
		"TokenIssuer": "https://charter.example", "SecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:test",
		"MailFrom": "no-reply@charter.example", "MailIdentity": "charter.example", "LinkBase": "https://charter.example/welcome",
		"Table": tableName, "AWS::Region": "us-east-1", "AWS::StackName": "charter", "AWS::AccountId": "000000000000", "AWS::Partition": "aws",
	})
	if err != nil {
		t.Fatal(err)
	}
	table := template.Table
	in := &dynamodb.CreateTableInput{TableName: &made.Name, BillingMode: types.BillingModePayPerRequest, KeySchema: schema(table.Key)}
	for _, name := range slices.Sorted(maps.Keys(table.Attributes)) {
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeType(table.Attributes[name])})
	}
	for _, index := range table.Indexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{IndexName: &index.Name,
			KeySchema: schema(index.Key), Projection: &types.Projection{ProjectionType: types.ProjectionType(index.Projection)}})
	}
	if _, err := made.Client.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func schema(k sam.Key) []types.KeySchemaElement {
	return []types.KeySchemaElement{{AttributeName: &k.Hash, KeyType: types.KeyTypeHash}, {AttributeName: &k.Range, KeyType: types.KeyTypeRange}}
}

// record notes the calls that f makes, as those of a table with the name tableName.
func (d *desk) record(f func()) []call {
	calls := d.wire.during(f)
	for n := range calls {
		calls[n].body = strings.ReplaceAll(calls[n].body, quoted(d.Name), quoted(tableName))
	}
	return calls
}

// replay sends a call that was recorded of another table.
func (d *desk) replay(c call) {
	d.t.Helper()
	body := strings.ReplaceAll(c.body, quoted(tableName), quoted(d.Name))
	if token := c.token(); token != "" {
		body = strings.Replace(body, quoted(token), quoted(rand.Text()), 1)
	}
	r, err := http.NewRequest(http.MethodPost, "http://dynamodb.localhost", strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+c.op)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260304/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := d.engine.Transport().RoundTrip(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(answer.Body)
		d.t.Fatalf("%s: %s: %s", c.op, answer.Status, said)
	}
}

// bubble runs a test of a table in a bubble of fake time: waiting costs nothing
// there, and what happens at once happens at the same instant.
func bubble(t *testing.T, f func(t *testing.T, d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, open(t)) })
}

// clock is the time of a table: whole milliseconds, and no more than a test says.
type clock struct{ now atomic.Int64 }

func (c *clock) Now() time.Time       { return time.UnixMilli(c.now.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.now.Add(d.Milliseconds()) }

// wire carries calls to the engine and notes them.
type wire struct {
	engine http.RoundTripper

	mu     sync.Mutex
	calls  []call
	around func(c call, send func() (*http.Response, error)) (*http.Response, error)
}

// call is one call of the table's service.
type call struct {
	op   string // such as "PutItem"
	body string
}

// token is the ClientRequestToken of a transaction.
func (c call) token() string {
	var in struct{ ClientRequestToken string }
	json.Unmarshal([]byte(c.body), &in)
	return in.ClientRequestToken
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c := call{op, string(body)}
	w.mu.Lock()
	w.calls = append(w.calls, c)
	around := w.around
	w.mu.Unlock()
	send := func() (*http.Response, error) {
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		return w.engine.RoundTrip(again)
	}
	if around == nil {
		return send()
	}
	return around(c, send)
}

// set puts something around every call from now on; nil ends that.
func (w *wire) set(around func(c call, send func() (*http.Response, error)) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.around = around
}

// during notes the calls that f makes.
func (w *wire) during(f func()) []call {
	w.mu.Lock()
	w.calls = nil
	w.mu.Unlock()
	f()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// lockstep makes every call take the same time, which in a bubble means that
// callers who start together stay together: all read before any writes.
func (w *wire) lockstep() {
	w.set(func(_ call, send func() (*http.Response, error)) (*http.Response, error) {
		time.Sleep(trip)
		return send()
	})
}

// trip is how long a call takes in lockstep.
const trip = time.Millisecond

// together runs f so many times at once and waits for all.
func together(n int, f func(n int)) {
	var wg sync.WaitGroup
	for n := range n {
		wg.Go(func() { f(n) })
	}
	wg.Wait()
}

// calm ends whatever disturbs the calls.
func (d *desk) calm() {
	d.engine.Inject(nil)
	d.wire.set(nil)
}

// all is every item of the table.
func (d *desk) all() map[key]item {
	d.t.Helper()
	all := map[key]item{}
	in := &dynamodb.ScanInput{TableName: &d.Name, ConsistentRead: aws.Bool(true)}
	for {
		out, err := d.Client.Scan(context.Background(), in)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, i := range out.Items {
			all[key{item(i).text("PK"), item(i).text("SK")}] = i
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return all
		}
	}
}

// lines shows a state of the table, a line an item, for comparison. Attempts
// are counted whatever comes of them: that is no part of it.
func lines(all map[key]item) map[string]string {
	show := map[string]string{}
	for k, i := range all {
		if k.sk == "RATE" {
			continue
		}
		show[strings.ReplaceAll(k.pk+" | "+k.sk, sep, "#")] = shown(tree(i))
	}
	return show
}

func shown(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		s := "{"
		for _, name := range slices.Sorted(maps.Keys(v.Value)) {
			s += name + ": " + shown(v.Value[name]) + ", "
		}
		return s + "}"
	case *types.AttributeValueMemberL:
		s := "["
		for _, e := range v.Value {
			s += shown(e) + ", "
		}
		return s + "]"
	case *types.AttributeValueMemberSS:
		return fmt.Sprint(slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("%x", v.Value)
	}
	return fmt.Sprintf("%T", v)
}

// difference lists the items by which two states differ.
func difference(before, after map[key]item) []string {
	was, is := lines(before), lines(after)
	var differ []string
	for k, v := range was {
		if is[k] != v {
			differ = append(differ, "- "+k+" "+v)
		}
	}
	for k, v := range is {
		if was[k] != v {
			differ = append(differ, "+ "+k+" "+v)
		}
	}
	slices.Sort(differ)
	return differ
}

// unchanged runs f, after which the table must be as it was.
func (d *desk) unchanged(what string, f func()) {
	d.t.Helper()
	before := d.all()
	f()
	if differ := difference(before, d.all()); differ != nil {
		d.t.Errorf("%s changed the table:\n%s", what, strings.Join(differ, "\n"))
	}
}

// wants compares an error with faults, their fields included; none is no error.
func wants(t testing.TB, what string, err error, want ...fault.Fault) {
	t.Helper()
	got, ok := fault.All(err)
	same := ok && len(got) == len(want)
	for n := 0; same && n < len(got); n++ {
		got[n].RetryAfter, want[n].RetryAfter = 0, 0
		same = got[n] == want[n]
	}
	if !same {
		t.Errorf("%s: %#v (%v); want %#v", what, got, err, want)
	}
}
