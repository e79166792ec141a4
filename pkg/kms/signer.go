// Package kms signs through KMS, with a key that never leaves it.
//
// It calls two operations of KMS's JSON protocol itself, signed as the SDK signs:
// with the SDK's own client for all of KMS each function that signs is 0.5 MB
// larger (arm64), which its cold start pays for.
package kms

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"charter/pkg/fault"
)

// Signer is a token.Signer whose key is an ECDSA P-256 key of KMS
// (ECC_NIST_P256, SIGN_VERIFY). It is safe for concurrent use.
type Signer struct {
	Options
	region string
	public *ecdsa.PublicKey
}

// Options say which key, and how to reach it. All are needed but Endpoint.
type Options struct {
	Key         string // ARN
	Endpoint    string // "" for that of the key's region
	Credentials aws.CredentialsProvider
	HTTP        *http.Client
	Now         func() time.Time
}

var (
	errARN = errors.New("kms: not the ARN of a key: an alias could be moved to another")
	errKey = errors.New("kms: not an ECDSA key on P-256 that signs")

	unavailable = fault.Fault{Kind: fault.Unavailable, Code: "unavailable", RetryAfter: time.Second,
		Message: "The service is not available at the moment. Try again."}
)

// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN
var keyARN = regexp.MustCompile(`^arn:(aws[a-z-]*):kms:([a-z0-9-]+):\d{12}:key/[A-Za-z0-9-]+$`)

// Open asks KMS for the public half of a key.
func Open(ctx context.Context, o Options) (*Signer, error) {
	part := keyARN.FindStringSubmatch(o.Key)
	if part == nil {
		return nil, errARN
	}
	s := &Signer{Options: o, region: part[2]}
	if s.Endpoint == "" {
		s.Endpoint = "https://kms." + s.region + ".amazonaws.com"
		if part[1] == "aws-cn" {
			s.Endpoint += ".cn"
		}
	}
	var answer struct {
		KeySpec, KeyUsage string
		PublicKey         []byte
	}
	if err := s.call(ctx, "GetPublicKey", map[string]any{"KeyId": s.Key}, &answer); err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(answer.PublicKey)
	key, is := public.(*ecdsa.PublicKey)
	if err != nil || !is || key.Curve != elliptic.P256() || answer.KeySpec != "ECC_NIST_P256" || answer.KeyUsage != "SIGN_VERIFY" {
		return nil, errKey
	}
	s.public = key
	return s, nil
}

// Public is the public half.
func (s *Signer) Public() *ecdsa.PublicKey { return s.public }

// Sign signs a SHA-256 digest in KMS. A KMS that cannot be reached, or is too
// busy, is a fault.Unavailable.
func (s *Signer) Sign(ctx context.Context, digest []byte) (der []byte, err error) {
	var answer struct{ Signature []byte }
	err = s.call(ctx, "Sign", map[string]any{
		"KeyId": s.Key, "Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256",
	}, &answer)
	return answer.Signature, err
}

const (
	tries     = 3
	firstWait = 50 * time.Millisecond // doubles, with full jitter
	patience  = 2 * time.Second       // for one try
	maxAnswer = 64 << 10              // bytes
)

// call is one operation. It changes nothing, so it is tried again wherever that
// may help.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
func (s *Signer) call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		err := s.try(ctx, operation, body, out)
		if !errors.Is(err, fault.Unavailable) || try+1 == tries || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(firstWait << try)):
		}
	}
}

func (s *Signer) try(ctx context.Context, operation string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	credentials, err := s.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), "kms", s.region, s.Now()); err != nil {
		return err
	}
	answer, err := s.HTTP.Do(r)
	if err != nil {
		return unavailable.Because(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return unavailable.Because(err)
	case answer.StatusCode != http.StatusOK:
		return refusal(operation, answer.StatusCode, text)
	}
	return json.Unmarshal(text, out)
}

// refusal tells what passes from a mistake of ours. Of the answer it repeats the
// name of the error alone.
// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
func refusal(operation string, status int, text []byte) error {
	var answer struct {
		Type string `json:"__type"`
	}
	_ = json.Unmarshal(text, &answer) // without a name the status has to do
	name := answer.Type[strings.LastIndex(answer.Type, "#")+1:]
	err := fmt.Errorf("kms: %s answered %d %.64q", operation, status, name)
	switch {
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests,
		name == "ThrottlingException", name == "DependencyTimeoutException", name == "KMSInternalException":
		return unavailable.Because(err)
	}
	return err
}
