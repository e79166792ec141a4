package dynamo_test

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"charter/pkg/local/dynamo"
)

// The benchmarks named Engine leave the SDK out, which takes longer than what it calls.

// call makes a function that sends one request over and over.
func call(b *testing.B, e *dynamo.Engine, op, body string) func() {
	payload := []byte(body)
	header := http.Header{"X-Amz-Target": {"DynamoDB_20120810." + op}, "Content-Type": {"application/x-amz-json-1.0"}}
	w := &discard{header: http.Header{}}
	return func() {
		r, err := http.NewRequest(http.MethodPost, "/", bytes.NewReader(payload))
		if err != nil {
			b.Fatal(err)
		}
		r.Header = header
		e.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatal(op, w.status)
		}
	}
}

type discard struct {
	header http.Header
	status int
}

func (w *discard) Header() http.Header         { return w.header }
func (w *discard) WriteHeader(status int)      { w.status = status }
func (w *discard) Write(p []byte) (int, error) { return len(p), nil }

func loaded(b *testing.B, file string) (*checker, *dynamo.Engine) {
	e := open(b, file)
	c := tableOn(b, e)
	must(b, c.load(200, func(i int) attributes {
		return attributes{"g1pk": S("g"), "g1sk": S(fmt.Sprint(i)), "data": S(fmt.Sprintf("%0200d", i)), "n": N(fmt.Sprint(i)), "on": Bool(true)}
	}))
	return c, e
}

func BenchmarkEngineGetItem(b *testing.B) {
	_, e := loaded(b, "")
	get := call(b, e, "GetItem", `{"TableName":"table","Key":{"pk":{"S":"p"},"sk":{"S":"i100"}}}`)
	for b.Loop() {
		get()
	}
}

func BenchmarkEngineQuery25(b *testing.B) {
	_, e := loaded(b, "")
	query := call(b, e, "Query", `{"TableName":"table","KeyConditionExpression":"pk = :p AND sk > :s","Limit":25,`+
		`"ExpressionAttributeValues":{":p":{"S":"p"},":s":{"S":"i1"}}}`)
	for b.Loop() {
		query()
	}
}

func BenchmarkEngineUpdateItem(b *testing.B) {
	_, e := loaded(b, "")
	update := call(b, e, "UpdateItem", `{"TableName":"table","Key":{"pk":{"S":"p"},"sk":{"S":"i100"}},"UpdateExpression":"ADD n :i",`+
		`"ConditionExpression":"attribute_exists(pk)","ExpressionAttributeValues":{":i":{"N":"1"}}}`)
	for b.Loop() {
		update()
	}
}

func BenchmarkQuery25(b *testing.B) {
	c, _ := loaded(b, "")
	for b.Loop() {
		_, err := c.q("pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(25) })
		must(b, err)
	}
}

// BenchmarkTransact is three actions a transaction, from as many writers as -cpu and SetParallelism give.
func BenchmarkTransact(b *testing.B) {
	for _, mode := range []string{"memory", "file"} {
		b.Run(mode, func(b *testing.B) {
			file := ""
			if mode == "file" {
				file = filepath.Join(b.TempDir(), "table.db")
			}
			e := open(b, file)
			c := tableOn(b, e)
			b.SetParallelism(32)
			names := make(chan string, 1)
			go func() {
				defer close(names)
				for i := range b.N {
					names <- fmt.Sprint(i)
				}
			}()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					name := <-names
					err := c.tx("", c.txPut("a"+name, nil, "attribute_not_exists(pk)"), c.txPut("b"+name, nil, "attribute_not_exists(pk)"), c.txCheck("z", "attribute_not_exists(pk)", nil))
					if err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkOpen opens a file of ten thousand items.
func BenchmarkOpen(b *testing.B) {
	file := filepath.Join(b.TempDir(), "table.db")
	e := open(b, file)
	c := tableOn(b, e)
	must(b, c.load(10_000, func(i int) attributes { return attributes{"g1pk": S("g"), "g1sk": S(fmt.Sprint(i)), "n": N("1")} }), e.Close())
	for b.Loop() {
		e, err := dynamo.Open(file)
		must(b, err, e.Close())
	}
}

// BenchmarkMillion loads a million small items into one partition and tells what each takes in memory, then pages in
// their midst.
func BenchmarkMillion(b *testing.B) {
	e := open(b, "")
	tableOn(b, e)
	var before, behind runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := 0; i < 1_000_000; i += 25 {
		var body bytes.Buffer
		body.WriteString(`{"RequestItems":{"numbers":[`)
		for j := i; j < i+25; j++ {
			if j > i {
				body.WriteByte(',')
			}
			fmt.Fprintf(&body, `{"PutRequest":{"Item":{"pk":{"S":"p"},"sk":{"N":"%d"},"name":{"S":"customer %d"},"at":{"N":"1700000000"}}}}`, j, j)
		}
		body.WriteString(`]}}`)
		call(b, e, "BatchWriteItem", body.String())()
	}
	runtime.GC()
	runtime.ReadMemStats(&behind)
	query := call(b, e, "Query", `{"TableName":"numbers","KeyConditionExpression":"pk = :p AND sk > :s","Limit":25,`+
		`"ExpressionAttributeValues":{":p":{"S":"p"},":s":{"N":"500000"}}}`)
	for b.Loop() {
		query()
	}
	b.ReportMetric(float64(behind.HeapAlloc-before.HeapAlloc)/1_000_000, "B/item")
}
