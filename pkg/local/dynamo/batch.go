package dynamo

import "context"

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
type batchGetItem struct {
	RequestItems           map[string]*keysOfTable
	ReturnConsumedCapacity detail
}

type keysOfTable struct {
	legacy
	Keys                     []Item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

// The limits of a batch.
const (
	maxBatchGet      = 100              // keys
	maxBatchResponse = 16 * 1024 * 1024 // bytes of items
	maxBatchWrite    = 25               // puts and deletes
)

func (e *Engine) batchGetItem(ctx context.Context, r *batchGetItem) (answer, error) {
	if err := r.ReturnConsumedCapacity.check(); err != nil {
		return nil, err
	}
	n := 0
	for name, keys := range r.RequestItems {
		if keys == nil {
			return nil, constraint("null", "requestItems."+name+".member", "Member must not be null")
		}
		n += len(keys.Keys)
	}
	switch {
	case len(r.RequestItems) == 0:
		return nil, constraint("{}", "requestItems", "Member must have length greater than or equal to 1")
	case n > maxBatchGet:
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	state := e.shown.Load()
	got := &batchGot{left: maxBatchResponse, allowed: n, bill: bill{}, unprocessed: map[string]*keysOfTable{}}
	if isShort(ctx) {
		got.allowed = 1
	}
	responses := answer{}
	for _, name := range sortedKeys(r.RequestItems) {
		items, err := got.read(state, name, r.RequestItems[name])
		if err != nil {
			return nil, err
		}
		responses = append(responses, field{name, items})
	}
	return answer{
		{"Responses", responses}, {"UnprocessedKeys", got.unprocessed},
		{"ConsumedCapacity", got.bill.report(r.ReturnConsumedCapacity, "")},
	}, nil
}

// batchGot is how far a BatchGetItem has come.
type batchGot struct {
	left        int // bytes
	allowed     int // keys
	bill        bill
	unprocessed map[string]*keysOfTable
}

// read gives the items of one table; keys beyond what one answer holds stay unprocessed.
func (b *batchGot) read(s *state, name string, keys *keysOfTable) ([]Item, error) {
	if err := keys.legacy.refuse(map[string]*string{"ProjectionExpression": keys.ProjectionExpression}); err != nil {
		return nil, err
	}
	t, err := s.find(name)
	if err != nil {
		return nil, err
	}
	if len(keys.Keys) == 0 {
		return nil, constraint("[]", "requestItems."+name+".member.keys", "Member must have length greater than or equal to 1")
	}
	projection, err := readProjection(keys.ProjectionExpression, keys.ExpressionAttributeNames, t.key)
	if err != nil {
		return nil, err
	}
	at := make([]string, len(keys.Keys))
	seen := map[string]bool{}
	for i, key := range keys.Keys {
		if err := t.key.checkKey(key); err != nil {
			return nil, err
		}
		at[i] = t.key.key(key)
		if seen[at[i]] {
			return nil, invalid("Provided list of item keys contains duplicates")
		}
		seen[at[i]] = true
	}
	items := make([]Item, 0, len(at))
	units := b.bill.table(name)
	for i, key := range at {
		it, found := t.items.get(key)
		size := it.bytes()
		if size > b.left || b.allowed == 0 {
			rest := *keys
			rest.Keys = keys.Keys[i:]
			b.unprocessed[name] = &rest
			b.left, b.allowed = 0, 0
			break
		}
		b.left -= size
		b.allowed--
		units.table += consistencyOf(keys.ConsistentRead).units(size)
		if !found {
			continue
		}
		if projection != nil {
			it = projection.project(it)
		}
		items = append(items, it)
	}
	return items, nil
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
type batchWriteItem struct {
	RequestItems                map[string][]batchWrite
	ReturnConsumedCapacity      detail
	ReturnItemCollectionMetrics string
}

type batchWrite struct {
	PutRequest    *struct{ Item Item } `json:",omitempty"`
	DeleteRequest *struct{ Key Item }  `json:",omitempty"`
}

func (b batchWrite) action() (statement, error) {
	switch {
	case b.PutRequest != nil && b.DeleteRequest == nil:
		return &putAction{Item: b.PutRequest.Item}, nil
	case b.DeleteRequest != nil && b.PutRequest == nil:
		return &deleteAction{Key: b.DeleteRequest.Key}, nil
	}
	return nil, invalid("a WriteRequest is either a put or a delete")
}

// The writes of a batch become one edit, which DynamoDB does not promise and nobody may rely on.
func (e *Engine) batchWriteItem(ctx context.Context, r *batchWriteItem) (answer, error) {
	if err := r.ReturnConsumedCapacity.check(); err != nil {
		return nil, err
	}
	if err := checkMetrics(r.ReturnItemCollectionMetrics); err != nil {
		return nil, err
	}
	writes, err := r.writes(e.shown.Load())
	if err != nil {
		return nil, err
	}
	unprocessed := map[string][]batchWrite{}
	if isShort(ctx) {
		writes = writes[:1]
		unprocessed = r.allBut(writes[0].schema.name)
	}
	costs := bill{}
	err = e.change(ctx, func(x *edit) error {
		for _, w := range writes {
			old, it, err := x.carryOut(w)
			if err != nil {
				return err
			}
			costs.table(w.schema.name).write(w.schema, old, it, 1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer{
		{"UnprocessedItems", unprocessed}, {"ConsumedCapacity", costs.report(r.ReturnConsumedCapacity, "")},
	}, nil
}

// writes checks the whole batch.
func (r *batchWriteItem) writes(s *state) ([]*write, error) {
	n := 0
	for _, requests := range r.RequestItems {
		n += len(requests)
	}
	switch {
	case n == 0:
		return nil, constraint("{}", "requestItems", "Member must have length greater than or equal to 1")
	case n > maxBatchWrite:
		return nil, constraint("{...}", "requestItems", "Map value must satisfy constraint: "+
			"[Member must have length less than or equal to 25, Member must have length greater than or equal to 1]")
	}
	var writes []*write
	seen := map[string]bool{}
	for _, name := range sortedKeys(r.RequestItems) {
		t, err := s.find(name)
		if err != nil {
			return nil, err
		}
		for _, request := range r.RequestItems[name] {
			a, err := request.action()
			if err != nil {
				return nil, err
			}
			w, err := a.write(t)
			if err != nil {
				return nil, err
			}
			if seen[name+"\x00"+w.key] {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			seen[name+"\x00"+w.key] = true
			writes = append(writes, w)
		}
	}
	return writes, nil
}

// allBut is the batch without the first request of a table.
func (r *batchWriteItem) allBut(first string) map[string][]batchWrite {
	rest := map[string][]batchWrite{}
	for name, requests := range r.RequestItems {
		if name == first {
			requests = requests[1:]
		}
		if len(requests) > 0 {
			rest[name] = requests
		}
	}
	return rest
}
