// Package conversation runs endpoint tests that are text: requests, and the
// answers that they must get.
//
//	# An organization is made, and found again.
//
//	POST /api/organizations
//	Idempotency-Key: one
//	{"Organization": {"Name": "Acme Corp"},
//	 "User": {"Email": "<email>", "Password": "Password1234!"}}
//
//	201
//	Content-Type: application/json; charset=utf-8
//	Retry-After: <absent>
//	{"OrganizationId": "<org: org_[0-9a-hjkmnp-tv-z]{26}>",
//	 "Slug": "acme-corp", "CreatedAt": "<*>", "Admins": <admins: [0-9]+>}
//
//	wait 5s
//	GET /v1/organizations/<org>
//	Authorization: Bearer <token>
//
//	200
//	<*>
//
// A request is a method and a path, then header lines, then a body. An answer
// is a status, then header lines, then a body. Each ends at a blank line, so
// none has a blank line inside. A line that starts with # is a comment, but
// not in a body.
//
// # Requests
//
// A body is sent as it stands, its lines joined by \n, be it good JSON or not.
// It goes as application/json, unless a Content-Type line says otherwise or
// says <absent>. "wait 5s" above a request repeats it until the answer is right
// or the time, at most a minute, is over.
//
// # Answers
//
// The status must be the same, and each header that is named must have just
// the values of its lines: none for <absent>. No body means an empty body, and
// <*> alone means any. A body that starts like a JSON object, array or string
// is compared as JSON: white space apart, the same members in the same order
// with the same values, numbers as they are written. Any other body is
// compared as text; one line end after it does not count.
//
// # Placeholders
//
//	<name>          the value of that name: given by the test, or captured before
//	<name: regexp>  in answers: text that matches as a whole, captured as name
//	<*>             in answers: any text
//	<lt>            a plain <, where it would start a placeholder
//
// They stand in paths (where values are escaped), in header values, in bodies
// and in the strings of bodies. In an answer's JSON they may also stand where
// a value stands, for any value, as compact JSON. A regular expression cannot
// hold >, and inside a JSON string no quote: write \x3e and \x22.
//
// # Bytes
//
// A body whose lines start with "raw" is a sequence of Go strings, each for a
// number of times, with nothing between them and no placeholders:
//
//	raw `{"Name":"`
//	raw "\xff" * 70000
//	raw "\"}\n"
package conversation

// Conversation is a parsed text.
type Conversation struct {
	Exchanges []Exchange
	file      string
}

// Exchange is one request and the answer that it must get. A test of coverage
// reads from it which endpoints are spoken to, and with what outcome.
type Exchange struct {
	Method string
	Path   string // as written, placeholders included, without its query
	Status int
	Line   int // of the request, from 1

	request request
	answer  answer
}
