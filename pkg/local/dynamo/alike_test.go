package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is asked, in whatever order, another engine answers the same: results, codes of errors and capacity units.
//
// Caught, as it once was: a REMOVE inside of what is not there that did nothing; a filter of an index by an attribute that
// the index does not have.
func TestEnginesAreAlike(t *testing.T) {
	others := map[string]func(t testing.TB) *side{
		"file": func(t testing.TB) *side {
			e := open(t, filepath.Join(t.TempDir(), "table.db"))
			return &side{"table", "http://dynamo.local", e.Transport()}
		},
	}
	if dynamoDBLocal != "" {
		others["DynamoDB Local"] = func(t testing.TB) *side { return &side{"table", dynamoDBLocal, http.DefaultTransport} }
	}
	for name, other := range others {
		t.Run(name, func(t *testing.T) {
			theirs := other(t)
			rapid.Check(t, func(rt *rapid.T) {
				e := open(t, "")
				defer e.Close()
				ours := &side{"table", "http://dynamo.local", e.Transport()}
				theirs.table = fmt.Sprintf("table-%d", made)
				made++
				for _, s := range []*side{ours, theirs} {
					s.ask(rt, "CreateTable", alike)
					defer s.ask(rt, "DeleteTable", request{})
				}
				g := generator{T: rt}
				for range rapid.IntRange(1, 30).Draw(rt, "calls") {
					op, r := g.call()
					got, want := ours.ask(rt, op, r), theirs.ask(rt, op, r)
					if !reflect.DeepEqual(got, want) {
						body, _ := json.Marshal(r)
						rt.Fatalf("%s %s\nours:   %s\ntheirs: %s", op, body, inJSON(got), inJSON(want))
					}
				}
			})
		})
	}
}

var made int // tables, so far

type (
	request = map[string]any
	list    = []any
)

// alike is a table with an index of everything and one of little.
var alike = request{
	"BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": list{
		request{"AttributeName": "pk", "AttributeType": "S"}, request{"AttributeName": "sk", "AttributeType": "S"},
		request{"AttributeName": "g", "AttributeType": "S"}, request{"AttributeName": "n", "AttributeType": "N"},
	},
	"KeySchema": list{request{"AttributeName": "pk", "KeyType": "HASH"}, request{"AttributeName": "sk", "KeyType": "RANGE"}},
	"GlobalSecondaryIndexes": list{
		request{"IndexName": "all", "Projection": request{"ProjectionType": "ALL"},
			"KeySchema": list{request{"AttributeName": "g", "KeyType": "HASH"}, request{"AttributeName": "n", "KeyType": "RANGE"}}},
		request{"IndexName": "some", "Projection": request{"ProjectionType": "INCLUDE", "NonKeyAttributes": list{"v"}},
			"KeySchema": list{request{"AttributeName": "g", "KeyType": "HASH"}}},
	},
}

// side is an engine and the name of the table there.
type side struct {
	table, address string
	way            http.RoundTripper
}

// ask makes a call and gives what can be compared of its answer.
func (s *side) ask(t *rapid.T, op string, r request) any {
	r["TableName"] = "table"
	if strings.Contains(op, "Batch") || strings.Contains(op, "Transact") {
		delete(r, "TableName")
	}
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	body = bytes.ReplaceAll(body, []byte(`"table"`), []byte(`"`+s.table+`"`))
	call, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	call.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	call.Header.Set("Content-Type", "application/x-amz-json-1.0")
	call.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260304/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := s.way.RoundTrip(call)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	said = bytes.ReplaceAll(said, []byte(`"`+s.table+`"`), []byte(`"table"`))
	var out request
	if err := json.Unmarshal(said, &out); err != nil {
		t.Fatalf("%s: %s", op, said)
	}
	if op == "CreateTable" || op == "DeleteTable" {
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", op, said)
		}
		return nil
	}
	if found, is := out["Responses"].(request); out["ScannedCount"] == 0.0 || is && len(asList(found["table"])) == 0 {
		delete(out, "ConsumedCapacity") // to find nothing is free of charge in DynamoDB Local
	}
	if r["IndexName"] != nil { // items of one key are in no order
		slices.SortFunc(asList(out["Items"]), func(a, b any) int { return strings.Compare(inJSON(a), inJSON(b)) })
	}
	for _, reason := range asList(out["CancellationReasons"]) {
		if reason.(request)["Code"] == "ValidationError" { // see differs
			return request{"__type": "ValidationException"}
		}
	}
	return settled(out)
}

