package trust_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/local/provider"
	"charter/pkg/token"
	"charter/pkg/trust"
)

const audience = "https://api.acme.example"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a time that passes when a test says so.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time       { return noon.Add(time.Duration(c.offset.Load())) }
func (c *clock) pass(d time.Duration) { c.offset.Add(int64(d)) }

// register is who is known, by the identity's issuer and subject.
type register struct {
	mu    sync.Mutex
	known map[string]caller.Caller
	err   error
	asked []caller.Identity
}

func (r *register) Recognize(_ context.Context, id caller.Identity) (caller.Caller, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, id)
	if r.err != nil {
		return caller.Caller{}, r.err
	}
	c, ok := r.known[id.Issuer+" "+id.Subject]
	if !ok {
		return caller.Caller{}, fault.Fault{Kind: fault.NotFound, Message: "No user has this e-mail."}
	}
	c.Expires = id.Expires
	return c, nil
}

// world is a verifier that trusts two providers, and whoever they know.
type world struct {
	trust.Verifier
	clock  clock
	people register
	own    token.Issuer
	acme   *provider.Provider
	bolt   *provider.Provider
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{acme: provider.Start(true), bolt: provider.Start(true)}
	t.Cleanup(w.acme.Close)
	t.Cleanup(w.bolt.Close)
	w.people.known = map[string]caller.Caller{
		w.acme.URL + " auth0|ann": {UserID: "kp_ann", Email: "ann@acme.example", Foreign: true},
		w.bolt.URL + " ben":       {UserID: "kp_ben", Email: "ben@bolt.example", Foreign: true},
	}
	list := fmt.Sprintf(`[{"issuer":%q,"audience":%q,"claims":{"organization":"org_code"}},{"issuer":%q,"audience":"bolt"}]`,
		w.acme.URL, audience, w.bolt.URL)
	issuers, err := trust.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	private, public, err := token.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.ParseKeys(public)
	if err != nil {
		t.Fatal(err)
	}
	w.own = token.Issuer{Signer: key, Name: "https://charter.example", Audience: "charter", Delegated: "charter-enrichment",
		Now: w.clock.now, Random: rand.Reader}
	own := token.Verifier{Name: w.own.Name, Audience: w.own.Audience, Now: w.clock.now,
		Keys: func(context.Context) (*token.Keys, error) { return keys, nil }}
	// The client trusts the certificates of both: httptest's is one for all.
	if w.Verifier, err = trust.NewVerifier(own, issuers, &w.people, w.acme.Client(), w.clock.now); err != nil {
		t.Fatal(err)
	}
	return w
}

