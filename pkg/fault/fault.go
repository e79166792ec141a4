// Package fault says what can go wrong, in words that a caller may read.
//
// A Kind is itself an error, so errors.Is(err, fault.NotFound) holds for every
// Fault of that kind, however deeply it is wrapped. Faults are declared as
// values beside the rule that returns them; an edge maps kinds to statuses in
// one place. An error that holds no Fault is internal: it is logged with its
// cause and answered with a fixed text.
package fault

import (
	"errors"
	"time"
)

// Kind is what went wrong, as far as any caller needs to tell cases apart.
type Kind string

const (
	Invalid         Kind = "invalid"         // a field is missing, malformed or names nothing
	Unauthenticated Kind = "unauthenticated" // nobody, or not who they say
	Forbidden       Kind = "forbidden"       // known, but may not
	NotFound        Kind = "not_found"       // the thing that the request is about is not there
	Taken           Kind = "taken"           // unique, and somebody has it
	Conflict        Kind = "conflict"        // does not go with the present state
	Repeated        Kind = "repeated"        // repeats a request that is running, or whose answer was not kept
	TooLarge        Kind = "too_large"       // the body is over its limit
	NotJSON         Kind = "not_json"        // the body is of another media type
	Unprocessable   Kind = "unprocessable"   // understood, and refused for what it would take
	TooMany         Kind = "too_many"        // over a rate; RetryAfter says when to come back
	Unavailable     Kind = "unavailable"     // nothing was done; RetryAfter says when to come back
)

func (k Kind) Error() string { return string(k) }

// Fault is one thing that went wrong. It is a value: In and After return
// changed copies, so that declared faults are never written to.
type Fault struct {
	Kind       Kind
	Code       string        // a stable snake_case word for programs, "" where the kind says it all
	Message    string        // one sentence, safe to show to any caller
	Field      string        // the request's member at fault, "" when it is none
	RetryAfter time.Duration // for TooMany and Unavailable
}

func (f Fault) Error() string {
	if f.Field != "" {
		return f.Field + ": " + f.Message
	}
	return f.Message
}

// Is reports whether target is f's kind, or a fault with the same kind, code
// and message: where it happened (Field) and RetryAfter do not count.
func (f Fault) Is(target error) bool {
	switch t := target.(type) {
	case Kind:
		return f.Kind == t
	case Fault:
		return f.Kind == t.Kind && f.Code == t.Code && f.Message == t.Message
	}
	return false
}

// In returns f as the fault of the given member of a request.
func (f Fault) In(field string) Fault {
	f.Field = field
	return f
}

// After returns f with the time after which another try makes sense.
func (f Fault) After(d time.Duration) Fault {
	f.RetryAfter = d
	return f
}

// Because returns f as an error that tells a log why: Error holds the cause,
// which no caller is shown, and All finds f alone.
func (f Fault) Because(cause error) error { return because{f, cause} }

type because struct {
	Fault
	cause error
}

func (b because) Error() string { return b.Fault.Error() + ": " + b.cause.Error() }
func (b because) Unwrap() error { return b.Fault }

// All lists the faults in err in order, through wrapping and errors.Join.
// ok is false when err holds anything that is not a fault: then it is internal.
func All(err error) (faults []Fault, ok bool) {
	switch e := err.(type) {
	case nil:
		return nil, true
	case Fault:
		return []Fault{e}, true
	case Kind:
		return []Fault{{Kind: e, Message: string(e)}}, true
	case interface{ Unwrap() []error }:
		ok = true
		for _, part := range e.Unwrap() {
			more, is := All(part)
			faults, ok = append(faults, more...), ok && is
		}
		return faults, ok
	}
	if inner := errors.Unwrap(err); inner != nil {
		return All(inner)
	}
	return nil, false
}
