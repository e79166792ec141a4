package dynamo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"

	"charter/pkg/local/direct"
)

// The protocol, AwsJson1.0: POST / with the operation in X-Amz-Target.
//
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html

const (
	targetPrefix = "DynamoDB_20120810."
	contentType  = "application/x-amz-json-1.0"
	maxBody      = 16 * 1024 * 1024 // bytes
)

// operation serves one call.
type operation func(*Engine, context.Context, []byte) (answer, error)

var operations = map[string]operation{
	"CreateTable":        serve((*Engine).createTable),
	"DescribeTable":      serve((*Engine).describeTable),
	"DeleteTable":        serve((*Engine).deleteTable),
	"ListTables":         serve((*Engine).listTables),
	"UpdateTimeToLive":   serve((*Engine).updateTimeToLive),
	"DescribeTimeToLive": serve((*Engine).describeTimeToLive),
	"GetItem":            serve((*Engine).getItem),
	"BatchGetItem":       serve((*Engine).batchGetItem),
	"TransactGetItems":   serve((*Engine).transactGetItems),
	"Query":              serve((*Engine).query),
	"Scan":               serve((*Engine).scan),
	"PutItem":            serve((*Engine).putItem),
	"UpdateItem":         serve((*Engine).updateItem),
	"DeleteItem":         serve((*Engine).deleteItem),
	"BatchWriteItem":     serve((*Engine).batchWriteItem),
	"TransactWriteItems": serve((*Engine).transactWriteItems),
}

// serve decodes a request for the method that answers it. A parameter that the request's type does not have is one the
// engine does not know, and so refuses.
func serve[R any](method func(*Engine, context.Context, *R) (answer, error)) operation {
	return func(e *Engine, ctx context.Context, body []byte) (answer, error) {
		request := new(R)
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(request); err != nil {
			return nil, undecodable(err)
		}
		if _, err := d.Token(); err != io.EOF {
			return nil, malformed("unexpected text after the request")
		}
		return method(e, ctx, request)
	}
}

func undecodable(err error) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if parameter, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return invalid("the parameter %s is not supported", parameter)
	}
	return malformed("%v", err)
}

// ServeHTTP answers one call.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := e.answer(r)
	status := http.StatusOK
	if err != nil {
		var refusal *Error
		if !errors.As(err, &refusal) {
			refusal = refuse("InternalServerError", "%v", err)
		}
		a, status = refusal.answer(), refusal.status()
	}
	body := a.appendJSON(make([]byte, 0, 1024))
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(status)
	w.Write(body)
}

func (e *Engine) answer(r *http.Request) (answer, error) {
	if r.Method != http.MethodPost {
		return nil, refuse("UnknownOperationException", "%s is no way to call an operation", r.Method)
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	serve := operations[name]
	if !ok || serve == nil {
		return nil, refuse("UnknownOperationException", "the operation %q is not supported", r.Header.Get("X-Amz-Target"))
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != contentType {
		return nil, malformed("the content type %q is not supported", kind)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, malformed("reading the body: %v", err)
	}
	if len(body) > maxBody {
		return nil, refuse("RequestEntityTooLarge", "the request is larger than %d bytes", maxBody)
	}
	ctx, err := e.faults.strike(r.Context(), name, body)
	if err != nil {
		return nil, err
	}
	return serve(e, ctx, body)
}

// Transport calls the engine without a socket.
func (e *Engine) Transport() http.RoundTripper { return direct.Transport(e) }

// answer is a JSON object in the making. A member that is nil, an item that is nil and an empty string are left out.
type answer []field

type field struct {
	name  string
	value any
}

func (a answer) MarshalJSON() ([]byte, error) { return a.appendJSON(nil), nil }

func (a answer) appendJSON(b []byte) []byte {
	b = append(b, '{')
	first := true
	for _, f := range a {
		if f.isAbsent() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendString(b, f.name), ':')
		b = appendValue(b, f.value)
	}
	return append(b, '}')
}

func (f field) isAbsent() bool {
	switch v := f.value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case Item:
		return v == nil
	case []Item:
		return v == nil
	case answer:
		return v == nil
	}
	return false
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case answer:
		return v.appendJSON(b)
	case Item:
		return v.appendMembers(b)
	case []Item:
		b = append(b, '[')
		for i, it := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = it.appendMembers(b)
		}
		return append(b, ']')
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err) // answers hold nothing that has no JSON
	}
	return append(b, encoded...)
}
