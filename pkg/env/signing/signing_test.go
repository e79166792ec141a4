package signing_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/env"
	"charter/pkg/env/signing"
	"charter/pkg/token"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// where is an environment with the variables.
func where(variables map[string]string, out http.RoundTripper) env.Env {
	all := map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", env.TableName: "charter",
		env.TokenIssuer: "https://charter.example", env.TokenAudience: "charter", env.EnrichmentAudience: "charter-enrichment",
		env.TrustedIssuers: "[]",
	}
	maps.Copy(all, variables)
	return env.Env{Get: func(name string) string { return all[name] }, HTTP: &http.Client{Transport: out}, Now: func() time.Time { return noon }}
}

func pair(t *testing.T) (private, public string) {
	t.Helper()
	a, b, err := token.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	return string(a), string(b)
}

// panics is the text that f panics with, "" when it does not.
func panics(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

func issue(t *testing.T, e env.Env) string {
	t.Helper()
	compact, err := signing.Issuer(e).Issue(t.Context(), caller.Claims{Caller: caller.Caller{UserID: "kp_1"}}, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// The steps of a rotation as the README tells them: in each, tokens of this step
// and of the one before are taken, by functions of this step and of the one
// before, which run side by side while a deployment is under way. Control:
// with the new key signing in the first step, the functions before it refuse.
func TestRotation(t *testing.T) {
	oldPrivate, oldPublic := pair(t)
	newPrivate, newPublic := pair(t)
	steps := []env.Env{
		where(map[string]string{env.SigningKey: oldPrivate, env.VerifyingKeys: oldPublic}, nil),
		where(map[string]string{env.SigningKey: oldPrivate, env.VerifyingKeys: oldPublic + newPublic}, nil),
		where(map[string]string{env.SigningKey: newPrivate, env.VerifyingKeys: oldPublic + newPublic}, nil),
		where(map[string]string{env.SigningKey: newPrivate, env.VerifyingKeys: newPublic}, nil),
	}
	for n := range steps {
		before := max(n-1, 0)
		if n == len(steps)-1 {
			before = n // the last step waits until the last token of the old key has ended
		}
		for _, signs := range []int{before, n} {
			compact := issue(t, steps[signs])
			for _, verifies := range []int{max(n-1, 0), n} {
				if _, err := signing.Verifier(steps[verifies]).Verify(t.Context(), compact); err != nil {
					t.Errorf("step %d refuses a token of step %d: %v", verifies, signs, err)
				}
			}
		}
	}
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(signing.Keys(steps[1]).JWKS(), &set); err != nil || len(set.Keys) != 2 {
		t.Errorf("while keys rotate %v are published (%v)", set, err)
	}
	if _, err := signing.Verifier(steps[3]).Verify(t.Context(), issue(t, steps[1])); err == nil {
		t.Error("the old key is trusted after all")
	}
}

// A key that nobody verifies with signs nothing.
func TestAKeyThatIsNotPublished(t *testing.T) {
	private, _ := pair(t)
	_, public := pair(t)
	e := where(map[string]string{env.SigningKey: private, env.VerifyingKeys: public}, nil)
	if got := panics(func() { signing.Issuer(e) }); got != "env: SIGNING_KEY is not among VERIFYING_KEYS" {
		t.Errorf("panics with %q", got)
	}
}

func TestWrongVariables(t *testing.T) {
	private, public := pair(t)
	good := map[string]string{env.SigningKey: private, env.VerifyingKeys: public}
	open := func(e env.Env) { signing.Issuer(e); signing.Verifier(e) }
	if got := panics(func() { open(where(good, nil)) }); got != "" {
		t.Fatal(got)
	}
	for name, test := range map[string]struct{ variable, value, want string }{
		"no signing key":     {env.SigningKey, "", "env: SIGNING_KEY is not set"},
		"no key":             {env.SigningKey, "secret", "env: SIGNING_KEY: token: not one"},
		"an alias":           {env.SigningKey, "arn:aws:kms:eu-west-1:123456789012:alias/x", "env: SIGNING_KEY: kms: not the ARN of a key"},
		"no verifying keys":  {env.VerifyingKeys, "", "env: VERIFYING_KEYS is not set"},
		"no keys":            {env.VerifyingKeys, "secret", "env: VERIFYING_KEYS: token: not a bundle"},
		"no issuers":         {env.TrustedIssuers, "", "env: TRUSTED_ISSUERS is not set"},
		"no list of issuers": {env.TrustedIssuers, "https://a.example", "env: TRUSTED_ISSUERS: trust: not a JSON list"},
		"ourselves": {env.TrustedIssuers, `[{"issuer":"https://charter.example","audience":"x"}]`,
			"env: TRUSTED_ISSUERS: trust: an issuer has our own name"},
	} {
		t.Run(name, func(t *testing.T) {
			variables := map[string]string{env.SigningKey: private, env.VerifyingKeys: public, test.variable: test.value}
			if got := panics(func() { open(where(variables, nil)) }); !strings.HasPrefix(got, test.want) || strings.Contains(got, "secret") {
				t.Errorf("panics with %q, want %q", got, test.want)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The ARN of a KMS key in the place of a private key makes KMS sign: tokens
// verify with the published key, and with no other.
func TestSigningWithKMS(t *testing.T) {
	const arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	service := roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.String() != "https://kms.eu-west-1.amazonaws.com/" {
			return nil, fmt.Errorf("a call of %s", r.URL)
		}
		var in struct {
			KeyID   string `json:"KeyId"`
			Message []byte
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.KeyID != arn {
			return nil, fmt.Errorf("%q, %w", in.KeyID, err)
		}
		out := map[string]any{"PublicKey": der, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
		if r.Header.Get("X-Amz-Target") == "TrentService.Sign" {
			signature, err := ecdsa.SignASN1(rand.Reader, private, in.Message)
			if err != nil {
				return nil, err
			}
			out = map[string]any{"Signature": signature}
		}
		text, err := json.Marshal(out)
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(text))}, err
	})
	e := where(map[string]string{env.SigningKey: arn, env.VerifyingKeys: public}, service)
	if c, err := signing.Verifier(e).Verify(t.Context(), issue(t, e)); err != nil || c.UserID != "kp_1" {
		t.Errorf("claims %+v, error %v", c, err)
	}
	_, other := pair(t)
	e = where(map[string]string{env.SigningKey: arn, env.VerifyingKeys: other}, service)
	if got := panics(func() { signing.Issuer(e) }); got != "env: SIGNING_KEY is not among VERIFYING_KEYS" {
		t.Errorf("panics with %q", got)
	}
	away := roundTripper(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	e = where(map[string]string{env.SigningKey: arn, env.VerifyingKeys: public}, away)
	if got := panics(func() { signing.Issuer(e) }); !strings.HasPrefix(got, "env: SIGNING_KEY: ") {
		t.Errorf("panics with %q", got)
	}
}
