package dynamo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
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
	return &table{schema: s, ttl: b.TTL, indexes: make([]tree[Item], len(s.indexes)), checkpoints: map[string]uint64{}}, nil
}

func (s *schema) arn() string {
	return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", region, account, s.name)
}

// streamLabel is when the stream began.
func (s *schema) streamLabel() string { return s.Created.UTC().Format("2006-01-02T15:04:05.000") }

func (s *schema) streamARN() string { return s.arn() + "/stream/" + s.streamLabel() }

// createTable is the request.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
type createTable struct {
	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	GlobalSecondaryIndexes    []indexRequest  `json:",omitempty"`
	BillingMode               string          `json:",omitempty"`
	ProvisionedThroughput     *throughput     `json:",omitempty"`
	StreamSpecification       *streamRequest  `json:",omitempty"`
	DeletionProtectionEnabled bool            `json:",omitempty"`
	TableClass                string          `json:",omitempty"`
	SSESpecification          json.RawMessage `json:",omitempty"` // nothing is stored elsewhere that could be read
	Tags                      json.RawMessage `json:",omitempty"` // and nothing asks for tags
}

type attributeDefinition struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

type streamRequest struct {
	StreamEnabled  bool
	StreamViewType string `json:",omitempty"`
}

type indexRequest struct {
	IndexName  string
	KeySchema  []keyElement
	Projection struct {
		ProjectionType   string
		NonKeyAttributes []string `json:",omitempty"`
	}
	ProvisionedThroughput *throughput `json:",omitempty"`
}

var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func checkName(name, at string) error {
	if name == "" {
		return constraint("null", at, "Member must not be null")
	}
	if !tableName.MatchString(name) {
		return constraint(name, at, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+, "+
			"have length greater than or equal to 3 and less than or equal to 255")
	}
	return nil
}

const maxIndexes = 20

// schema checks the request.
func (r *createTable) schema() (*schema, error) {
	if err := checkName(r.TableName, "tableName"); err != nil {
		return nil, err
	}
	kinds := map[string]string{}
	for _, a := range r.AttributeDefinitions {
		if a.AttributeType != "S" && a.AttributeType != "N" && a.AttributeType != "B" {
			return nil, constraint(a.AttributeType, "attributeDefinitions.member.attributeType",
				"Member must satisfy enum value set: [B, N, S]")
		}
		if kinds[a.AttributeName] != "" {
			return nil, parameter("Cannot have two attributes with the same name: %s", a.AttributeName)
		}
		kinds[a.AttributeName] = a.AttributeType
	}
	if err := r.checkBilling(); err != nil {
		return nil, err
	}
	s := &schema{name: r.TableName}
	used := map[string]bool{}
	var err error
	if s.key, err = readKeySchema(r.KeySchema, kinds, used); err != nil {
		return nil, err
	}
	if len(r.GlobalSecondaryIndexes) > maxIndexes {
		return nil, parameter("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxIndexes)
	}
	for _, g := range r.GlobalSecondaryIndexes {
		ix, err := g.index(s.key, kinds, used)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(s.indexes, func(other index) bool { return other.name == ix.name }) {
			return nil, parameter("Duplicate index name: %s", ix.name)
		}
		s.indexes = append(s.indexes, ix)
	}
	if len(used) != len(kinds) {
		return nil, parameter("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
			strings.Join(sortedKeys(kinds), ", "), strings.Join(sortedKeys(used), ", "))
	}
	s.view, err = r.StreamSpecification.view()
	return s, err
}

// parameter is a refusal in the service's most common words.
func parameter(format string, args ...any) *Error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

func (r *createTable) checkBilling() error {
	provisioned := r.ProvisionedThroughput != nil
	switch r.BillingMode {
	case "PAY_PER_REQUEST":
		if provisioned {
			return parameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
	case "", "PROVISIONED":
		if !provisioned {
			return parameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
		}
	default:
		return constraint(r.BillingMode, "billingMode", "Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]")
	}
	return nil
}

func readKeySchema(elements []keyElement, kinds map[string]string, used map[string]bool) (keySchema, error) {
	var s keySchema
	if len(elements) < 1 || len(elements) > 2 {
		return s, constraint(elements, "keySchema", "Member must have length less than or equal to 2 and greater than or equal to 1")
	}
	for i, e := range elements {
		if e.KeyType != []string{"HASH", "RANGE"}[i] {
			return s, invalid("Invalid KeySchema: The first KeySchemaElement must be a HASH key type, the second a RANGE key type")
		}
		kind := kinds[e.AttributeName]
		if kind == "" {
			return s, parameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				e.AttributeName, strings.Join(sortedKeys(kinds), ", "))
		}
		used[e.AttributeName] = true
		*[]*keyAttribute{&s.hash, &s.sort}[i] = keyAttribute{e.AttributeName, kind}
	}
	if s.hash.name == s.sort.name {
		return s, invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	return s, nil
}

func (g indexRequest) index(tableKey keySchema, kinds map[string]string, used map[string]bool) (index, error) {
	ix := index{name: g.IndexName, projection: g.Projection.ProjectionType}
	if err := checkName(g.IndexName, "globalSecondaryIndexes.member.indexName"); err != nil {
		return ix, err
	}
	var err error
	if ix.key, err = readKeySchema(g.KeySchema, kinds, used); err != nil {
		return ix, err
	}
	extra := g.Projection.NonKeyAttributes
	switch {
	case ix.projection == "ALL" && extra == nil:
		return ix, nil
	case ix.projection == "KEYS_ONLY" && extra == nil, ix.projection == "INCLUDE" && extra != nil:
	case ix.projection == "":
		return ix, parameter("Unknown ProjectionType: null")
	case ix.projection == "INCLUDE":
		return ix, parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	case ix.projection == "ALL" || ix.projection == "KEYS_ONLY":
		return ix, parameter("ProjectionType is %s, but NonKeyAttributes is specified", ix.projection)
	default:
		return ix, constraint(ix.projection, "globalSecondaryIndexes.member.projection.projectionType",
			"Member must satisfy enum value set: [ALL, INCLUDE, KEYS_ONLY]")
	}
	ix.attributes = slices.Clone(extra)
	for _, a := range slices.Concat(tableKey.attributes(), ix.key.attributes()) {
		ix.attributes = append(ix.attributes, a.name)
	}
	slices.Sort(ix.attributes)
	ix.attributes = slices.Compact(ix.attributes)
	return ix, nil
}

func (r *streamRequest) view() (string, error) {
	switch {
	case r == nil || !r.StreamEnabled && r.StreamViewType == "":
		return "", nil
	case !r.StreamEnabled:
		return "", parameter("Table is being created with stream disabled, UpdateStreamViewType not permitted")
	}
	views := []string{"NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"}
	if !slices.Contains(views, r.StreamViewType) {
		return "", constraint(r.StreamViewType, "streamSpecification.streamViewType",
			"Member must satisfy enum value set: ["+strings.Join(views, ", ")+"]")
	}
	return r.StreamViewType, nil
}

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
	if err == errTableNotFound {
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
		if t, err = x.find(r.TableName); err == errTableNotFound {
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
			field{"LatestStreamLabel", t.streamLabel()}, field{"LatestStreamArn", t.streamARN()})
	}
	return a
}

func (p *throughput) describe() answer {
	if p == nil {
		p = &throughput{}
	}
	return answer{{"NumberOfDecreasesToday", 0}, {"ReadCapacityUnits", p.ReadCapacityUnits}, {"WriteCapacityUnits", p.WriteCapacityUnits}}
}
