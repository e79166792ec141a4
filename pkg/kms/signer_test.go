package kms_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/kms"
	"charter/pkg/token"
)

const arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

var (
	noon     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	identity = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "session"}
)

func credentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return identity, nil })
}

// service speaks KMS's JSON protocol for one key.
type service struct {
	*httptest.Server
	t       *testing.T
	private *ecdsa.PrivateKey

	mu     sync.Mutex
	asked  []string
	answer http.HandlerFunc // in place of its own
}

func startService(t *testing.T) *service {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, private: private}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *service) options() kms.Options {
	return kms.Options{Key: arn, Endpoint: s.URL, Credentials: credentials(), HTTP: s.Client(), Now: func() time.Time { return noon }}
}

func (s *service) open() *kms.Signer {
	s.t.Helper()
	signer, err := kms.Open(s.t.Context(), s.options())
	if err != nil {
		s.t.Fatal(err)
	}
	return signer
}

// put changes what the service answers; nil: its own again.
func (s *service) put(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = h
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "TrentService.")
	s.mu.Lock()
	s.asked = append(s.asked, operation)
	answer := s.answer
	s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	if !s.signed(r, body) {
		s.refuse(w, http.StatusBadRequest, "InvalidSignatureException")
		return
	}
	if answer != nil {
		answer(w, r)
		return
	}
	var in struct {
		KeyID                         string `json:"KeyId"`
		Message                       []byte
		MessageType, SigningAlgorithm string
	}
	if err := json.Unmarshal(body, &in); err != nil || in.KeyID != arn {
		s.refuse(w, http.StatusBadRequest, "NotFoundException")
		return
	}
	var out any
	switch operation {
	case "GetPublicKey":
		public, err := x509.MarshalPKIXPublicKey(s.private.Public())
		if err != nil {
			s.t.Error(err)
		}
		out = map[string]any{"KeyId": arn, "PublicKey": public, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY",
			"SigningAlgorithms": []string{"ECDSA_SHA_256"}}
	case "Sign":
		if in.MessageType != "DIGEST" || in.SigningAlgorithm != "ECDSA_SHA_256" || len(in.Message) != sha256.Size {
			s.refuse(w, http.StatusBadRequest, "ValidationException")
			return
		}
		signature, err := ecdsa.SignASN1(rand.Reader, s.private, in.Message)
		if err != nil {
			s.t.Error(err)
		}
		out = map[string]any{"KeyId": arn, "Signature": signature, "SigningAlgorithm": "ECDSA_SHA_256"}
	default:
		s.refuse(w, http.StatusBadRequest, "UnknownOperationException")
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	json.NewEncoder(w).Encode(out)
}

// signed checks the request's signature by making it anew.
func (s *service) signed(r *http.Request, body []byte) bool {
	again := httptest.NewRequest(r.Method, s.URL+r.URL.Path, bytes.NewReader(body))
	for _, name := range []string{"Content-Type", "X-Amz-Target"} {
		again.Header.Set(name, r.Header.Get(name))
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), identity, again, hex.EncodeToString(sum[:]), "kms", "eu-west-1", noon); err != nil {
		s.t.Error(err)
	}
	return r.Header.Get("Authorization") == again.Header.Get("Authorization") && r.Header.Get("X-Amz-Security-Token") == identity.SessionToken
}

func (s *service) refuse(w http.ResponseWriter, status int, name string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.kms#" + name, "message": "about " + arn})
}

