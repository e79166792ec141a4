package dynamo

import (
	"context"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// reading is what Query and Scan have in common.
type reading struct {
	legacy
	placeholders
	TableName              string
	IndexName              string
	ConsistentRead         bool
	ExclusiveStartKey      Item
	FilterExpression       *string
	Limit                  *int
	ProjectionExpression   *string
	ReturnConsumedCapacity detail
	Select                 string
}

type query struct {
	reading
	KeyConditionExpression *string
	ScanIndexForward       *bool
}

type scan struct {
	reading
	Segment, TotalSegments *int
}

// maxPage is how many bytes of items one page reads at most.
const maxPage = 1024 * 1024

// walk is a reading that has been checked: a range of one tree.
type walk struct {
	table      *table
	index      *index // nil for the table itself
	tree       tree[Item]
	key        keySchema // of the tree
	from, to   string
	backward   bool
	filter     condition // nil lets everything pass
	projection *outline  // nil keeps everything
}

func (e *Engine) query(_ context.Context, r *query) (answer, error) {
	w, scope, err := e.begin(&r.reading, r.KeyConditionExpression, "KeyConditionExpression")
	if err != nil {
		return nil, err
	}
	if r.KeyConditionExpression == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	keys, _, err := scope.condition("KeyConditionExpression", *r.KeyConditionExpression)
	if err != nil {
		return nil, err
	}
	if err := scope.allUsed(); err != nil {
		return nil, err
	}
	if err := w.narrow(keys); err != nil {
		return nil, err
	}
	w.backward = r.ScanIndexForward != nil && !*r.ScanIndexForward
	return w.page(&r.reading)
}

func (e *Engine) scan(_ context.Context, r *scan) (answer, error) {
	w, scope, err := e.begin(&r.reading, nil, "")
	if err != nil {
		return nil, err
	}
	if err := scope.allUsed(); err != nil {
		return nil, err
	}
	if err := w.segment(r.Segment, r.TotalSegments); err != nil {
		return nil, err
	}
	return w.page(&r.reading)
}

// begin checks what both have; keyCondition is nil for a Scan.
func (e *Engine) begin(r *reading, keyCondition *string, keyMember string) (*walk, *scope, error) {
	expressions := map[string]*string{
		"FilterExpression": r.FilterExpression, "ProjectionExpression": r.ProjectionExpression, keyMember: keyCondition,
	}
	if err := r.legacy.refuse(expressions); err != nil {
		return nil, nil, err
	}
	if err := r.ReturnConsumedCapacity.check(); err != nil {
		return nil, nil, err
	}
	if r.Limit != nil && *r.Limit < 1 {
		return nil, nil, constraint(*r.Limit, "limit", "Member must have value greater than or equal to 1")
	}
	w, err := e.open(r)
	if err != nil {
		return nil, nil, err
	}
	scope, err := r.scope(r.FilterExpression, r.ProjectionExpression, keyCondition)
	if err != nil {
		return nil, nil, err
	}
	if r.FilterExpression != nil {
		if err := w.setFilter(scope, *r.FilterExpression, keyMember != ""); err != nil {
			return nil, nil, err
		}
	}
	if r.ProjectionExpression != nil {
		if err := w.setProjection(scope, *r.ProjectionExpression); err != nil {
			return nil, nil, err
		}
	}
	return w, scope, w.checkSelect(r)
}

// open finds the tree that is read.
func (e *Engine) open(r *reading) (*walk, error) {
	t, err := e.find(r.TableName)
	if err != nil {
		return nil, err
	}
	if r.IndexName == "" {
		return &walk{table: t, tree: t.items, key: t.key}, nil
	}
	i := slices.IndexFunc(t.schema.indexes, func(ix index) bool { return ix.name == r.IndexName })
	if i < 0 {
		return nil, invalid("The table does not have the specified index: %s", r.IndexName)
	}
	if r.ConsistentRead {
		return nil, invalid("Consistent reads are not supported on global secondary indexes")
	}
	ix := &t.schema.indexes[i]
	return &walk{table: t, index: ix, tree: e.lagging(t).indexes[i], key: ix.key}, nil
}

func (w *walk) setFilter(s *scope, text string, isQuery bool) error {
	filter, p, err := s.condition("FilterExpression", text)
	if err != nil {
		return err
	}
	for _, at := range p.paths {
		if isQuery && w.key.has(at[0].name) {
			return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", at[0].name)
		}
	}
	w.filter = filter
	return p.checkPaths(w.table.key)
}

func (w *walk) setProjection(s *scope, text string) error {
	projection, p, err := s.projection(text)
	if err != nil {
		return err
	}
	if w.index != nil {
		var missing []string
		for _, at := range p.paths {
			if !w.index.projects(at[0].name) {
				missing = append(missing, at[0].name)
			}
		}
		if missing != nil {
			return parameter("Global secondary index %s does not project [%s]", w.index.name, strings.Join(missing, ", "))
		}
	}
	w.projection = projection
	return p.checkPaths(w.table.key)
}

func (w *walk) checkSelect(r *reading) error {
	switch {
	case r.Select == "", r.Select == "SPECIFIC_ATTRIBUTES" && w.projection != nil:
	case r.Select == "SPECIFIC_ATTRIBUTES":
		return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case r.Select != "ALL_ATTRIBUTES" && r.Select != "ALL_PROJECTED_ATTRIBUTES" && r.Select != "COUNT":
		return constraint(r.Select, "select",
			"Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]")
	case w.projection != nil:
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", r.Select)
	case r.Select == "ALL_PROJECTED_ATTRIBUTES" && w.index == nil:
		return parameter("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case r.Select == "ALL_ATTRIBUTES" && w.index != nil && w.index.attributes != nil:
		return parameter("Select type ALL_ATTRIBUTES is not supported for global secondary index %s "+
			"because its projection type is not ALL", w.index.name)
	}
	return nil
}

// narrow sets the range that a key condition allows: the partition key's value, and at most one condition on the sort
// key, joined by AND.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
func (w *walk) narrow(c condition) error {
	tests, err := keyTests(c, nil)
	if err != nil {
		return err
	}
	var hash, sort *keyTest
	for i, t := range tests {
		slot := &hash
		switch {
		case t.name == "":
			return invalid("Query condition missed key schema element: %s", w.key.hash.name)
		case t.name == w.key.hash.name:
		case w.key.sort.name != "" && t.name == w.key.sort.name:
			slot = &sort
		default:
			return invalid("Query condition missed key schema element: %s", w.missing(tests))
		}
		if *slot != nil {
			return invalid("KeyConditionExpressions must only contain one condition per key")
		}
		*slot = &tests[i]
	}
	switch {
	case hash == nil:
		return invalid("Query condition missed key schema element: %s", w.key.hash.name)
	case hash.operator != "=":
		return invalid("Query key condition not supported")
	}
	if err := hash.check(w.key.hash, maxHashKey); err != nil {
		return err
	}
	prefix := string(appendPartition(nil, hash.values[0]))
	w.from, w.to = prefix, after(prefix)
	if sort == nil {
		return nil
	}
	if err := sort.check(w.key.sort, maxSortKey); err != nil {
		return err
	}
	w.from, w.to = sort.bounds(prefix)
	return nil
}

// missing is the key attribute that no test is about.
func (w *walk) missing(tests []keyTest) string {
	for _, a := range w.key.attributes() {
		if !slices.ContainsFunc(tests, func(t keyTest) bool { return t.name == a.name }) {
			return a.name
		}
	}
	return w.key.hash.name
}

// keyTest is one test of a key condition.
type keyTest struct {
	name     string // of the attribute
	operator string
	values   []value
}

// keyTests takes a key condition apart.
func keyTests(c condition, tests []keyTest) ([]keyTest, error) {
	banned := func(operator string) ([]keyTest, error) {
		return nil, invalid("Invalid operator used in KeyConditionExpression: %s", operator)
	}
	switch c := c.(type) {
	case and:
		tests, err := keyTests(c.left, tests)
		if err != nil {
			return nil, err
		}
		return keyTests(c.right, tests)
	case or:
		return banned("OR")
	case not:
		return banned("NOT")
	case oneOf:
		return banned("IN")
	case between:
		return appendTest(tests, "BETWEEN", c.operand, c.low, c.high)
	case call:
		if c.name != "begins_with" {
			return banned(c.name)
		}
		return appendTest(tests, c.name, c.args[0], c.args[1])
	case comparison:
		if c.operator == "<>" {
			return banned(c.operator)
		}
		if _, ok := c.left.(path); ok {
			return appendTest(tests, c.operator, c.left, c.right)
		}
		return appendTest(tests, mirrored[c.operator], c.right, c.left)
	}
	return nil, invalid("Query key condition not supported")
}

var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func appendTest(tests []keyTest, operator string, attribute operand, values ...operand) ([]keyTest, error) {
	t := keyTest{operator: operator}
	switch a := attribute.(type) {
	case path:
		if len(a) > 1 {
			return nil, invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %s", a[0].name)
		}
		t.name = a[0].name
	case sizeOf:
		return nil, invalid("KeyConditionExpressions cannot contain nested operations")
	}
	for _, v := range values {
		l, ok := v.(literal)
		if !ok {
			return nil, invalid("KeyConditionExpressions cannot contain nested operations")
		}
		t.values = append(t.values, l.value)
	}
	return append(tests, t), nil
}

func (t keyTest) check(a keyAttribute, limit int) error {
	for _, v := range t.values {
		switch {
		case v.kind() != a.kind:
			return parameter("Condition parameter type does not match schema type")
		case isEmpty(v) && t.operator != "begins_with":
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute "+
				"cannot contain an empty %s value. Key: %s", kindWord(v), a.name)
		case v.size() > limit && limit == maxHashKey:
			return errHashKeyTooLong
		case v.size() > limit:
			return errSortKeyTooLong
		}
	}
	if t.operator == "begins_with" && a.kind == "N" {
		return invalid("Invalid KeyConditionExpression: Incorrect operand type for operator or function; " +
			"operator or function: begins_with, operand type: N")
	}
	return nil
}

// bounds is the range of keys in a partition that pass the test of the sort key.
func (t keyTest) bounds(partition string) (from, to string) {
	part := func(i int) string { return string(appendPart([]byte(partition), t.values[i])) }
	from, to = partition, after(partition)
	switch t.operator {
	case "=":
		return part(0), after(part(0))
	case "<":
		return from, part(0)
	case "<=":
		return from, after(part(0))
	case ">":
		return after(part(0)), to
	case ">=":
		return part(0), to
	case "BETWEEN":
		return part(0), after(part(1))
	}
	prefix := string(appendPrefix([]byte(partition), t.values[0]))
	return prefix, after(prefix)
}

const maxSegments = 1_000_000

// segment narrows a Scan to its part of the hashes.
func (w *walk) segment(segment, total *int) error {
	switch {
	case segment == nil && total == nil:
		return nil
	case segment == nil:
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case total == nil:
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case *total < 1 || *total > maxSegments:
		return constraint(*total, "totalSegments", "Member must have value between 1 and 1000000")
	case *segment < 0 || *segment >= *total:
		return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: "+
			"Segment: %d is not less than TotalSegments: %d", *segment, *total)
	}
	border := func(n int) string {
		if n == *total {
			return ""
		}
		q, _ := bits.Div64(uint64(n), 0, uint64(*total)) // n × 2^64 / total
		return string(binary.BigEndian.AppendUint64(nil, q))
	}
	w.from, w.to = border(*segment), border(*segment+1)
	return nil
}

