package dynamo

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

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
		return s, constraint(elements, "keySchema", "Member must have length between 1 and 2")
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
