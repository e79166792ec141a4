package dynamo

import (
	"context"
	"encoding/json"
	"slices"
)

// write is a checked change of one item, alone or in a transaction.
type write struct {
	schema    *schema
	key       string // in the tree of items
	keyItem   Item
	condition condition // nil holds always
	showOld   bool      // where the condition fails
	outcome   func(old Item) (Item, error)
}

// conditional is what all writes have in common.
type conditional struct {
	placeholders
	TableName                           string
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure string
}

// prepare checks the expressions. The one of an update is nil for all other writes.
func (c *conditional) prepare(t *table, updateExpression *string) (*write, *update, error) {
	switch c.ReturnValuesOnConditionCheckFailure {
	case "", "NONE", "ALL_OLD":
	default:
		return nil, nil, constraint(c.ReturnValuesOnConditionCheckFailure, "returnValuesOnConditionCheckFailure",
			"Member must satisfy enum value set: [ALL_OLD, NONE]")
	}
	w := &write{schema: t.schema, showOld: c.ReturnValuesOnConditionCheckFailure == "ALL_OLD"}
	scope, err := c.scope(updateExpression, c.ConditionExpression)
	if err != nil {
		return nil, nil, err
	}
	var u *update
	if updateExpression != nil {
		var p *parser
		if u, p, err = scope.update(*updateExpression); err != nil {
			return nil, nil, err
		}
		if err := u.touches(t.key); err != nil {
			return nil, nil, err
		}
		if err := p.checkPaths(t.key); err != nil {
			return nil, nil, err
		}
	}
	if c.ConditionExpression != nil {
		var p *parser
		if w.condition, p, err = scope.condition("ConditionExpression", *c.ConditionExpression); err != nil {
			return nil, nil, err
		}
		if err := p.checkPaths(t.key); err != nil {
			return nil, nil, err
		}
	}
	return w, u, scope.allUsed()
}

// at sets the item that is written.
func (w *write) at(key Item) (*write, error) {
	if err := w.schema.key.checkKey(key); err != nil {
		return nil, err
	}
	w.keyItem, w.key = key, w.schema.key.key(key)
	return w, nil
}

// evaluate gives what the item becomes, nil for nothing.
func (w *write) evaluate(old Item) (Item, error) {
	if w.condition != nil && !w.condition.holds(old) {
		failed := refuse("ConditionalCheckFailedException", conditionFailed)
		if w.showOld {
			failed.item = old
		}
		return nil, failed
	}
	return w.outcome(old)
}

// statement is a write as a request puts it.
type statement interface {
	write(*table) (*write, error)
	table() string
}

func (c *conditional) table() string { return c.TableName }

// putAction, deleteAction, updateAction and checkAction are the actions of a transaction; the first three are most of
// the requests PutItem, DeleteItem and UpdateItem too.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItem.html
type putAction struct {
	conditional
	Item Item
}

type deleteAction struct {
	conditional
	Key Item
}

type updateAction struct {
	conditional
	Key              Item
	UpdateExpression *string
}

type checkAction struct {
	conditional
	Key Item
}

func (a *putAction) write(t *table) (*write, error) {
	w, _, err := a.prepare(t, nil)
	if err != nil {
		return nil, err
	}
	if err := t.checkPut(a.Item); err != nil {
		return nil, err
	}
	w.outcome = func(Item) (Item, error) { return a.Item, nil }
	return w.at(t.key.cut(a.Item))
}

// checkPut says whether an item may be put.
func (s *schema) checkPut(it Item) error {
	if err := s.key.checkItem(it); err != nil {
		return err
	}
	for _, a := range it {
		if a.name == "" {
			return parameter("Empty attribute name")
		}
	}
	if it.bytes() > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return s.checkIndexKeys(it, func(ix index, a keyAttribute, v value) error {
		return unfit("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", a.name, a.kind, v.kind(), ix.name)
	})
}

