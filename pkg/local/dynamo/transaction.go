package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"
)

// transactWriteItems is the request. Its actions are carried out together or not at all, one edit of the state.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
type transactWriteItems struct {
	TransactItems               []transactAction
	ClientRequestToken          string
	ReturnConsumedCapacity      detail
	ReturnItemCollectionMetrics string
}

type transactAction struct {
	ConditionCheck *checkAction  `json:",omitempty"`
	Put            *putAction    `json:",omitempty"`
	Delete         *deleteAction `json:",omitempty"`
	Update         *updateAction `json:",omitempty"`
}

// statement is the one action that there is.
func (a transactAction) statement() (statement, error) {
	var all []statement
	if a.ConditionCheck != nil {
		all = append(all, a.ConditionCheck)
	}
	if a.Put != nil {
		all = append(all, a.Put)
	}
	if a.Delete != nil {
		all = append(all, a.Delete)
	}
	if a.Update != nil {
		all = append(all, a.Update)
	}
	if len(all) != 1 {
		return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	return all[0], nil
}

const maxToken = 36 // bytes of a ClientRequestToken

func (e *Engine) transactWriteItems(ctx context.Context, r *transactWriteItems) (answer, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	writes, err := r.writes(e.shown.Load())
	if err != nil {
		return nil, err
	}
	print, err := r.fingerprint()
	if err != nil {
		return nil, err
	}
	costs, side := bill{}, "Write"
	err = e.change(ctx, func(x *edit) error {
		repeated, err := x.claim(r.ClientRequestToken, print)
		if err != nil {
			return err
		}
		if repeated { // costs what it costs to read the items
			side = "Read"
			for _, w := range writes {
				it, _ := x.tables[w.schema.name].items.get(w.key)
				costs.table(w.schema.name).table += transactional.units(it.bytes())
			}
			return nil
		}
		return x.transact(writes, costs)
	})
	if err != nil {
		return nil, err
	}
	return answer{{"ConsumedCapacity", costs.report(r.ReturnConsumedCapacity, side)}}, nil
}

func (r *transactWriteItems) check() error {
	if err := checkActions(len(r.TransactItems)); err != nil {
		return err
	}
	if len(r.ClientRequestToken) > maxToken {
		return constraint(r.ClientRequestToken, "clientRequestToken", "Member must have length less than or equal to 36")
	}
	if err := checkMetrics(r.ReturnItemCollectionMetrics); err != nil {
		return err
	}
	return r.ReturnConsumedCapacity.check()
}

// writes checks every action before any is carried out. A value that does not fit the schema cancels the transaction;
// any other mistake refuses the request.
func (r *transactWriteItems) writes(s *state) ([]*write, error) {
	writes := make([]*write, len(r.TransactItems))
	reasons := make([]reason, len(r.TransactItems))
	seen, fits := map[string]bool{}, true
	for i, action := range r.TransactItems {
		a, err := action.statement()
		if err != nil {
			return nil, err
		}
		t, err := s.find(a.table())
		if err != nil {
			return nil, err
		}
		writes[i], err = a.write(t)
		reasons[i] = reasonFor(err)
		if e, ok := errors.AsType[*Error](err); ok && e.unfit {
			fits = false
			continue
		}
		if err != nil {
			return nil, err
		}
		id := t.name + "\x00" + writes[i].key
		if seen[id] {
			return nil, errItemTwice
		}
		seen[id] = true
	}
	if !fits {
		return nil, cancelled(reasons)
	}
	return writes, nil
}

// transact carries out all writes, or none and says why.
func (x *edit) transact(writes []*write, costs bill) error {
	olds, items := make([]Item, len(writes)), make([]Item, len(writes))
	reasons := make([]reason, len(writes))
	failed := false
	total := 0
	for i, w := range writes {
		t := x.tables[w.schema.name]
		if t == nil || t.schema != w.schema {
			return errTableNotFound
		}
		olds[i], _ = t.items.get(w.key)
		var err error
		items[i], err = w.evaluate(olds[i])
		reasons[i] = reasonFor(err)
		failed = failed || err != nil
		if items[i] != nil {
			total += items[i].bytes()
		} else {
			total += olds[i].bytes()
		}
	}
	switch {
	case failed:
		return cancelled(reasons)
	case total > maxTransactionBytes:
		return errTransactionTooLarge
	}
	for i, w := range writes {
		x.replace(w.schema.name, w.key, olds[i], items[i], false)
		costs.table(w.schema.name).write(w.schema, olds[i], items[i], 2)
	}
	return nil
}

func reasonFor(err error) reason {
	var e *Error
	switch {
	case err == nil:
		return reason{code: "None"}
	case errors.As(err, &e) && e.Code == "ConditionalCheckFailedException":
		return reason{"ConditionalCheckFailed", e.Message, e.item}
	case errors.As(err, &e) && e.Code == "ValidationException":
		return reason{code: "ValidationError", message: e.Message}
	}
	return reason{code: "InternalServerError", message: err.Error()}
}

// claim is what is kept of a transaction for as long as its ClientRequestToken says that it is the same one.
type claim struct {
	fingerprint [sha256.Size]byte
	at          time.Time
}

// tokenLife is how long a token is remembered.
const tokenLife = 10 * time.Minute

// fingerprint is the same for requests that ask the same, in whatever order their maps come.
func (r *transactWriteItems) fingerprint() ([sha256.Size]byte, error) {
	if r.ClientRequestToken == "" {
		return [sha256.Size]byte{}, nil
	}
	canonical, err := json.Marshal(r.TransactItems)
	return sha256.Sum256(canonical), err
}

// claim says whether the transaction was already carried out under its token, and remembers it if not.
func (x *edit) claim(name string, print [sha256.Size]byte) (repeated bool, err error) {
	if name == "" {
		return false, nil
	}
	if c, known := x.tokens.get(name); known && x.now.Sub(c.at) < tokenLife {
		if c.fingerprint != print {
			return false, refuse("IdempotentParameterMismatchException",
				"The provided client request token was already used for another request")
		}
		return true, nil
	}
	x.forgetTokens()
	c := claim{print, x.now}
	x.tokens = x.tokens.set(name, c)
	x.ages = x.ages.set(c.age(name), name)
	x.store(mutation{tokensBucket, []byte(name), c.encode()})
	return false, nil
}

// forgetTokens drops those that have had their time.
func (x *edit) forgetTokens() {
	limit := claim{at: x.now.Add(-tokenLife)}.age("\xff")
	for age, name := range x.ages.up("", limit) {
		x.ages = x.ages.remove(age)
		x.tokens = x.tokens.remove(name)
		x.store(mutation{tokensBucket, []byte(name), nil})
	}
}

// age sorts tokens by their time.
func (c claim) age(name string) string { return string(bigEndian(uint64(c.at.UnixNano()))) + name }

func (c claim) encode() []byte {
	return binary.BigEndian.AppendUint64(c.fingerprint[:], uint64(c.at.UnixNano()))
}

func parseClaim(v []byte) (claim, error) {
	var c claim
	if len(v) != len(c.fingerprint)+8 {
		return c, errors.New("not a claim")
	}
	n := copy(c.fingerprint[:], v)
	c.at = time.Unix(0, int64(binary.BigEndian.Uint64(v[n:])))
	return c, nil
}
