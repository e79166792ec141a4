package main

import (
	"encoding/json"
	"iter"
	"maps"

	"charter/pkg/local/calls"
)

// answers says for each operation the one answer that a stub gives: the last
// that the function got. Of batches it is all of them together, since a batch
// says itself which item is which.
func answers(c calls.Call) iter.Seq2[string, []byte] {
	last := map[string][]byte{}
	for _, r := range c.Requests {
		if r.Refused {
			continue
		}
		if before, ok := last[r.Operation]; ok && r.Operation == "BatchGetItem" {
			last[r.Operation] = union(before, r.Answer)
			continue
		}
		last[r.Operation] = r.Answer
	}
	return maps.All(last)
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
