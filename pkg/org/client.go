package org

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"charter/pkg/fault"
	"charter/pkg/text"
)

// Client is a program that signs in as an admin of one organization.
type Client struct {
	ID             string // client_ and a ULID
	Name           string
	OrganizationID string
	Code           string // the organization's
	SecretHash     []byte // SHA-256
	CreatedAt      time.Time
}

// ParseClientName reads the name of an API client: at most 200 characters.
func ParseClientName(s string) (string, error) { return text.Parse(s, 0, 200) }

// MaxClients is how many API clients one organization can have.
const MaxClients = 100

var (
	// UnknownClient is an id that no API client of the organization has.
	UnknownClient = fault.Fault{Kind: fault.NotFound, Code: "unknown_client", Field: "ClientId",
		Message: "No API client has this id."}
	// TooManyClients is one over MaxClients.
	TooManyClients = fault.Fault{Kind: fault.Invalid, Code: "too_many_clients", Field: "Name",
		Message: fmt.Sprintf("An organization has at most %d API clients.", MaxClients)}
	// NotKept is a repeat of a request whose answer held a secret.
	NotKept = fault.Fault{Kind: fault.Repeated, Code: "answer_not_kept",
		Message: "This was done before, and its answer was not kept, because it holds a secret."}
	// TooManyAttempts is a sign-in over the rate.
	TooManyAttempts = fault.Fault{Kind: fault.TooMany, Code: "too_many_attempts", Message: "Too many attempts. Try again later."}
)

// Secret is what an API client signs in with: 256 random bits. It prints as dots.
type Secret struct{ clear string }

func (Secret) String() string   { return "********" }
func (Secret) GoString() string { return "********" }

// Reveal is the secret in the clear, to be shown once.
func (s Secret) Reveal() string { return s.clear }

// Hash is what is kept of it. A plain hash will do: nobody guesses 256 bits.
func (s Secret) Hash() []byte { return hashSecret(s.clear) }

// NewSecret makes a secret.
func NewSecret(random io.Reader) (Secret, error) {
	bits := make([]byte, 32)
	if _, err := io.ReadFull(random, bits); err != nil {
		return Secret{}, err
	}
	return Secret{base64.RawURLEncoding.EncodeToString(bits)}, nil
}

func hashSecret(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// SignInClient checks an API client's secret. Errors: WrongCredentials,
// TooManyAttempts.
func SignInClient(ctx context.Context, d Directory, code, clientID, secret, source string) (Client, error) {
	client, err := d.Client(ctx, clientID, source)
	if err != nil && !errors.Is(err, UnknownClient) {
		return Client{}, err
	}
	right := subtle.ConstantTimeCompare(client.SecretHash, hashSecret(secret)) == 1
	if !right || subtle.ConstantTimeCompare([]byte(client.Code), []byte(code)) == 0 {
		return Client{}, WrongCredentials
	}
	return client, nil
}
