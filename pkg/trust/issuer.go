// Package trust is which other issuers' tokens are taken: their keys, and whom their tokens stand for.
//
// A team's own OpenID provider says who somebody is and nothing else: the
// person is the account that is linked with the token's "iss" and "sub", and
// what that account may do is in our table. The only hosts that are ever called
// are those of the configuration, whatever a token says.
package trust

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"charter/pkg/token"
)

// Issuer is another issuer as it is configured.
type Issuer struct {
	Issuer   string // the "iss" of its tokens, exactly: a URL, below which its discovery document is
	Audience string // what its tokens for us have as audience
	// Keys is the URL of its JWK Set, only for an issuer without a discovery
	// document or with keys on another host.
	Keys   string
	Claims token.ClaimNames
}

// MaxIssuers is how many other issuers there may be.
const MaxIssuers = 10

var (
	errNotIssuers = fmt.Errorf("trust: not a JSON list of at most %d issuers", MaxIssuers)
	errNoURL      = errors.New("neither https nor on this machine, or no plain URL")
)

// Parse reads the configuration, a JSON list:
//
//	[{"issuer": "https://acme.eu.auth0.com/", "audience": "https://api.acme.example",
//	  "claims": {"organization": "https://acme.example/org", "email": "email", "emailVerified": "email_verified"}}]
//
// "claims" and each of its members may be left out: then the names are "aud",
// "email" and "email_verified", and tokens name no organization. A URL is https;
// http is taken for an address of this machine. A member that is not known is
// an error.
func Parse(text string) ([]Issuer, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	var list []Issuer
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotIssuers, err)
	}
	if _, err := d.Token(); err != io.EOF || len(list) > MaxIssuers {
		return nil, errNotIssuers
	}
	seen := map[string]bool{}
	for n := range list {
		i := &list[n]
		if err := i.check(); err != nil {
			return nil, fmt.Errorf("trust: issuer %d: %w", n+1, err)
		}
		if seen[i.Issuer] {
			return nil, fmt.Errorf("trust: issuer %d is there twice", n+1)
		}
		seen[i.Issuer] = true
	}
	return list, nil
}

// check judges an issuer and gives names to the claims that have none.
func (i *Issuer) check() error {
	if _, err := location(i.Issuer); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	if i.Keys != "" {
		if _, err := location(i.Keys); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
	}
	if i.Audience == "" {
		return errors.New("no audience: tokens for anybody would be taken")
	}
	for name, usual := range map[*string]string{
		&i.Claims.Audience: "aud", &i.Claims.Email: "email", &i.Claims.EmailVerified: "email_verified",
	} {
		if *name == "" {
			*name = usual
		}
	}
	return nil
}

// location reads a URL that may be called.
func location(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Host == "", u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return nil, errNoURL
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, errNoURL
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
