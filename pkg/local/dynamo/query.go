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
	w, scope, err := e.begin(&r.reading, r.KeyConditionExpression, true)
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
	w, scope, err := e.begin(&r.reading, nil, false)
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

// begin checks what both have.
func (e *Engine) begin(r *reading, keyCondition *string, isQuery bool) (*walk, *scope, error) {
	expressions := map[string]*string{
		"FilterExpression": r.FilterExpression, "ProjectionExpression": r.ProjectionExpression, "KeyConditionExpression": keyCondition,
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
		if err := w.setFilter(scope, *r.FilterExpression, isQuery); err != nil {
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
	if missing := w.unprojected(p.paths); isQuery && missing != nil {
		return parameter("Secondary index %s does not project one or more filter attributes: [%s]", w.index.name, strings.Join(missing, ", "))
	}
	w.filter = filter
	return p.checkPaths(w.table.key)
}

func (w *walk) setProjection(s *scope, text string) error {
	projection, p, err := s.projection(text)
	if err != nil {
		return err
	}
	if missing := w.unprojected(p.paths); missing != nil {
		return parameter("Global secondary index %s does not project [%s]", w.index.name, strings.Join(missing, ", "))
	}
	w.projection = projection
	return p.checkPaths(w.table.key)
}

// unprojected is the attributes that the index does not have.
func (w *walk) unprojected(paths []path) (missing []string) {
	for _, at := range paths {
		if w.index != nil && !w.index.projects(at[0].name) {
			missing = append(missing, at[0].name)
		}
	}
	return missing
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
