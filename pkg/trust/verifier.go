package trust

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/token"
)

// People knows the accounts of other issuers' people.
type People interface {
	// Recognize is the caller that an identity stands for: the account that is
	// linked with it or, from now on, the one with its e-mail. A fault.NotFound
	// says that there is none.
	Recognize(ctx context.Context, id caller.Identity) (caller.Caller, error)
}

// Verifier checks tokens: our own, and those of the issuers that are trusted.
type Verifier struct {
	own    token.Verifier
	others map[string]token.Foreign // by "iss"
	people People
}

// NewVerifier makes a verifier. Keys are fetched with the client when a first
// token asks for them. An issuer with our own name is an error.
func NewVerifier(own token.Verifier, others []Issuer, people People, client *http.Client, now func() time.Time) (Verifier, error) {
	v := Verifier{own: own, others: map[string]token.Foreign{}, people: people}
	for _, i := range others {
		if i.Issuer == own.Name {
			return Verifier{}, errors.New("trust: an issuer has our own name")
		}
		v.others[i.Issuer] = token.Foreign{Name: i.Issuer, Audience: i.Audience, Claims: i.Claims,
			Keys: newSource(i, client, now).Keys, Now: now}
	}
	return v, nil
}

var errNobody = fmt.Errorf("%w Refused: nobody here is linked with it, or has its verified e-mail.", token.Invalid)

// Verify checks a token with the keys of the issuer that it names, if that is
// one that is trusted, else as one of ours. Whoever has no account is refused as
// if the token were wrong: every endpoint that asks for a token asks who calls.
// Errors are those of token.Verifier.
func (v Verifier) Verify(ctx context.Context, compact string) (caller.Claims, error) {
	if len(v.others) == 0 {
		return v.own.Verify(ctx, compact)
	}
	foreign, trusted := v.others[token.ClaimedIssuer(compact)]
	if !trusted {
		return v.own.Verify(ctx, compact)
	}
	id, err := foreign.Verify(ctx, compact)
	if err != nil {
		return caller.Claims{}, err
	}
	c, err := v.people.Recognize(ctx, id)
	switch {
	case errors.Is(err, fault.NotFound):
		return caller.Claims{}, errNobody
	case err != nil:
		return caller.Claims{}, errors.New("trust: recognize: " + err.Error())
	}
	return caller.Claims{Caller: c}, nil
}
