// Package idempotency is one answer for one key.
//
// A write may carry an Idempotency-Key. The edge puts what the key stands for
// into the context as an Attempt; the table keeps the outcome beside the
// change, in the same transaction, and on a repeat hands the first outcome
// back. So an endpoint is written as if there were no keys at all.
package idempotency

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"charter/pkg/fault"
)

// Window is how long an outcome is kept.
const Window = 24 * time.Hour

var (
	// Malformed is a key that is not 1 to 255 visible ASCII characters.
	Malformed = fault.Fault{Kind: fault.Invalid, Code: "invalid_idempotency_key", Field: "Idempotency-Key",
		Message: "Must be 1 to 255 visible ASCII characters, sent once."}
	// Reused is a key that came with another body before.
	Reused = fault.Fault{Kind: fault.Unprocessable, Code: "idempotency_key_reused",
		Message: "This Idempotency-Key was used with another request body."}
)

// Attempt is one request that carries a key.
type Attempt struct {
	Subject  string // who asks; "" on a public route
	Route    string // method and resource
	Key      string // as sent
	Body     []byte // in canonical form; never stored
	Replayed bool   // set when the outcome is that of an earlier attempt
}

// Parse checks a key as sent.
func Parse(values []string) (string, error) {
	if len(values) != 1 || len(values[0]) < 1 || len(values[0]) > 255 {
		return "", Malformed
	}
	for _, c := range []byte(values[0]) {
		if c <= ' ' || c > '~' {
			return "", Malformed
		}
	}
	return values[0], nil
}

// Name is what the outcome is kept under: a digest of caller, route and key.
func (a *Attempt) Name() string {
	h := sha256.New()
	for _, part := range []string{a.Subject, a.Route, a.Key} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Print is what the body is compared by: an HMAC under a key of the server.
// A plain hash would let who reads the table guess a password in the body.
func (a *Attempt) Print(secret []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(a.Body)
	return h.Sum(nil)
}

// Matches reports in constant time whether kept is the print of a's body.
func (a *Attempt) Matches(secret, kept []byte) bool { return hmac.Equal(a.Print(secret), kept) }

type key struct{}

// NewContext returns ctx with the attempt in it.
func NewContext(ctx context.Context, a *Attempt) context.Context {
	return context.WithValue(ctx, key{}, a)
}

// FromContext returns the attempt in ctx, nil when the request has no key.
func FromContext(ctx context.Context) *Attempt {
	a, _ := ctx.Value(key{}).(*Attempt)
	return a
}
