package dynamo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Where the engine says it is.
const (
	region  = "eu-west-1"
	account = "000000000000"
)

// table is a table at one moment.
type table struct {
	*schema
	ttl         string // the attribute that tells when an item expires, "" when TTL is off
	items       tree[Item]
	indexes     []tree[Item] // in the order of the schema's
	log         tree[*Record]
	checkpoints map[string]uint64 // by subscription: the last record it is done with
}

func (t *table) copy() *table {
	c := *t
	c.indexes = slices.Clone(t.indexes)
	return &c
}

// schema is what a table was created with. Its address is the table's identity: another table of the same name has
// another.
type schema struct {
	birth
	name    string
	key     keySchema
	indexes []index
	view    string // of the stream, "" when there is none
	stream  string // its ARN
}

// index is a global secondary index: the items that have its key, cut down to its projection.
type index struct {
	name       string
	key        keySchema
	projection string
	attributes []string // all that is projected, sorted; nil is everything
}

// entry is the key of an item's entry, and whether the item has one: an index is sparse.
func (ix index) entry(itemKey string, it Item) (string, bool) {
	for _, a := range ix.key.attributes() {
		if v := it.get(a.name); v == nil || v.kind() != a.kind {
			return "", false
		}
	}
	return ix.key.key(it) + itemKey, true
}

func (ix index) project(it Item) Item {
	if ix.attributes == nil {
		return it
	}
	return it.only(ix.attributes)
}

func (ix index) projects(attribute string) bool {
	return ix.attributes == nil || slices.Contains(ix.attributes, attribute)
}

// birth is what the file knows of a table besides its items: the request that made it.
type birth struct {
	Request createTable
	Created time.Time
	ID      string
	TTL     string
}

func (b birth) table() (*table, error) {
	s, err := b.Request.schema()
	if err != nil {
		return nil, err
	}
	s.birth = b
	s.stream = s.arn() + "/stream/" + s.streamLabel()
	return &table{schema: s, ttl: b.TTL, indexes: make([]tree[Item], len(s.indexes)), checkpoints: map[string]uint64{}}, nil
}

func (s *schema) arn() string {
	return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", region, account, s.name)
}

// streamLabel is when the stream began.
func (s *schema) streamLabel() string { return s.Created.UTC().Format("2006-01-02T15:04:05.000") }

