package dynamo

import (
	"context"
	"encoding/json"
)

// legacy are the parameters of the years before expressions. They are refused.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
type legacy struct {
	AttributesToGet     json.RawMessage `json:",omitempty"`
	AttributeUpdates    json.RawMessage `json:",omitempty"`
	ConditionalOperator json.RawMessage `json:",omitempty"`
	Expected            json.RawMessage `json:",omitempty"`
	KeyConditions       json.RawMessage `json:",omitempty"`
	QueryFilter         json.RawMessage `json:",omitempty"`
	ScanFilter          json.RawMessage `json:",omitempty"`
}

// refuse speaks up when there is any; expressions are what the request has of the new kind.
func (l legacy) refuse(expressions map[string]*string) error {
	for _, p := range []struct {
		name  string
		value json.RawMessage
	}{
		{"AttributesToGet", l.AttributesToGet}, {"AttributeUpdates", l.AttributeUpdates},
		{"ConditionalOperator", l.ConditionalOperator}, {"Expected", l.Expected},
		{"KeyConditions", l.KeyConditions}, {"QueryFilter", l.QueryFilter}, {"ScanFilter", l.ScanFilter},
	} {
		if p.value == nil || string(p.value) == "null" {
			continue
		}
		for _, name := range sortedKeys(expressions) {
			if expressions[name] != nil {
				return invalid("Can not use both expression and non-expression parameters in the same request: "+
					"Non-expression parameters: {%s} Expression parameters: {%s}", p.name, name)
			}
		}
		return invalid("the legacy parameter %s is not supported: use an expression", p.name)
	}
	return nil
}

type getItem struct {
	legacy
	TableName                string
	Key                      Item
	ConsistentRead           bool
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	ReturnConsumedCapacity   detail
}

func (e *Engine) getItem(_ context.Context, r *getItem) (answer, error) {
	if err := r.legacy.refuse(map[string]*string{"ProjectionExpression": r.ProjectionExpression}); err != nil {
		return nil, err
	}
	if err := r.ReturnConsumedCapacity.check(); err != nil {
		return nil, err
	}
	get := itemGet{r.TableName, r.Key, r.ProjectionExpression, r.ExpressionAttributeNames}
	it, size, err := get.from(e.shown.Load())
	if err != nil {
		return nil, err
	}
	units := consumption{table: consistencyOf(r.ConsistentRead).units(size)}
	return answer{{"Item", it}, {"ConsumedCapacity", r.ReturnConsumedCapacity.report(r.TableName, units, "")}}, nil
}

// itemGet reads one item.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Get.html
type itemGet struct {
	TableName                string
	Key                      Item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

// from gives the item as projected, nil when it is not there, and its whole size in bytes.
func (g itemGet) from(s *state) (Item, int, error) {
	t, err := s.find(g.TableName)
	if err != nil {
		return nil, 0, err
	}
	projection, err := readProjection(g.ProjectionExpression, g.ExpressionAttributeNames, t.key)
	if err != nil {
		return nil, 0, err
	}
	if err := t.key.checkKey(g.Key); err != nil {
		return nil, 0, err
	}
	it, found := t.items.get(t.key.key(g.Key))
	if !found {
		return nil, 0, nil
	}
	size := it.bytes()
	if projection != nil {
		it = projection.project(it)
	}
	return it, size, nil
}

// readProjection is nil when there is none.
func readProjection(expression *string, names map[string]string, key keySchema) (*outline, error) {
	if expression == nil && names == nil {
		return nil, nil
	}
	scope, err := placeholders{ExpressionAttributeNames: names}.scope(expression)
	if err != nil {
		return nil, err
	}
	projection, p, err := scope.projection(*expression)
	if err != nil {
		return nil, err
	}
	if err := scope.allUsed(); err != nil {
		return nil, err
	}
	return projection, p.checkPaths(key)
}

type transactGetItems struct {
	TransactItems          []struct{ Get *itemGet }
	ReturnConsumedCapacity detail
}

// The limits of a transaction.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-dynamodb-transactions
const (
	maxTransaction      = 100             // actions
	maxTransactionBytes = 4 * 1024 * 1024 // of items
)

func (e *Engine) transactGetItems(_ context.Context, r *transactGetItems) (answer, error) {
	if err := r.ReturnConsumedCapacity.check(); err != nil {
		return nil, err
	}
	if err := checkActions(len(r.TransactItems)); err != nil {
		return nil, err
	}
	state := e.shown.Load()
	responses := make([]answer, 0, len(r.TransactItems))
	costs := bill{}
	total := 0
	seen := map[string]bool{}
	for _, action := range r.TransactItems {
		if action.Get == nil {
			return nil, constraint("null", "transactItems.member.get", "Member must not be null")
		}
		it, size, err := action.Get.from(state)
		if err != nil {
			return nil, err
		}
		id := action.Get.TableName + "\x00" + string(action.Get.Key.appendMembers(nil))
		if seen[id] {
			return nil, errItemTwice
		}
		seen[id] = true
		if total += size; total > maxTransactionBytes {
			return nil, errTransactionTooLarge
		}
		costs.table(action.Get.TableName).table += transactional.units(size)
		responses = append(responses, answer{{"Item", it}})
	}
	return answer{{"Responses", responses}, {"ConsumedCapacity", costs.report(r.ReturnConsumedCapacity, "Read")}}, nil
}

var (
	errItemTwice           = invalid("Transaction request cannot include multiple operations on one item")
	errTransactionTooLarge = invalid("The aggregate size of the items in the transaction exceeds 4 MB")
)

func checkActions(n int) error {
	switch {
	case n == 0:
		return constraint("[]", "transactItems", "Member must have length greater than or equal to 1")
	case n > maxTransaction:
		return constraint("[...]", "transactItems", "Member must have length less than or equal to 100")
	}
	return nil
}