// claims are those of a token of Ann's, with members changed; nil takes one out.
func claims(change map[string]any) map[string]any {
	m := map[string]any{"aud": audience, "sub": "auth0|ann", "iat": noon.Unix(), "exp": noon.Add(72 * time.Hour).Unix(),
		"email": "ann@acme.example", "email_verified": true}
	maps.Copy(m, change)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

// refused wants the token's fault, for this very reason.
func (w *world) refused(t *testing.T, compact, reason string) {
	t.Helper()
	got, err := w.Verify(t.Context(), compact)
	if want := "Invalid or expired token. Refused: " + reason + "."; !errors.Is(err, token.Invalid) || err.Error() != want {
		t.Fatalf("claims %+v, error %v; want %q", got, err, want)
	}
}

// unsure wants an error that is not the token's fault: a denial would be kept.
func (w *world) unsure(t *testing.T, compact string) {
	t.Helper()
	got, err := w.Verify(t.Context(), compact)
	if _, is := fault.All(err); err == nil || is {
		t.Fatalf("claims %+v, error %v", got, err)
	}
}

func (w *world) taken(t *testing.T, compact string) caller.Claims {
	t.Helper()
	c, err := w.Verify(t.Context(), compact)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestVerify(t *testing.T) {
	w := newWorld(t)
	got := w.taken(t, w.acme.Sign(claims(map[string]any{"org_code": "org_0a1b2c3d4e5", "role": "Admin", "roles": []string{"Admin"}})))
	want := caller.Caller{UserID: "kp_ann", Email: "ann@acme.example", Foreign: true, Expires: noon.Add(72 * time.Hour)}
	if got != (caller.Claims{Caller: want}) {
		t.Errorf("claims %+v, want %+v", got, want)
	}
	if asked := w.people.asked[0]; asked != (caller.Identity{Issuer: w.acme.URL, Subject: "auth0|ann", Email: "ann@acme.example",
		Organization: "org_0a1b2c3d4e5", Expires: want.Expires}) {
		t.Errorf("identity %+v", asked)
	}
	w.bolt.Rotate(jose.RS256)
	if got := w.taken(t, w.bolt.Sign(claims(map[string]any{"aud": "bolt", "sub": "ben"}))); got.UserID != "kp_ben" {
		t.Errorf("claims %+v", got)
	}
	own, err := w.own.Issue(t.Context(), caller.Claims{Caller: caller.Caller{UserID: "kp_1"}}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.taken(t, own); got.UserID != "kp_1" || got.Foreign {
		t.Errorf("claims %+v", got)
	}
	w.refused(t, w.acme.Sign(claims(map[string]any{"sub": "auth0|nobody"})), "nobody here is linked with it, or has its verified e-mail")
}

// An issuer's name is bound to its own keys, its own audience and its own
// people. Control: with one set of keys for all issuers, the first two are taken.
func TestIssuersAreApart(t *testing.T) {
	w := newWorld(t)
	w.bolt.Rotate(jose.RS256)
	w.refused(t, w.bolt.Sign(claims(map[string]any{"iss": w.acme.URL})), "kid is unknown") // key-2, which acme does not have
	own, err := w.own.Issue(t.Context(), caller.Claims{Caller: caller.Caller{UserID: "kp_1"}}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(own, ".")
	payload, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil {
		t.Fatal(err)
	}
	renamed := strings.Replace(string(payload), w.own.Name, w.acme.URL, 1)
	w.refused(t, part[0]+"."+base64.RawURLEncoding.EncodeToString([]byte(renamed))+"."+part[2], "kid is unknown")
	w.refused(t, w.acme.Sign(claims(map[string]any{"iss": w.own.Name})), "header: typ is not at+jwt")
	w.refused(t, w.acme.Sign(claims(map[string]any{"aud": "bolt"})), "claims: aud is another")
	w.refused(t, w.acme.Sign(claims(map[string]any{"aud": "charter"})), "claims: aud is another")

	// The same id for another's key.
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger := jose.JSONWebKey{Key: private, KeyID: "key-2", Algorithm: "ES256"}
	w.refused(t, provider.Sign(stranger, claims(map[string]any{"iss": w.bolt.URL, "aud": "bolt"})), "alg is not the key's")
	stranger.KeyID = "key-1"
	w.refused(t, provider.Sign(stranger, claims(map[string]any{"iss": w.acme.URL})), "the signature is wrong")
}

// Whatever a token names, only the hosts of the configuration are called.
// Control: a verifier that goes by "iss" or "jku" calls the bystander.
func TestNoCallThatATokenAsksFor(t *testing.T) {
	w := newWorld(t)
	bystander := provider.Start(true)
	defer bystander.Close()
	w.refused(t, bystander.Sign(claims(nil)), "header: typ is not at+jwt")
	for _, iss := range []string{w.acme.URL + "/", strings.ToUpper(w.acme.URL), w.acme.URL + "/..", " " + w.acme.URL, ""} {
		w.refused(t, bystander.Sign(claims(map[string]any{"iss": iss})), "header: typ is not at+jwt")
	}
	for _, member := range []string{"jku", "x5u"} {
		header := fmt.Sprintf(`{"alg":"ES256","typ":"JWT","kid":"key-1",%q:%q}`, member, bystander.URL+"/keys")
		part := strings.Split(bystander.Sign(claims(map[string]any{"iss": w.acme.URL})), ".")
		w.refused(t, base64.RawURLEncoding.EncodeToString([]byte(header))+"."+part[1]+"."+part[2], "header: "+member+" is not taken")
	}
	header := fmt.Sprintf(`{"alg":"RS256","typ":"JWT","kid":%q}`, bystander.URL+"/keys")
	part := strings.Split(bystander.Sign(claims(map[string]any{"iss": w.acme.URL})), ".")
	w.refused(t, base64.RawURLEncoding.EncodeToString([]byte(header))+"."+part[1]+"."+part[2], "kid is unknown")
	if asked := bystander.Asked(); len(asked) > 0 {
		t.Errorf("the bystander was asked for %v", asked)
	}
}

// A table that fails is no denial.
func TestPeopleThatFail(t *testing.T) {
	w := newWorld(t)
	w.people.err = fault.Fault{Kind: fault.Unavailable, Message: "The service is busy."}
	w.unsure(t, w.acme.Sign(claims(nil)))
	w.people.err = fault.Fault{Kind: fault.Unauthenticated, Message: "Not the token's fault."}
	w.unsure(t, w.acme.Sign(claims(nil)))
}

func TestOurOwnName(t *testing.T) {
	own := token.Verifier{Name: "https://charter.example"}
	issuers := []trust.Issuer{{Issuer: own.Name, Audience: "a"}}
	if _, err := trust.NewVerifier(own, issuers, &register{}, http.DefaultClient, time.Now); err == nil {
		t.Error("another issuer may have our own name")
	}
}

const (
	discovery = "/.well-known/openid-configuration"
	jwks      = "/keys"
)

// Keys are fetched once, with the first token, kept for an hour, then fetched
// anew.
func TestKeysAreKept(t *testing.T) {
	w := newWorld(t)
	compact := w.acme.Sign(claims(nil))
	asked := func(what string, want ...string) {
		t.Helper()
		if got := w.acme.Asked(); !slices.Equal(got, want) {
			t.Fatalf("%s: the issuer was asked for %v, want %v", what, got, want)
		}
	}
	asked("before any token")
	w.taken(t, compact)
	asked("the first token", discovery, jwks)
	w.taken(t, compact)
	w.clock.pass(time.Hour - 1)
	w.taken(t, compact)
	asked("within the hour")
	w.clock.pass(1)
	w.taken(t, compact)
	asked("after an hour", discovery, jwks)
	if got := w.bolt.Asked(); len(got) > 0 {
		t.Errorf("the other issuer was asked for %v", got)
	}
}

// A key that is not known is looked for, at most once in 30 seconds. Control:
// without the cooldown every token with an invented key is a call.
func TestUnknownKeys(t *testing.T) {
	w := newWorld(t)
	w.taken(t, w.acme.Sign(claims(nil)))
	w.acme.Asked()
	w.clock.pass(29 * time.Second)
	w.acme.Rotate(jose.ES256)
	rotated := w.acme.Sign(claims(nil))
	w.refused(t, rotated, "kid is unknown")
	if got := w.acme.Asked(); len(got) > 0 {
		t.Fatalf("asked for %v within the cooldown", got)
	}
	w.clock.pass(time.Second)
	w.taken(t, rotated)
	for range 100 {
		stranger := jose.JSONWebKey{KeyID: rand.Text(), Algorithm: "HS256", Key: make([]byte, 32)}
		compact := provider.Sign(stranger, claims(map[string]any{"iss": w.acme.URL}))
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"` + stranger.KeyID + `"}`))
		w.refused(t, header+compact[strings.IndexByte(compact, '.'):], "kid is unknown")
	}
	if got := w.acme.Asked(); len(got) != 2 {
		t.Fatalf("asked for %v", got)
	}
}

// An issuer that is away for less than a day is not missed, and asked once in 30
// seconds; then nothing can be said. It is never a denial, nor an Allow for a
// key that is not known.
func TestOutage(t *testing.T) {
	w := newWorld(t)
	compact := w.acme.Sign(claims(nil))
	w.taken(t, compact)
	w.acme.Rotate(jose.ES256)
	rotated := w.acme.Sign(claims(nil))
	w.acme.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	w.acme.Asked()

	w.clock.pass(2 * time.Hour)
	for range 10 {
		w.taken(t, compact)
		w.unsure(t, rotated) // it may well be theirs
	}
	if got := w.acme.Asked(); !slices.Equal(got, []string{discovery}) {
		t.Fatalf("asked for %v", got)
	}
	w.clock.pass(22*time.Hour - 1)
	w.taken(t, compact)
	w.clock.pass(1)
	w.unsure(t, compact)
	w.acme.Answer(nil)
	w.unsure(t, compact) // the cooldown
	w.clock.pass(30 * time.Second)
	w.taken(t, compact)
	w.taken(t, rotated)
}

// An issuer that is away from the start is asked again soon.
func TestAwayFromTheStart(t *testing.T) {
	w := newWorld(t)
	compact := w.acme.Sign(claims(nil))
	w.acme.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	w.unsure(t, compact)
	w.acme.Answer(nil)
	w.acme.Asked()
	w.unsure(t, compact)
	if got := w.acme.Asked(); len(got) > 0 {
		t.Fatalf("asked for %v at once", got)
	}
	w.clock.pass(2 * time.Second)
	w.taken(t, compact)
	own, err := w.own.Issue(t.Context(), caller.Claims{Caller: caller.Caller{UserID: "kp_1"}}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w.acme.Answer(func(http.ResponseWriter, *http.Request) { t.Error("asked for a token of ours") })
	w.taken(t, own)
}

// Many who come at once wait for one fetch, and a request that is given up does
// not end it for the others.
func TestOneFetchForAll(t *testing.T) {
	w := newWorld(t)
	compact := w.acme.Sign(claims(nil))
	ctx, cancel := context.WithCancel(t.Context())
	w.acme.Answer(func(rw http.ResponseWriter, r *http.Request) {
		cancel()
		w.acme.Serve(rw, r)
	})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := w.Verify(ctx, compact); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := w.acme.Asked(); !slices.Equal(got, []string{discovery, jwks}) {
		t.Errorf("asked for %v", got)
	}
}

// What an issuer may answer that is not what it should: nothing is taken for
// it, and no other host is called. Each has its control in what is taken: the
// same answer within the limit.
func TestAnswersOfIssuers(t *testing.T) {
	elsewhere := provider.Start(true)
	defer elsewhere.Close()
	document := func(issuer, keys string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			json.NewEncoder(w).Encode(map[string]string{"issuer": issuer, "jwks_uri": keys})
		}
	}
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(s)) }
	}
	to := func(url string) http.HandlerFunc { return http.RedirectHandler(url, http.StatusFound).ServeHTTP }
	for name, test := range map[string]struct {
		path   string // whose answer is changed
		answer func(p *provider.Provider) http.HandlerFunc
		taken  bool
	}{
		"another issuer's document": {discovery, func(p *provider.Provider) http.HandlerFunc { return document(elsewhere.URL, p.URL+jwks) }, false},
		"issuer with a slash":       {discovery, func(p *provider.Provider) http.HandlerFunc { return document(p.URL+"/", p.URL+jwks) }, false},
		"keys on another host":      {discovery, func(p *provider.Provider) http.HandlerFunc { return document(p.URL, elsewhere.URL+jwks) }, false},
		"keys over http": {discovery, func(p *provider.Provider) http.HandlerFunc {
			return document(p.URL, strings.Replace(p.URL, "https", "http", 1)+jwks)
		}, false},
		"keys in a file":       {discovery, func(p *provider.Provider) http.HandlerFunc { return document(p.URL, "file:///etc/passwd") }, false},
		"keys nowhere":         {discovery, func(p *provider.Provider) http.HandlerFunc { return document(p.URL, "") }, false},
		"keys at another path": {discovery, func(p *provider.Provider) http.HandlerFunc { return document(p.URL, p.URL+"/keys?") }, false},
		"no JSON":              {discovery, func(*provider.Provider) http.HandlerFunc { return text("<html>") }, false},
		"a list":               {discovery, func(*provider.Provider) http.HandlerFunc { return text("[]") }, false},
		"nothing":              {discovery, func(*provider.Provider) http.HandlerFunc { return text("") }, false},
		"discovery elsewhere":  {discovery, func(*provider.Provider) http.HandlerFunc { return to(elsewhere.URL + discovery) }, false},
		"keys elsewhere":       {jwks, func(*provider.Provider) http.HandlerFunc { return to(elsewhere.URL + jwks) }, false},
		"keys in a circle":     {jwks, func(p *provider.Provider) http.HandlerFunc { return to(p.URL + jwks) }, false},
		"an empty set":         {jwks, func(*provider.Provider) http.HandlerFunc { return text(`{"keys":[]}`) }, false},
		"keys in PEM":          {jwks, func(*provider.Provider) http.HandlerFunc { return text("-----BEGIN PUBLIC KEY-----") }, false},
		"too long": {jwks, func(p *provider.Provider) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Write([]byte(strings.Repeat(" ", 256<<10)))
				p.Serve(w, r)
			}
		}, false},
		"nearly too long": {jwks, func(p *provider.Provider) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Write([]byte(strings.Repeat(" ", 250<<10)))
				p.Serve(w, r)
			}
		}, true},
		"cut short": {jwks, func(*provider.Provider) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				w.Write([]byte(`{"keys":[]}`))
			}
		}, false},
		"not found": {jwks, func(*provider.Provider) http.HandlerFunc { return http.NotFound }, false},
		"discovery moved, here": {discovery, func(p *provider.Provider) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.URL.RawQuery == "" {
					http.Redirect(w, r, discovery+"?moved", http.StatusMovedPermanently)
					return
				}
				p.Serve(w, r)
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			changed := test.answer(w.acme)
			w.acme.Answer(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == test.path {
					changed(rw, r)
				} else {
					w.acme.Serve(rw, r)
				}
			})
			if compact := w.acme.Sign(claims(nil)); test.taken {
				w.taken(t, compact)
			} else {
				w.unsure(t, compact)
			}
			if asked := elsewhere.Asked(); len(asked) > 0 {
				t.Errorf("another host was asked for %v", asked)
			}
		})
	}
}

// An issuer that does not answer is given up.
func TestPatience(t *testing.T) {
	w := newWorld(t)
	gone := make(chan struct{})
	w.acme.Answer(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // the caller hangs up, or the test would hang
		close(gone)
	})
	w.unsure(t, w.acme.Sign(claims(nil)))
	<-gone
}

// A configured set of keys may be on another host, and needs no discovery.
func TestConfiguredKeys(t *testing.T) {
	keys := provider.Start(true)
	defer keys.Close()
	var p register
	p.known = map[string]caller.Caller{"https://nowhere.invalid auth0|ann": {UserID: "kp_ann", Foreign: true}}
	issuers, err := trust.Parse(fmt.Sprintf(`[{"issuer":"https://nowhere.invalid","audience":%q,"keys":%q}]`, audience, keys.URL+jwks))
	if err != nil {
		t.Fatal(err)
	}
	v, err := trust.NewVerifier(token.Verifier{Name: "x"}, issuers, &p, keys.Client(), func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Verify(t.Context(), keys.Sign(claims(map[string]any{"iss": "https://nowhere.invalid"})))
	if err != nil || c.UserID != "kp_ann" {
		t.Fatalf("claims %+v, error %v", c, err)
	}
	if got := keys.Asked(); !slices.Equal(got, []string{jwks}) {
		t.Errorf("asked for %v", got)
	}
}

// A certificate that nobody vouches for is no issuer's.
func TestCertificate(t *testing.T) {
	w := newWorld(t)
	issuers := []trust.Issuer{{Issuer: w.acme.URL, Audience: audience, Claims: token.ClaimNames{Audience: "aud"}}}
	stranger := &http.Client{Transport: &http.Transport{}}
	v, err := trust.NewVerifier(token.Verifier{Name: "x"}, issuers, &w.people, stranger, w.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	w.Verifier = v
	w.unsure(t, w.acme.Sign(claims(nil)))
	if got := w.acme.Asked(); len(got) > 0 {
		t.Errorf("asked for %v", got)
	}
}