func (e *Engine) createTable(ctx context.Context, r *createTable) (answer, error) {
	if _, err := r.schema(); err != nil {
		return nil, err
	}
	var t *table
	err := e.change(ctx, func(x *edit) (err error) {
		if x.tables[r.TableName] != nil {
			return refuse("ResourceInUseException", "Table already exists: %s", r.TableName)
		}
		if t, err = (birth{Request: *r, Created: x.now, ID: newID()}).table(); err != nil {
			return err
		}
		x.setTable(r.TableName, t)
		x.storeBirth(t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer{{"TableDescription", t.describe("ACTIVE")}}, nil
}

// storeBirth keeps what is known of a table besides its items.
func (x *edit) storeBirth(t *table) {
	b := t.birth
	b.TTL = t.ttl
	v, err := json.Marshal(b)
	if err != nil {
		panic(err) // strings and numbers
	}
	x.store(mutation{tablesBucket, []byte(t.name), v})
}

// newID makes a UUID.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&15|64, b[8]&63|128
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

type namedTable struct{ TableName string }

// find gives a table as it is now.
func (e *Engine) find(name string) (*table, error) { return e.shown.Load().find(name) }

func (s *state) find(name string) (*table, error) {
	if name == "" {
		return nil, constraint("null", "tableName", "Member must not be null")
	}
	if t := s.tables[name]; t != nil {
		return t, nil
	}
	return nil, errTableNotFound
}

func (e *Engine) describeTable(_ context.Context, r *namedTable) (answer, error) {
	t, err := e.find(r.TableName)
	if errors.Is(err, errTableNotFound) {
		return nil, refuse("ResourceNotFoundException", "Requested resource not found: Table: %s not found", r.TableName)
	}
	if err != nil {
		return nil, err
	}
	return answer{{"Table", t.describe("ACTIVE")}}, nil
}

func (e *Engine) deleteTable(ctx context.Context, r *namedTable) (answer, error) {
	var t *table
	err := e.change(ctx, func(x *edit) (err error) {
		if t, err = x.find(r.TableName); errors.Is(err, errTableNotFound) {
			return refuse("ResourceNotFoundException", "Requested resource not found: Table: %s not found", r.TableName)
		} else if err != nil {
			return err
		}
		if t.Request.DeletionProtectionEnabled {
			return invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		x.tables = maps.Clone(x.tables)
		delete(x.tables, r.TableName)
		x.store(mutation{tablesBucket, []byte(r.TableName), nil})
		for _, bucket := range []string{itemsBucket, logBucket, checkpointsBucket} {
			x.store(mutation{bucket + r.TableName, nil, nil})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer{{"TableDescription", t.describe("DELETING")}}, nil
}

type listTables struct {
	ExclusiveStartTableName string
	Limit                   *int
}

func (e *Engine) listTables(_ context.Context, r *listTables) (answer, error) {
	limit := 100
	if r.Limit != nil {
		limit = *r.Limit
	}
	if limit < 1 || limit > 100 {
		return nil, constraint(limit, "limit", "Member must have value between 1 and 100")
	}
	names := sortedKeys(e.shown.Load().tables)
	names = slices.DeleteFunc(names, func(name string) bool { return name <= r.ExclusiveStartTableName })
	last := ""
	if len(names) > limit {
		names = names[:limit]
		last = names[limit-1]
	}
	return answer{{"TableNames", names}, {"LastEvaluatedTableName", last}}, nil
}

func (t *table) describe(status string) answer {
	r := t.Request
	mode := r.BillingMode
	if mode == "" {
		mode = "PROVISIONED"
	}
	a := answer{
		{"TableName", t.name}, {"TableStatus", status}, {"TableArn", t.arn()}, {"TableId", t.ID},
		{"CreationDateTime", float64(t.Created.UnixMilli()) / 1000}, {"ItemCount", t.items.len()},
		{"AttributeDefinitions", r.AttributeDefinitions}, {"KeySchema", r.KeySchema},
		{"BillingModeSummary", answer{{"BillingMode", mode}}},
		{"ProvisionedThroughput", r.ProvisionedThroughput.describe()},
		{"DeletionProtectionEnabled", r.DeletionProtectionEnabled},
	}
	if r.TableClass != "" {
		a = append(a, field{"TableClassSummary", answer{{"TableClass", r.TableClass}}})
	}
	var indexes []answer
	for i, g := range r.GlobalSecondaryIndexes {
		indexes = append(indexes, answer{
			{"IndexName", g.IndexName}, {"IndexStatus", "ACTIVE"}, {"IndexArn", t.arn() + "/index/" + g.IndexName},
			{"KeySchema", g.KeySchema}, {"Projection", g.Projection}, {"ItemCount", t.indexes[i].len()},
			{"ProvisionedThroughput", g.ProvisionedThroughput.describe()},
		})
	}
	if indexes != nil {
		a = append(a, field{"GlobalSecondaryIndexes", indexes})
	}
	if t.view != "" {
		a = append(a, field{"StreamSpecification", r.StreamSpecification},
			field{"LatestStreamLabel", t.streamLabel()}, field{"LatestStreamArn", t.stream})
	}
	return a
}

func (p *throughput) describe() answer {
	if p == nil {
		p = &throughput{}
	}
	return answer{
		{"NumberOfDecreasesToday", 0}, {"ReadCapacityUnits", p.ReadCapacityUnits}, {"WriteCapacityUnits", p.WriteCapacityUnits},
	}
}
