package local

import (
	"cmp"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"charter/pkg/env"
	"charter/pkg/sam"
	"charter/pkg/token"
)

// Parameters are the values of template.yaml's parameters on a laptop.
func Parameters() map[string]string {
	return map[string]string{
		"TokenIssuer":  "https://charter.localhost",
		"SecretArn":    "arn:aws:secretsmanager:us-east-1:000000000000:secret:local",
		"MailFrom":     "no-reply@charter.localhost.example",
		"MailIdentity": "charter.localhost.example",
		"LinkBase":     "https://app.charter.localhost/welcome",
		"Table":        tableName,
		"AWS::Region":  region, "AWS::StackName": "charter", "AWS::AccountId": "000000000000", "AWS::Partition": "aws",
	}
}

const (
	tableName = "charter"
	region    = "us-east-1"
)

// secrets are what the cloud keeps in Secrets Manager: here files of the data
// folder, made on first use.
type secrets struct{ signingKey, verifyingKeys, idempotencyKey string }

func openSecrets(folder string) (secrets, error) {
	key, err := token.LoadOrMakeKey(folder)
	if err != nil {
		return secrets{}, err
	}
	private, err := os.ReadFile(filepath.Join(folder, token.KeyFile))
	if err != nil {
		return secrets{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return secrets{}, err
	}
	idempotency, err := loadOrMake(filepath.Join(folder, "idempotency-key"))
	return secrets{string(private), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})), idempotency}, err
}

// loadOrMake is the text of a file that holds 256 random bits in base64.
func loadOrMake(file string) (string, error) {
	text, err := os.ReadFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return string(text), err
	}
	draft, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(newIdempotencyKey())
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return "", err
	}
	if err := os.Link(draft.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return loadOrMake(file)
}

// Environment is where a function runs here: the variables that the template
// gives it and no others, and the stand-ins in place of AWS, which out leads to
// as far as the function's role allows.
func Environment(o Options, f sam.Function, out http.RoundTripper) (env.Env, error) {
	s, err := openSecrets(o.Data)
	if err != nil {
		return env.Env{}, err
	}
	variables := map[string]string{
		"AWS_REGION": region, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL_DYNAMODB": cmp.Or(o.TableURL, "http://"+dynamoHost), "AWS_ENDPOINT_URL_SES": "http://" + sesHost,
	}
	for name, value := range f.Environment {
		if strings.HasPrefix(value, "{{resolve:") {
			value = map[string]string{env.SigningKey: s.signingKey, env.VerifyingKeys: s.verifyingKeys, env.IdempotencyKey: s.idempotencyKey}[name]
		}
		variables[name] = value
	}
	return env.Env{Get: func(name string) string { return variables[name] }, HTTP: &http.Client{Transport: role{f, out, o.Needs}}, Now: o.Now, Lazy: true}, nil
}

// NewSecret is a new secret for the stack, as template.yaml wants it in Secrets
// Manager: the JSON of an object.
func NewSecret() ([]byte, error) {
	private, public, err := token.NewKeyPair()
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"SigningKey": string(private), "VerifyingKeys": string(public), "IdempotencyKey": newIdempotencyKey()})
}

func newIdempotencyKey() string {
	bits := make([]byte, 32)
	rand.Read(bits)
	return base64.StdEncoding.EncodeToString(bits)
}