// resume moves the range behind the item at which the last page ended. The item may be gone.
func (w *walk) resume(start Item) error {
	bad := invalid("The provided starting key is invalid")
	names := w.keyNames()
	if len(start) != len(names) {
		return bad
	}
	if err := w.table.key.checkKey(w.table.key.cut(start)); err != nil {
		return bad
	}
	at := w.table.key.key(start)
	if w.index != nil {
		var ok bool
		if at, ok = w.index.entry(at, start); !ok {
			return bad
		}
	}
	if at < w.from || w.to != "" && at >= w.to {
		if len(w.from) > hashBytes && !strings.HasPrefix(at, w.from[:hashBytes]) {
			return invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
		return invalid("The provided starting key does not match the range key predicate")
	}
	if w.backward {
		w.to = at
	} else {
		w.from = at + "\x00"
	}
	return nil
}

// keyNames are the attributes of a LastEvaluatedKey: the table's key, and the index's.
func (w *walk) keyNames() []string {
	var names []string
	for _, a := range slices.Concat(w.table.key.attributes(), w.key.attributes()) {
		names = append(names, a.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// page reads until the range, the limit or the megabyte ends. Limit counts before the filter does.
func (w *walk) page(r *reading) (answer, error) {
	if r.ExclusiveStartKey != nil {
		if err := w.resume(r.ExclusiveStartKey); err != nil {
			return nil, err
		}
	}
	each := w.tree.up
	if w.backward {
		each = w.tree.down
	}
	items := []Item{}
	count, scanned, size := 0, 0, 0
	var last, end Item
	for _, it := range each(w.from, w.to) {
		n := it.bytes()
		if size+n > maxPage {
			end = last
			break
		}
		size += n
		scanned++
		last = it
		if w.filter == nil || w.filter.holds(it) {
			count++
			if r.Select != "COUNT" {
				items = append(items, w.shown(it))
			}
		}
		if r.Limit != nil && scanned == *r.Limit {
			end = last
			break
		}
	}
	if r.Select == "COUNT" {
		items = nil
	}
	a := answer{{"Items", items}, {"Count", count}, {"ScannedCount", scanned}}
	if end != nil {
		a = append(a, field{"LastEvaluatedKey", end.only(w.keyNames())})
	}
	units := consistencyOf(r.ConsistentRead).units(size)
	consumed := consumption{table: units}
	if w.index != nil {
		consumed = consumption{}
		consumed.index(w.index.name, units)
	}
	return append(a, field{"ConsumedCapacity", r.ReturnConsumedCapacity.report(r.TableName, consumed, "")}), nil
}

func (w *walk) shown(it Item) Item {
	if w.projection == nil {
		return it
	}
	return w.projection.project(it)
}
