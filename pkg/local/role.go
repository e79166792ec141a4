package local

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"charter/pkg/sam"
)

// role plays IAM before AWS: it lets through what the function's role in
// template.yaml allows, and refuses all else. So whatever is tried here is tried with
// the permissions that are deployed. What goes to others than AWS is not its matter.
type role struct {
	function sam.Function
	next     http.RoundTripper
	tell     func(function string, n sam.Need)
}

func (r role) RoundTrip(q *http.Request) (*http.Response, error) {
	needs, err := needed(q)
	if err != nil {
		return nil, err
	}
	for _, need := range needs {
		if r.tell != nil {
			r.tell(r.function.Name, need)
		}
		if !slices.ContainsFunc(r.function.Role, func(s sam.Statement) bool { return s.Allows(need) }) {
			slog.Error("refused by the function's role", "function", r.function.Name, "action", need.Action, "resource", need.Resource)
			return denied(q), nil
		}
	}
	return r.next.RoundTrip(q)
}

// denied is DynamoDB's answer, which every reader of errors takes.
func denied(q *http.Request) *http.Response {
	body := `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User is not authorized to perform this."}`
	return &http.Response{StatusCode: http.StatusBadRequest, Status: "400 Bad Request", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: q}
}

// stored is an attribute's value that can be a partition key.
type stored struct{ S string }

type primary struct {
	PK stored
}

// asked is what is needed of a request to DynamoDB.
type asked struct {
	Key, Item                 primary
	IndexName                 string
	KeyConditionExpression    string
	ExpressionAttributeValues map[string]json.RawMessage
	RequestItems              map[string]json.RawMessage
	TransactItems             []map[string]struct{ Key, Item primary }
}

// needed tells what a request needs, nothing for one that is not to AWS.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
func needed(q *http.Request) ([]sam.Need, error) {
	service, operation, found := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
	switch {
	case strings.HasPrefix(service, "TrentService"):
		return []sam.Need{{Action: "kms:" + operation}}, nil
	case !found && q.URL.Host != sesHost || q.Body == nil:
		return nil, nil
	}
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	q.Body = io.NopCloser(bytes.NewReader(body))
	if !found {
		form, err := url.ParseQuery(string(body))
		return []sam.Need{{Action: "ses:" + form.Get("Action"), From: form.Get("Source")}}, err
	}
	var a asked
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, err
	}
	return a.needs(operation)
}

var condition = regexp.MustCompile(`^\w+ = (:\w+)`)

func (a asked) needs(operation string) (needs []sam.Need, err error) {
	add := func(operation, resource, pk string) {
		action := "dynamodb:" + operation
		n := slices.IndexFunc(needs, func(n sam.Need) bool { return n.Action == action })
		if n < 0 {
			n, needs = len(needs), append(needs, sam.Need{Action: action, Resource: resource})
		}
		needs[n].Keys = append(needs[n].Keys, pk)
	}
	const table = "Table.Arn"
	switch operation {
	case "BatchGetItem":
		for _, text := range a.RequestItems {
			var of struct{ Keys []primary }
			if err := json.Unmarshal(text, &of); err != nil {
				return nil, err
			}
			for _, k := range of.Keys {
				add(operation, table, k.PK.S)
			}
		}
	case "BatchWriteItem":
		for _, text := range a.RequestItems {
			var of []struct {
				PutRequest    *struct{ Item primary }
				DeleteRequest *struct{ Key primary }
			}
			if err := json.Unmarshal(text, &of); err != nil {
				return nil, err
			}
			for _, w := range of {
				if w.PutRequest != nil {
					add(operation, table, w.PutRequest.Item.PK.S)
				} else if w.DeleteRequest != nil {
					add(operation, table, w.DeleteRequest.Key.PK.S)
				}
			}
		}
	case "TransactWriteItems":
		for _, w := range a.TransactItems {
			for kind, of := range w {
				if kind != "ConditionCheck" {
					kind += "Item"
				} else {
					kind = "ConditionCheckItem"
				}
				add(kind, table, of.Key.PK.S+of.Item.PK.S)
			}
		}
	case "Query":
		var value stored
		if m := condition.FindStringSubmatch(a.KeyConditionExpression); m != nil {
			err = json.Unmarshal(a.ExpressionAttributeValues[m[1]], &value)
		}
		resource := table
		if a.IndexName != "" {
			resource += "/index/" + a.IndexName
		}
		add(operation, resource, value.S)
	default:
		add(operation, table, a.Key.PK.S+a.Item.PK.S)
	}
	return needs, err
}