func asList(v any) list {
	l, _ := v.(list)
	return l
}

// settled is an answer without what need not be alike: the words of errors and the order of sets.
func settled(v any) any {
	switch v := v.(type) {
	case request:
		for name, e := range v {
			switch name {
			case "message", "Message":
				delete(v, name)
			case "__type":
				_, v[name], _ = strings.Cut(e.(string), "#")
			case "ReadCapacityUnits", "WriteCapacityUnits": // which transactions alone have, those of DynamoDB Local not
				delete(v, name)
			case "N": // which DynamoDB Local shows as it was written where it is inside of another value
				if number, ok := new(big.Rat).SetString(e.(string)); ok {
					v[name] = number.RatString()
				}
			case "SS", "NS", "BS":
				if set, ok := e.(list); ok {
					slices.SortFunc(set, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
				}
			default:
				v[name] = settled(e)
			}
		}
	case list:
		for n, e := range v {
			v[n] = settled(e)
		}
	}
	return v
}

func inJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// generator makes calls of a few items, so that they meet.
type generator struct {
	*rapid.T
	names  request // the placeholders of the expression under way
	values request
}

func (g *generator) pick(what string, of ...string) string {
	return rapid.SampledFrom(of).Draw(g.T, what)
}
func (g *generator) one(in int) bool { return rapid.IntRange(1, in).Draw(g.T, "chance") == 1 }
func (g *generator) upTo(n int) int  { return rapid.IntRange(0, n).Draw(g.T, "n") }

func (g *generator) key() request {
	return request{"pk": request{"S": g.pick("pk", "p", "q")}, "sk": request{"S": g.pick("sk", "a", "b", "ba", "c")}}
}

func (g *generator) number() string {
	return g.pick("number", "0", "1", "-1", "2.50", "10", "1e2", "0.1", "-0.001", "12345678901234567890123456789012345678", "9e125")
}

func (g *generator) string() string {
	return g.pick("text", "", "a", "ab", "b", "ü", strings.Repeat("x", 900), strings.Repeat("y", 2500), strings.Repeat("z", 6000))
}

func (g *generator) value(depth int) request {
	switch kind := g.upTo(9 + min(depth, 1)*2); kind {
	case 0, 1:
		return request{"S": g.string()}
	case 2, 3:
		return request{"N": g.number()}
	case 4:
		return request{"BOOL": g.one(2)}
	case 5:
		return request{"NULL": true}
	case 6:
		return request{"B": g.pick("bytes", "", "AA==", "AAE=")}
	case 7:
		return request{"SS": list{"a", "ab", "b"}[:1+g.upTo(2)]}
	case 8:
		return request{"NS": list{"1", "2.5", "10"}[:1+g.upTo(2)]}
	case 9:
		return request{"BS": list{"AA==", "AAE="}[:1+g.upTo(1)]}
	case 10:
		of := list{}
		for range g.upTo(3) {
			of = append(of, g.value(depth-1))
		}
		return request{"L": of}
	default:
		of := request{}
		for range g.upTo(3) {
			of[g.pick("member", "x", "y")] = g.value(depth - 1)
		}
		return request{"M": of}
	}
}

// item is under a key, in the indexes now and then.
func (g *generator) item() request {
	item := g.key()
	for _, name := range []string{"v", "w", "l", "m", "s"} {
		if g.one(2) {
			item[name] = g.value(2)
		}
	}
	if g.one(2) { // never half a key: DynamoDB Local charges for it, though it makes no entry
		item["g"], item["n"] = request{"S": g.pick("g", "g", "h")}, request{"N": g.number()}
	}
	return item
}

// begin is before every expression of a call.
func (g *generator) begin() { g.names, g.values = request{}, request{} }

// end adds what the expressions name to the call.
func (g *generator) end(r request) request {
	if len(g.names) > 0 {
		r["ExpressionAttributeNames"] = g.names
	}
	if len(g.values) > 0 {
		r["ExpressionAttributeValues"] = g.values
	}
	return r
}

func (g *generator) name() string {
	name := g.pick("name", "v", "w", "l", "m", "s", "n", "g", "pk", "sk", "none")
	if g.one(2) {
		g.names["#"+name] = name
		return "#" + name
	}
	return name
}

func (g *generator) path() string {
	switch g.upTo(5) {
	case 0:
		return "m." + g.pick("member", "x", "y")
	case 1:
		return fmt.Sprintf("l[%d]", g.upTo(3))
	}
	return g.name()
}

func (g *generator) literal(v request) string {
	name := fmt.Sprintf(":v%d", len(g.values))
	g.values[name] = v
	return name
}

func (g *generator) operand() string {
	switch g.upTo(5) {
	case 0:
		return "size(" + g.path() + ")"
	case 1, 2, 3:
		return g.literal(g.value(1))
	}
	return g.path()
}

func (g *generator) condition(depth int) string {
	switch g.upTo(7 + min(depth, 1)*3) {
	case 0:
		return "attribute_exists(" + g.path() + ")"
	case 1:
		return "attribute_not_exists(" + g.path() + ")"
	case 2:
		return "attribute_type(" + g.path() + ", " + g.literal(request{"S": g.pick("type", "S", "N", "SS", "L", "NULL", "X")}) + ")"
	case 3:
		return "begins_with(" + g.path() + ", " + g.literal(request{"S": g.pick("prefix", "", "a", "x")}) + ")"
	case 4:
		return "contains(" + g.path() + ", " + g.operand() + ")"
	case 5:
		return g.path() + " BETWEEN " + g.literal(request{"N": "0"}) + " AND " + g.literal(request{"N": g.number()})
	case 6:
		return g.operand() + " IN (" + g.operand() + ", " + g.operand() + ")"
	case 8:
		return "NOT " + g.condition(depth-1)
	case 9:
		return g.condition(depth-1) + " AND " + g.condition(depth-1)
	case 10:
		return "(" + g.condition(depth-1) + ") OR " + g.condition(depth-1)
	}
	return g.path() + g.pick("comparator", " = ", " <> ", " < ", " <= ", " > ", " >= ") + g.operand()
}

func (g *generator) update() string {
	clauses := map[string][]string{}
	for range 1 + g.upTo(2) {
		path := g.path()
		for path == "pk" || path == "sk" || path == "#pk" || path == "#sk" { // only then DynamoDB Local looks at the condition first
			path = g.path()
		}
		switch g.upTo(6) {
		case 0:
			clauses["REMOVE"] = append(clauses["REMOVE"], path)
		case 1:
			clauses["ADD"] = append(clauses["ADD"], path+" "+g.literal(g.value(0)))
		case 2:
			clauses["DELETE"] = append(clauses["DELETE"], path+" "+g.literal(request{"SS": list{"a", "b"}}))
		case 3:
			clauses["SET"] = append(clauses["SET"], path+" = if_not_exists("+g.path()+", "+g.literal(g.value(1))+")")
		case 4:
			clauses["SET"] = append(clauses["SET"], path+" = "+g.path()+g.pick("sign", " + ", " - ")+g.literal(request{"N": g.number()}))
		case 5:
			clauses["SET"] = append(clauses["SET"], path+" = list_append("+g.path()+", "+g.literal(request{"L": list{g.value(0)}})+")")
		default:
			clauses["SET"] = append(clauses["SET"], path+" = "+g.literal(g.value(2)))
		}
	}
	if clauses["SET"] == nil && clauses["ADD"] == nil { // what only takes would make an item in DynamoDB Local where there is none
		clauses["SET"] = []string{"w = " + g.literal(g.value(0))}
	}
	var all []string
	for _, verb := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		if of := clauses[verb]; of != nil {
			all = append(all, verb+" "+strings.Join(of, ", "))
		}
	}
	return strings.Join(all, " ")
}

