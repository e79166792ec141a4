package main

import (
	"encoding/json"
	"iter"
	"maps"

	"charter/pkg/local/calls"
)

// answers says for each operation the one answer that a stub gives: the first
// that the function got. So seal-audit gets the seal before, and again as the one
// entry to seal: any item is one. Of batches it is all of them together, since a
// batch says itself which item is which.
func answers(c calls.Call) iter.Seq2[string, []byte] {
	first := map[string][]byte{}
	for _, r := range c.Requests {
		if r.Refused {
			continue
		}
		before, ok := first[r.Operation]
		switch {
		case !ok:
			first[r.Operation] = r.Answer
		case r.Operation == "BatchGetItem":
			first[r.Operation] = union(before, r.Answer)
		}
	}
	return maps.All(first)
}

type batch struct {
	Responses       map[string][]json.RawMessage
	UnprocessedKeys struct{}
}

func union(texts ...[]byte) []byte {
	all := batch{Responses: map[string][]json.RawMessage{}}
	for _, text := range texts {
		var b batch
		if err := json.Unmarshal(text, &b); err != nil {
			panic(err) // the embedded table answers as DynamoDB does
		}
		for name, items := range b.Responses {
			all.Responses[name] = append(all.Responses[name], items...)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // it was JSON before
	}
	return text
}
