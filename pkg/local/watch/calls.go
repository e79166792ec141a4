package watch

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Call is one request to AWS, or to another service.
type Call struct {
	Table     bool          // it went to DynamoDB
	Operation string        // of DynamoDB; the host for any other
	Began     time.Duration // since the request began
	Took      time.Duration
	Failure   string // the error's name, "" for success
	Parts     []Part // what it named of the table
}

// Part is one item that a call named, or the condition of a Query.
type Part struct {
	Verb   string // Get, Put, Update, Delete, Check or Query
	PK, SK string // of the item
	Where  string // a Query's condition, with its values put in
	Reason string // why this part cancelled its transaction, "" where it did not
}

// Transport notes the calls that are made in the context of a watched request.
func (w *Watch) Transport(next http.RoundTripper) http.RoundTripper {
	return transport{w.Key, next}
}

type transport struct {
	key  [2]string
	next http.RoundTripper
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	n := noteOf(r.Context())
	if n == nil {
		return t.next.RoundTrip(r)
	}
	c := Call{Operation: r.URL.Host, Began: n.since()}
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		again := *r // the caller's own is not to be changed
		r = &again
		body, err := read(&r.Body)
		if err != nil {
			return nil, err
		}
		c.Table, c.Operation, c.Parts = true, operation, t.parts(operation, body)
	}
	answer, err := t.next.RoundTrip(r)
	c.Took = n.since() - c.Began
	switch {
	case err != nil:
		c.Failure = "no answer"
	case answer.StatusCode >= http.StatusBadRequest:
		c.Failure = http.StatusText(answer.StatusCode)
		if c.Table {
			err = c.explain(answer)
		}
	}
	n.call(c)
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// read reads a body and leaves it to be read again.
func read(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	text, err := io.ReadAll(*body)
	(*body).Close()
	*body = io.NopCloser(bytes.NewReader(text))
	return text, err
}

// explain tells what DynamoDB said was wrong.
func (c *Call) explain(answer *http.Response) error {
	body, err := read(&answer.Body)
	if err != nil {
		return err
	}
	var refusal struct {
		Type    string                  `json:"__type"`
		Reasons []struct{ Code string } `json:"CancellationReasons"`
	}
	_ = json.Unmarshal(body, &refusal) // what is no JSON explains nothing
	if refusal.Type == "" {
		return nil
	}
	c.Failure = refusal.Type[strings.LastIndexByte(refusal.Type, '#')+1:]
	for i, reason := range refusal.Reasons {
		if i < len(c.Parts) && reason.Code != "None" {
			c.Parts[i].Reason = reason.Code
		}
	}
	return nil
}

// keyed is whatever of a request holds a key.
type keyed struct{ Key, Item map[string]map[string]any }

// parts are the items that a request names, in its order.
func (t transport) parts(operation string, body []byte) (list []Part) {
	var request struct {
		keyed
		TransactItems []map[string]keyed
		RequestItems  map[string]json.RawMessage

		KeyConditionExpression    string
		IndexName                 string
		ExpressionAttributeNames  map[string]string
		ExpressionAttributeValues map[string]map[string]any
	}
	if json.Unmarshal(body, &request) != nil {
		return nil
	}
	part := func(verb string, k keyed) {
		attributes := k.Key
		if attributes == nil {
			attributes = k.Item
		}
		list = append(list, Part{Verb: verb, PK: plain(attributes[t.key[0]]), SK: plain(attributes[t.key[1]])})
	}
	if request.KeyConditionExpression != "" {
		where := placeholder.ReplaceAllStringFunc(request.KeyConditionExpression, func(name string) string {
			if real, ok := request.ExpressionAttributeNames[name]; ok {
				return real
			}
			return plain(request.ExpressionAttributeValues[name])
		})
		if request.IndexName != "" {
			where += " in " + request.IndexName
		}
		return []Part{{Verb: "Query", Where: where}}
	}
	if request.Key != nil || request.Item != nil {
		part(strings.TrimSuffix(operation, "Item"), request.keyed)
	}
	for _, item := range request.TransactItems {
		for verb, k := range item {
			part(strings.TrimPrefix(verb, "Condition"), k)
		}
	}
	for _, table := range slices.Sorted(maps.Keys(request.RequestItems)) {
		var get struct{ Keys []map[string]map[string]any }
		var write []map[string]keyed
		if json.Unmarshal(request.RequestItems[table], &get) == nil {
			for _, key := range get.Keys {
				part("Get", keyed{Key: key})
			}
		} else if json.Unmarshal(request.RequestItems[table], &write) == nil {
			for _, item := range write {
				for verb, k := range item {
					part(strings.TrimSuffix(verb, "Request"), k)
				}
			}
		}
	}
	return list
}

var placeholder = regexp.MustCompile(`[:#]\w+`)

// plain is a string or a number among attribute values.
func plain(value map[string]any) string {
	for _, v := range value {
		if text, ok := v.(string); ok {
			return cut(text)
		}
	}
	return ""
}
