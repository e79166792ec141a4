package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"charter/pkg/fault"
	"charter/pkg/text"
)

// Input is what a request says: path, query and body. Reading collects what is
// wrong, so that an endpoint reads everything and then asks Err once.
type Input struct {
	request *http.Request
	Object  // the body
	faults  []error
}

// Object is a JSON object of the body.
type Object struct {
	in        *Input
	path      string // "" or "Organization."
	members   map[string]any
	foldNames bool
}

var (
	notText   = fault.Fault{Kind: fault.Invalid, Message: "Must be a text."}
	notFlag   = fault.Fault{Kind: fault.Invalid, Message: "Must be true or false."}
	notObject = fault.Fault{Kind: fault.Invalid, Message: "Must be an object."}
	notList   = fault.Fault{Kind: fault.Invalid, Message: "Must be a list of texts."}
)

// Err is everything that was found wrong so far, nil when nothing was.
func (in *Input) Err() error { return errors.Join(in.faults...) }

// Fail adds what is wrong with a field.
func (in *Input) Fail(field string, err error) {
	faults, ok := fault.All(err)
	if !ok {
		in.faults = append(in.faults, err)
	}
	for _, f := range faults {
		in.faults = append(in.faults, f.In(field))
	}
}

// Path is a parameter of the route, such as {customerNumber}, decoded.
func (in *Input) Path(name string) string { return in.request.PathValue(name) }

// Query is the query string, decoded.
func (in *Input) Query() url.Values { return in.request.URL.Query() }

// Header lists a header's values.
func (in *Input) Header(name string) []string { return in.request.Header.Values(name) }

// Source is the address the request came from, as the gateway saw it.
func (in *Input) Source() string { return in.request.RemoteAddr }

// Has reports whether the member is there, null or not.
func (o Object) Has(name string) bool {
	_, ok := o.members[o.member(name)]
	return ok
}

// Null reports whether the member is there and null.
func (o Object) Null(name string) bool {
	v, ok := o.members[o.member(name)]
	return ok && v == nil
}

func (o Object) member(name string) string {
	if o.foldNames {
		return strings.ToLower(name)
	}
	return name
}

// alias is the first of names that the object has, else the first.
func (o Object) alias(names []string) string {
	for _, name := range names {
		if v := o.members[o.member(name)]; v != nil {
			return name
		}
	}
	return names[0]
}

// Within is the object that the member holds. A missing one is at fault, and
// so are the required members that it would have held.
func (o Object) Within(name string) Object {
	inner := Object{in: o.in, path: o.path + name + ".", foldNames: o.foldNames}
	switch v := o.members[o.member(name)].(type) {
	case map[string]any:
		inner.members = v
	case nil:
		o.in.Fail(o.path+name, text.Required)
	default:
		o.in.Fail(o.path+name, notObject)
	}
	return inner
}

// Locate puts the fields of the faults in err where they are in the body.
func (o Object) Locate(err error) error {
	faults, ok := fault.All(err)
	if !ok || len(faults) == 0 || o.path == "" {
		return err
	}
	located := make([]error, len(faults))
	for n, f := range faults {
		if located[n] = f; f.Field != "" {
			located[n] = f.In(o.path + f.Field)
		}
	}
	return errors.Join(located...)
}

// Required reads a text member through parse, under the first of its names
// that is there. It is at fault when it is missing, null, or "" to parse.
func Required[T any](o Object, parse func(string) (T, error), names ...string) (value T) {
	name := o.alias(names)
	if o.members[o.member(name)] == nil {
		o.in.Fail(o.path+name, text.Required)
		return value
	}
	return Optional(o, parse, name)
}

// Optional is Required for a member that may be missing or null: then it is
// the zero value, and parse is not asked.
func Optional[T any](o Object, parse func(string) (T, error), names ...string) (value T) {
	name := o.alias(names)
	switch v := o.members[o.member(name)].(type) {
	case nil:
		return value
	case string:
		value, err := parse(v)
		if err != nil {
			o.in.Fail(o.path+name, err)
		}
		return value
	default:
		o.in.Fail(o.path+name, notText)
		return value
	}
}

// Update is Optional that tells a member that is not there (nil) from one
// that is to be cleared (null: the zero value).
func Update[T any](o Object, parse func(string) (T, error), names ...string) *T {
	if !o.Has(o.alias(names)) {
		return nil
	}
	value := Optional(o, parse, names...)
	return &value
}

// Verbatim takes a text exactly as it was sent: passwords, secrets, tokens.
func Verbatim(s string) (string, error) { return s, nil }

// Flag reads a true or false, or gives otherwise when it is missing or null.
func Flag(o Object, name string, otherwise bool) bool {
	switch v := o.members[o.member(name)].(type) {
	case nil:
	case bool:
		return v
	default:
		o.in.Fail(o.path+name, notFlag)
	}
	return otherwise
}

// Texts reads a list of texts; a missing or null one is at fault.
func Texts(o Object, name string) []string {
	list, ok := o.members[o.member(name)].([]any)
	if !ok {
		if o.members[o.member(name)] == nil {
			o.in.Fail(o.path+name, text.Required)
		} else {
			o.in.Fail(o.path+name, notList)
		}
		return nil
	}
	texts := make([]string, len(list))
	for i, v := range list {
		if texts[i], ok = v.(string); !ok {
			o.in.Fail(o.path+name, notList)
			return nil
		}
	}
	return texts
}
