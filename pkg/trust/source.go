package trust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"charter/pkg/token"
)

// How keys are kept. An issuer that rotates publishes a key before it signs
// with it, and keeps the old one for its last tokens; a revoked one is trusted
// for at most the hour, and while the issuer cannot be reached for the day.
const (
	fresh     = time.Hour        // after which keys are fetched anew
	outage    = 24 * time.Hour   // how long old keys are kept while fetching fails
	cooldown  = 30 * time.Second // between two fetches, whatever calls for them
	impatient = 2 * time.Second  // the cooldown while there are no keys at all
	patience  = 3 * time.Second  // for all of one fetch
	maxBody   = 256 << 10        // bytes of a document
	maxHops   = 3                // redirects, on the same host
)

// source is where the keys of one issuer come from. It is safe for concurrent
// use.
type source struct {
	Issuer
	client *http.Client
	now    func() time.Time

	fetching sync.Mutex // held by who fetches, for the others to wait
	kept     atomic.Pointer[kept]
}

// kept is what a source knows. It is never changed, only replaced.
type kept struct {
	keys    *token.Keys // nil: none yet
	since   time.Time   // when the keys were fetched
	tried   time.Time   // when fetching was tried last
	failure error       // of that try, nil when it went well
}

func newSource(i Issuer, client *http.Client, now func() time.Time) *source {
	own := *client
	own.CheckRedirect = onSameHost
	s := &source{Issuer: i, client: &own, now: now}
	s.kept.Store(&kept{})
	return s
}

// Keys are the issuer's keys. A key that is not among them, and age, are reasons
// to fetch them anew, as often as the cooldown lets it. It fails when there are
// no keys that are young enough, or when it cannot be said whether the issuer
// has the key: never for a token that is simply wrong.
func (s *source) Keys(ctx context.Context, kid string) (*token.Keys, error) {
	k := s.kept.Load()
	if !k.serves(kid, s.now()) {
		s.fetching.Lock()
		defer s.fetching.Unlock()
		k = s.kept.Load()
		if now := s.now(); !k.serves(kid, now) && k.due(now) {
			k = k.after(now, func() (*token.Keys, error) { return s.fetch(ctx) })
			s.kept.Store(k)
			if k.failure != nil {
				slog.WarnContext(ctx, "trust: keys not fetched", "issuer", s.Issuer.Issuer, "cause", k.failure.Error())
			}
		}
	}
	switch {
	case k.keys == nil, s.now().Sub(k.since) >= outage, k.failure != nil && !k.keys.Hold(kid):
		return nil, fmt.Errorf("trust: %s: %w", s.Issuer.Issuer, k.failure)
	}
	return k.keys, nil
}

// serves reports whether nothing needs to be fetched for the key.
func (k *kept) serves(kid string, now time.Time) bool {
	return k.keys != nil && now.Sub(k.since) < fresh && k.keys.Hold(kid)
}

func (k *kept) due(now time.Time) bool {
	wait := cooldown
	if k.keys == nil {
		wait = impatient
	}
	return k.tried.IsZero() || now.Sub(k.tried) >= wait
}

// after is what is known after another try.
func (k *kept) after(now time.Time, fetch func() (*token.Keys, error)) *kept {
	keys, err := fetch()
	if err != nil {
		return &kept{keys: k.keys, since: k.since, tried: now, failure: err}
	}
	return &kept{keys: keys, since: now, tried: now}
}

// fetch asks the issuer, for as long as patience lasts, whatever becomes of the
// request that was the reason.
func (s *source) fetch(ctx context.Context) (*token.Keys, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	address := s.Issuer.Keys
	if address == "" {
		var err error
		if address, err = s.discover(ctx); err != nil {
			return nil, fmt.Errorf("discovery: %w", err)
		}
	}
	text, err := s.get(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return token.ParseKeySet(text)
}

var (
	errOtherIssuer = errors.New("the document is another issuer's")
	errOtherHost   = errors.New("it leads to another host")
	errHops        = errors.New("too many redirects")
	errTooLarge    = fmt.Errorf("more than %d bytes", maxBody)
)

// discover finds the address of the keys. OpenID Connect Discovery 1.0,
// sections 4.1 to 4.3.
func (s *source) discover(ctx context.Context) (string, error) {
	text, err := s.get(ctx, strings.TrimSuffix(s.Issuer.Issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var document struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return "", errors.New("not a JSON object with issuer and jwks_uri")
	}
	if document.Issuer != s.Issuer.Issuer {
		return "", errOtherIssuer
	}
	keys, err := location(document.Keys)
	if err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	if own, err := location(s.Issuer.Issuer); err != nil || own.Scheme != keys.Scheme || own.Host != keys.Host {
		return "", errOtherHost
	}
	return document.Keys, nil
}

func (s *source) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	if err == nil && len(text) > maxBody {
		err = errTooLarge
	}
	return text, err
}

func onSameHost(r *http.Request, via []*http.Request) error {
	switch first := via[0].URL; {
	case r.URL.Scheme != first.Scheme || r.URL.Host != first.Host:
		return errOtherHost
	case len(via) > maxHops:
		return errHops
	}
	return nil
}