// conditioned gives a write a condition, mostly.
func (g *generator) conditioned(r request) request {
	if g.one(2) {
		r["ConditionExpression"] = g.condition(2)
	}
	if g.one(2) {
		r["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
	}
	return g.end(r)
}

func (g *generator) call() (op string, r request) {
	g.begin()
	switch g.upTo(9) {
	case 0, 1:
		op, r = "PutItem", g.conditioned(request{"Item": g.item(), "ReturnValues": g.pick("return", "NONE", "ALL_OLD")})
	case 2, 3:
		op, r = "UpdateItem", g.conditioned(request{"Key": g.key(), "UpdateExpression": g.update(),
			"ReturnValues": g.pick("return", "NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")})
		if strings.Contains(r["UpdateExpression"].(string), "l[") { // of lists DynamoDB Local now and then shows more than what was updated
			r["ReturnValues"] = "ALL_NEW"
		}
	case 4:
		op, r = "DeleteItem", g.conditioned(request{"Key": g.key(), "ReturnValues": g.pick("return", "NONE", "ALL_OLD")})
	case 5:
		op, r = "GetItem", g.end(request{"Key": g.key(), "ConsistentRead": g.one(2)})
	case 6, 7:
		op, r = "Query", g.query()
	case 8:
		op, r = "BatchGetItem", request{"RequestItems": request{"table": request{"Keys": list{g.key()}, "ConsistentRead": g.one(2)}}}
	default:
		op, r = "TransactWriteItems", request{"TransactItems": g.actions()}
		// DynamoDB Local counts one action of a transaction, half of it for a Delete of nothing, and no size for a check.
		if actions := asList(r["TransactItems"]); len(actions) > 1 || !strings.Contains(inJSON(r), `"UpdateExpression":`) && !strings.Contains(inJSON(r), `"Item":`) {
			return op, r
		}
	}
	r["ReturnConsumedCapacity"] = "INDEXES"
	return op, r
}

func (g *generator) query() request {
	r := request{}
	switch g.upTo(2) {
	case 0:
		r["KeyConditionExpression"] = "pk = " + g.literal(request{"S": g.pick("pk", "p", "q")}) + g.pick("sort", "", " AND sk > :sk", " AND begins_with(sk, :sk)", " AND sk BETWEEN :sk AND :sl")
		r["ConsistentRead"] = g.one(2)
		if strings.Contains(r["KeyConditionExpression"].(string), ":sk") {
			g.values[":sk"] = request{"S": g.pick("sk", "a", "b", "ba")}
		}
		if strings.Contains(r["KeyConditionExpression"].(string), ":sl") {
			g.values[":sl"] = request{"S": g.pick("sl", "a", "b", "ba")}
		}
		r["ScanIndexForward"] = g.one(2)
		if !strings.Contains(r["KeyConditionExpression"].(string), "BETWEEN") && g.one(3) { // DynamoDB Local sees that it is at the end
			r["Limit"] = 1 + g.upTo(2)
		}
	case 1:
		r["IndexName"], r["KeyConditionExpression"] = "all", "g = "+g.literal(request{"S": g.pick("g", "g", "h")})+" AND n "+g.pick("comparator", "<", ">=")+" "+g.literal(request{"N": g.number()})
	default:
		r["IndexName"], r["KeyConditionExpression"] = "some", "g = "+g.literal(request{"S": g.pick("g", "g", "h")})
	}
	if g.one(2) {
		r["FilterExpression"] = g.condition(2)
	}
	if g.one(3) {
		r["ProjectionExpression"] = g.path()
	}
	return g.end(r)
}

func (g *generator) actions() list {
	var all list
	taken := map[string]bool{}
	for range 1 + g.upTo(2) {
		g.begin()
		var r request
		kind := g.pick("kind", "Put", "Update", "Delete", "ConditionCheck")
		switch kind {
		case "Put":
			r = g.conditioned(request{"Item": g.item()})
		case "Update":
			r = g.conditioned(request{"Key": g.key(), "UpdateExpression": g.update()})
		case "Delete":
			r = g.conditioned(request{"Key": g.key()})
		default:
			r = g.end(request{"Key": g.key(), "ConditionExpression": g.condition(2)})
		}
		of := r["Key"]
		if of == nil {
			item := r["Item"].(request)
			of = request{"pk": item["pk"], "sk": item["sk"]}
		}
		if taken[inJSON(of)] { // DynamoDB Local looks at conditions before it says that nothing may be changed twice
			continue
		}
		taken[inJSON(of)] = true
		r["TableName"] = "table"
		all = append(all, request{kind: r})
	}
	return all
}
