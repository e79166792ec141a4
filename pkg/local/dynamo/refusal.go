package dynamo

import (
	"fmt"
	"net/http"
	"strings"
)

// Error is an answer of the service other than success. A function given to [Engine.Inject] may return one of its own.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
type Error struct {
	Code    string // such as "ProvisionedThroughputExceededException"
	Message string

	unfit   bool     // a value that does not fit the schema, which a transaction finds out while it runs
	item    Item     // the item a failed condition met, where ALL_OLD was asked for
	reasons []reason // of a cancelled transaction, one an action, in order
}

// reason says what became of one action of a cancelled transaction.
type reason struct {
	code, message string
	item          Item
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// refuse makes an answer with a code.
func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// invalid is a request that breaks a rule.
func invalid(format string, args ...any) *Error {
	return refuse("ValidationException", format, args...)
}

// unfit is a request with a value that does not fit the table's schema.
func unfit(format string, args ...any) *Error {
	e := invalid(format, args...)
	e.unfit = true
	return e
}

// constraint is a parameter outside its bounds, in the service's words.
func constraint(value any, at, rule string) *Error {
	return invalid("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, at, rule)
}

// malformed is a body that is not of the protocol's shape.
func malformed(format string, args ...any) *Error {
	return refuse("SerializationException", format, args...)
}

var errTableNotFound = refuse("ResourceNotFoundException", "Requested resource not found")

const conditionFailed = "The conditional request failed"

// cancelled is the transaction in which at least one action could not be carried out.
func cancelled(reasons []reason) *Error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.code
	}
	e := refuse("TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	e.reasons = reasons
	return e
}

func (e *Error) status() int {
	switch e.Code {
	case "InternalServerError":
		return http.StatusInternalServerError
	case "ServiceUnavailable":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

func (e *Error) answer() answer {
	space := "com.amazonaws.dynamodb.v20120810#"
	switch e.Code {
	case "ValidationException":
		space = "com.amazon.coral.validate#"
	case "SerializationException", "UnknownOperationException":
		space = "com.amazon.coral.service#"
	}
	a := answer{{"__type", space + e.Code}, {"message", e.Message}, {"Item", e.item}}
	if e.reasons == nil {
		return a
	}
	reasons := make([]answer, len(e.reasons))
	for i, r := range e.reasons {
		reasons[i] = answer{{"Code", r.code}, {"Message", r.message}, {"Item", r.item}}
	}
	// The member is spelt with a capital in this one error.
	a[1].name = "Message"
	return append(a, field{"CancellationReasons", reasons})
}