// checkIndexKeys refuses an item whose attribute could not be the key of an index; mismatch words a wrong type.
func (s *schema) checkIndexKeys(it Item, mismatch func(index, keyAttribute, value) error) error {
	for _, ix := range s.indexes {
		for _, a := range ix.key.attributes() {
			switch v := it.get(a.name); {
			case v == nil:
			case v.kind() != a.kind:
				return mismatch(ix, a, v)
			case isEmpty(v):
				return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not "+
					"supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s",
					kindWord(v), ix.name, a.name)
			case a == ix.key.hash && v.size() > maxHashKey:
				return errHashKeyTooLong
			case a == ix.key.sort && v.size() > maxSortKey:
				return errSortKeyTooLong
			}
		}
	}
	return nil
}

func (a *deleteAction) write(t *table) (*write, error) {
	w, _, err := a.prepare(t, nil)
	if err != nil {
		return nil, err
	}
	w.outcome = func(Item) (Item, error) { return nil, nil }
	return w.at(a.Key)
}

func (a *checkAction) write(t *table) (*write, error) {
	if a.ConditionExpression == nil {
		return nil, constraint("null", "transactItems.member.conditionCheck.conditionExpression", "Member must not be null")
	}
	w, _, err := a.prepare(t, nil)
	if err != nil {
		return nil, err
	}
	w.outcome = func(old Item) (Item, error) { return old, nil }
	return w.at(a.Key)
}

// write is for transactions, in which an update must say what it does.
func (a *updateAction) write(t *table) (*write, error) {
	if a.UpdateExpression == nil {
		return nil, constraint("null", "transactItems.member.update.updateExpression", "Member must not be null")
	}
	w, _, err := a.prepared(t)
	return w, err
}

// prepared gives the tree of the update too, nil where there is none.
func (a *updateAction) prepared(t *table) (*write, *update, error) {
	w, u, err := a.prepare(t, a.UpdateExpression)
	if err != nil {
		return nil, nil, err
	}
	w.outcome = func(old Item) (Item, error) {
		none := old == nil
		if none {
			old = w.keyItem
		}
		if u == nil {
			return old, nil
		}
		it, err := u.apply(old)
		switch {
		case err != nil:
			return nil, err
		case none && u.onlyTakes():
			return nil, nil
		case it.bytes() > maxItem:
			return nil, errUpdateSize
		case depth(it) > maxDepth+1: // the item itself is no level
			return nil, errTooDeep
		}
		return it, t.checkIndexKeys(it, func(index, keyAttribute, value) error {
			return invalid("The update expression attempted to update the secondary index key to unsupported type")
		})
	}
	w, err = w.at(a.Key)
	return w, u, err
}

// carryOut does a write and gives the item before and after.
func (x *edit) carryOut(w *write) (old, it Item, err error) {
	t := x.tables[w.schema.name]
	if t == nil || t.schema != w.schema {
		return nil, nil, errTableNotFound
	}
	old, _ = t.items.get(w.key)
	if it, err = w.evaluate(old); err != nil {
		return nil, nil, err
	}
	x.replace(w.schema.name, w.key, old, it, false)
	return old, it, nil
}

// replace puts it in old's place, either of which may be nil: into the table, its indexes, its stream and the changes
// for the disk. An item that stays the same is no change.
func (x *edit) replace(name, key string, old, it Item, expired bool) {
	if equalItems(old, it) {
		return
	}
	t := x.table(name)
	if it == nil {
		t.items = t.items.remove(key)
		x.store(mutation{itemsBucket + name, []byte(key), nil})
	} else {
		t.items = t.items.set(key, it)
		x.store(mutation{itemsBucket + name, []byte(key), x.encoded(it)})
	}
	for i, ix := range t.schema.indexes {
		before, had := ix.entry(key, old)
		behind, has := ix.entry(key, it)
		if had && !(has && before == behind) {
			t.indexes[i] = t.indexes[i].remove(before)
		}
		if has {
			t.indexes[i] = t.indexes[i].set(behind, ix.project(it))
		}
	}
	x.record(t, old, it, expired)
}

// encoded is the JSON of what goes to disk, nil where there is no disk.
func (x *edit) encoded(v json.Marshaler) []byte {
	if !x.durable {
		return nil
	}
	b, err := v.MarshalJSON()
	if err != nil {
		panic(err) // items and records have JSON
	}
	return b
}

func equalItems(a, b Item) bool { return (a == nil) == (b == nil) && equal(a, b) }