// A token that KMS has signed is a token like any other.
func TestTokensOfKMS(t *testing.T) {
	signer := startService(t).open()
	var _ token.Signer = signer
	keys, err := token.NewKeys(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return noon }
	issuer := token.Issuer{Signer: signer, Name: "https://charter.example", Audience: "charter", Delegated: "charter-enrichment",
		Now: now, Random: rand.Reader}
	verifier := token.Verifier{Name: issuer.Name, Audience: issuer.Audience, Now: now,
		Keys: func(context.Context) (*token.Keys, error) { return keys, nil }}
	for range 20 { // numbers of the signature that begin with zeros are among them now and then
		compact, err := issuer.Issue(t.Context(), caller.Claims{Caller: caller.Caller{UserID: "kp_1"}}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := verifier.Verify(t.Context(), compact); err != nil || c.UserID != "kp_1" {
			t.Fatalf("claims %+v, error %v", c, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, key := range []string{
		"", "arn:aws:kms:eu-west-1:123456789012:alias/charter", "1234abcd-12ab-34cd-56ef-1234567890ab", "alias/charter", arn + "/..",
		strings.Replace(arn, "kms", "s3", 1), strings.Replace(arn, "eu-west-1", "evil.example/", 1), arn + "\n", " " + arn,
		strings.Replace(arn, "123456789012", "1", 1),
	} {
		o := startService(t).options()
		o.Key = key
		if _, err := kms.Open(t.Context(), o); err == nil || errors.Is(err, fault.Unavailable) {
			t.Errorf("%q: %v", key, err)
		}
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := startService(t)
	for name, answer := range map[string]struct {
		key         any
		spec, usage string
	}{
		"P-384":          {p384.Public(), "ECC_NIST_P384", "SIGN_VERIFY"},
		"RSA":            {rsaKey.Public(), "RSA_2048", "SIGN_VERIFY"},
		"another spec":   {s.private.Public(), "ECC_SECG_P256K1", "SIGN_VERIFY"},
		"a key to agree": {s.private.Public(), "ECC_NIST_P256", "KEY_AGREEMENT"},
		"no key":         {nil, "ECC_NIST_P256", "SIGN_VERIFY"},
	} {
		s.put(func(w http.ResponseWriter, _ *http.Request) {
			var der []byte
			if answer.key != nil {
				if der, err = x509.MarshalPKIXPublicKey(answer.key); err != nil {
					t.Error(err)
				}
			}
			json.NewEncoder(w).Encode(map[string]any{"PublicKey": der, "KeySpec": answer.spec, "KeyUsage": answer.usage})
		})
		if _, err := kms.Open(t.Context(), s.options()); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// The endpoint is that of the key's region and partition.
func TestEndpoint(t *testing.T) {
	away := errors.New("away")
	for key, want := range map[string]string{
		arn: "https://kms.eu-west-1.amazonaws.com/",
		"arn:aws-cn:kms:cn-north-1:123456789012:key/mrk-1234":     "https://kms.cn-north-1.amazonaws.com.cn/",
		"arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1-2-3": "https://kms.us-gov-west-1.amazonaws.com/",
	} {
		got := ""
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			got = r.URL.String()
			return nil, away
		})}
		_, err := kms.Open(t.Context(), kms.Options{Key: key, Credentials: credentials(), HTTP: client, Now: time.Now})
		if got != want || !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: asked %q, want %q; error %v", key, got, want, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What passes is tried again, three times in all, and is then a 503; what does
// not pass is ours to mend, and is not tried again. Control: without the list
// of names a throttled call, which is a 400, is answered 500.
func TestFailures(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		kind   string
		passes bool
	}{
		"throttled":    {http.StatusBadRequest, "ThrottlingException", true},
		"away":         {http.StatusServiceUnavailable, "", true},
		"internal":     {http.StatusInternalServerError, "KMSInternalException", true},
		"unavailable":  {http.StatusInternalServerError, "KeyUnavailableException", true},
		"timed out":    {http.StatusServiceUnavailable, "DependencyTimeoutException", true},
		"not allowed":  {http.StatusBadRequest, "AccessDeniedException", false},
		"disabled":     {http.StatusBadRequest, "DisabledException", false},
		"to be erased": {http.StatusBadRequest, "KMSInvalidStateException", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := startService(t)
			signer := s.open()
			s.asked = nil
			s.put(func(w http.ResponseWriter, _ *http.Request) { s.refuse(w, test.status, test.kind) })
			signature, err := signer.Sign(t.Context(), make([]byte, 32))
			if err == nil || errors.Is(err, fault.Unavailable) != test.passes || len(signature) > 0 {
				t.Errorf("signature %x, error %v", signature, err)
			}
			if faults, ok := fault.All(err); ok != test.passes || ok && (faults[0].RetryAfter == 0 || strings.Contains(faults[0].Message, "kms")) {
				t.Errorf("faults %+v", faults)
			}
			if strings.Contains(err.Error(), arn) {
				t.Errorf("error %q repeats what KMS said", err)
			}
			want := []string{"Sign"}
			if test.passes {
				want = []string{"Sign", "Sign", "Sign"}
			}
			if !slices.Equal(s.asked, want) {
				t.Errorf("asked for %v, want %v", s.asked, want)
			}
		})
	}
}

func TestFailuresThatPass(t *testing.T) {
	s := startService(t)
	signer := s.open()
	left := 2
	s.put(func(w http.ResponseWriter, _ *http.Request) {
		if left--; left == 0 {
			s.put(nil)
		}
		s.refuse(w, http.StatusBadRequest, "ThrottlingException")
	})
	digest := sha256.Sum256([]byte("x"))
	signature, err := signer.Sign(t.Context(), digest[:])
	if err != nil || !ecdsa.VerifyASN1(signer.Public(), digest[:], signature) {
		t.Errorf("signature %x, error %v", signature, err)
	}
}

// Who is given up asks no more.
func TestGivenUp(t *testing.T) {
	s := startService(t)
	signer := s.open()
	ctx, cancel := context.WithCancel(t.Context())
	s.asked = nil
	s.put(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := signer.Sign(ctx, make([]byte, 32)); !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if len(s.asked) != 1 {
		t.Errorf("asked for %v", s.asked)
	}
}
