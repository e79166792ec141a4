package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"charter/pkg/fault"
	"charter/pkg/text"
)

const (
	maxBody  = 64 << 10 // bytes
	maxDepth = 32       // nested objects and arrays
)

var (
	tooLarge = fault.Fault{Kind: fault.TooLarge, Message: "The request body is larger than 64 KiB."}
	notJSON  = fault.Fault{Kind: fault.NotJSON, Message: "The request body must be application/json."}
	noObject = malformed("The request body must be one JSON object.")
)

func malformed(message string) fault.Fault {
	return fault.Fault{Kind: fault.Invalid, Code: "malformed_json", Message: message}
}

// readBody returns the body as one strict JSON object. No body at all is an
// object without members, so that whatever it lacks is named.
func readBody(r *http.Request, foldNames bool) (map[string]any, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, malformed("The request body could not be read.")
	case len(raw) > maxBody:
		return nil, tooLarge
	case len(raw) == 0:
		return map[string]any{}, nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, notJSON
	}
	return decode(raw, foldNames)
}

// decode reads one JSON object more strictly than encoding/json does: it
// refuses what two readers could understand differently (RFC 8259, sections 4
// and 8). With foldNames, members that differ in case alone are one member.
func decode(raw []byte, foldNames bool) (map[string]any, error) {
	if !utf8.Valid(raw) {
		return nil, malformed("The request body is not UTF-8.")
	}
	if text.LoneSurrogate(raw) {
		return nil, malformed("The request body escapes a lone surrogate.")
	}
	d := reader{json.NewDecoder(bytes.NewReader(raw)), foldNames}
	d.UseNumber()
	v, err := d.value(1)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			return nil, malformed("There is something after the JSON object.")
		}
	}
	var known fault.Fault
	switch object, ok := v.(map[string]any); {
	case errors.As(err, &known):
		return nil, known
	case err != nil:
		return nil, malformed("The request body is not JSON.")
	case !ok:
		return nil, noObject
	default:
		return object, nil
	}
}

type reader struct {
	*json.Decoder
	foldNames bool
}

func (d reader) value(depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, nested := token.(json.Delim)
	if !nested {
		return token, nil
	}
	if depth > maxDepth {
		return nil, malformed(fmt.Sprintf("The request body is nested deeper than %d.", maxDepth))
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := d.value(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	object := map[string]any{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		member := d.member(name.(string))
		if _, twice := object[member]; twice {
			return nil, malformed("The request body names a member twice.")
		}
		if object[member], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return object, err
}

func (d reader) member(name string) string {
	if d.foldNames {
		return strings.ToLower(name)
	}
	return name
}