// common are the parameters of the three single writes that do not change what is written.
type common struct {
	legacy
	ReturnValues                string
	ReturnConsumedCapacity      detail
	ReturnItemCollectionMetrics string // no table here has local indexes, so there are none
}

func (c common) check(allowed ...string) error {
	if c.ReturnValues != "" && !slices.Contains(allowed, c.ReturnValues) {
		return invalid("Return values set to invalid value")
	}
	if err := checkMetrics(c.ReturnItemCollectionMetrics); err != nil {
		return err
	}
	return c.ReturnConsumedCapacity.check()
}

func checkMetrics(asked string) error {
	if asked != "" && asked != "NONE" && asked != "SIZE" {
		return constraint(asked, "returnItemCollectionMetrics", "Member must satisfy enum value set: [SIZE, NONE]")
	}
	return nil
}

type putItem struct {
	common
	putAction
}

type deleteItem struct {
	common
	deleteAction
}

type updateItem struct {
	common
	updateAction
}

func (e *Engine) putItem(ctx context.Context, r *putItem) (answer, error) {
	if err := r.common.check("NONE", "ALL_OLD"); err != nil {
		return nil, err
	}
	return e.writeOne(ctx, &r.putAction, r.common, r.ConditionExpression)
}

func (e *Engine) deleteItem(ctx context.Context, r *deleteItem) (answer, error) {
	if err := r.common.check("NONE", "ALL_OLD"); err != nil {
		return nil, err
	}
	return e.writeOne(ctx, &r.deleteAction, r.common, r.ConditionExpression)
}

// writeOne serves PutItem and DeleteItem.
func (e *Engine) writeOne(ctx context.Context, a statement, c common, condition *string) (answer, error) {
	if err := c.legacy.refuse(map[string]*string{"ConditionExpression": condition}); err != nil {
		return nil, err
	}
	t, err := e.find(a.table())
	if err != nil {
		return nil, err
	}
	w, err := a.write(t)
	if err != nil {
		return nil, err
	}
	old, consumed, err := e.carryOut(ctx, w, c)
	if err != nil {
		return nil, err
	}
	if c.ReturnValues != "ALL_OLD" {
		old.before = nil
	}
	return answer{{"Attributes", old.before}, {"ConsumedCapacity", consumed}}, nil
}

// exchange is an item before and after a write.
type exchange struct{ before, after Item }

func (e *Engine) carryOut(ctx context.Context, w *write, c common) (exchange, answer, error) {
	var items exchange
	err := e.change(ctx, func(x *edit) (err error) {
		items.before, items.after, err = x.carryOut(w)
		return err
	})
	if err != nil || !c.ReturnConsumedCapacity.asked() {
		return items, nil, err
	}
	var units consumption
	units.write(w.schema, items.before, items.after, 1)
	return items, c.ReturnConsumedCapacity.report(w.schema.name, units, ""), nil
}

func (e *Engine) updateItem(ctx context.Context, r *updateItem) (answer, error) {
	if err := r.common.check("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"); err != nil {
		return nil, err
	}
	expressions := map[string]*string{"ConditionExpression": r.ConditionExpression, "UpdateExpression": r.UpdateExpression}
	if err := r.legacy.refuse(expressions); err != nil {
		return nil, err
	}
	t, err := e.find(r.TableName)
	if err != nil {
		return nil, err
	}
	w, u, err := r.prepared(t)
	if err != nil {
		return nil, err
	}
	items, consumed, err := e.carryOut(ctx, w, r.common)
	if err != nil {
		return nil, err
	}
	return answer{{"Attributes", items.returned(r.ReturnValues, u)}, {"ConsumedCapacity", consumed}}, nil
}

// returned is what UpdateItem shows, nil for nothing.
func (x exchange) returned(values string, u *update) Item {
	updated := func(it Item) Item {
		if u == nil {
			return nil
		}
		if cut := u.paths.project(it); len(cut) > 0 {
			return cut
		}
		return nil
	}
	switch values {
	case "ALL_OLD":
		return x.before
	case "ALL_NEW":
		return x.after
	case "UPDATED_OLD":
		return updated(x.before)
	case "UPDATED_NEW":
		return updated(x.after)
	}
	return nil
}
