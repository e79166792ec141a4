// Package env is the only reader of environment variables; opens just what a main asks for.
package env

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"charter/pkg/table"
)

// The variables that template.yaml declares. Those of Lambda itself are read
// by their own names, beside these.
const (
	TableName            = "TABLE_NAME"
	IdempotencyKey       = "IDEMPOTENCY_KEY"        // base64, keys the prints of request bodies, and cursors
	TokenIssuer          = "TOKEN_ISSUER"           // "iss"
	TokenAudience        = "TOKEN_AUDIENCE"         // "aud" of the service
	EnrichmentAudience   = "ENRICHMENT_AUDIENCE"    // "aud" of delegated tokens
	SigningKey           = "SIGNING_KEY"            // signs tokens: a private key in PEM, or the ARN of a KMS key
	VerifyingKeys        = "VERIFYING_KEYS"         // PEM, the public keys that verify tokens
	TrustedIssuers       = "TRUSTED_ISSUERS"        // JSON, other issuers whose tokens are taken
	MailFrom             = "MAIL_FROM"              // the sender of letters
	MailConfigurationSet = "MAIL_CONFIGURATION_SET" // of SES, or ""
	LinkBase             = "LINK_BASE"              // where links in letters lead

	// Attempts a minute on public routes; see table.Limits.
	LimitPerAddress         = "LIMIT_PER_ADDRESS"
	LimitPerEmail           = "LIMIT_PER_EMAIL"
	LimitPerEmailAndAddress = "LIMIT_PER_EMAIL_AND_ADDRESS"
	LimitPerClient          = "LIMIT_PER_CLIENT"
)

// Env is where a function runs: its variables, and the way out of it.
type Env struct {
	Get  func(name string) string
	HTTP *http.Client // with a Transport of its own
	Now  func() time.Time
	Lazy bool // the first connection is made when it is needed, not ahead
}

// Lambda is the environment of this process.
var Lambda = Env{Get: os.Getenv, Now: time.Now, HTTP: newClient(os.Getenv("AWS_CA_BUNDLE"))}

// Must is the value of a variable that the function cannot do without.
func (e Env) Must(name string) string {
	value := e.Get(name)
	if value == "" {
		panic("env: " + name + " is not set")
	}
	return value
}

// number is the value of a variable that counts something.
func (e Env) number(name string) int64 {
	n, err := strconv.ParseInt(e.Must(name), 10, 64)
	if err != nil || n < 1 {
		panic("env: " + name + " is not a number of 1 or more")
	}
	return n
}

// Credentials are those that Lambda gives the function's role.
func (e Env) Credentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: e.Must("AWS_ACCESS_KEY_ID"), SecretAccessKey: e.Must("AWS_SECRET_ACCESS_KEY"),
			SessionToken: e.Get("AWS_SESSION_TOKEN")}, nil
	})
}

// Region is where the function runs.
func (e Env) Region() string { return e.Must("AWS_REGION") }

// open opens the table. The SDK's config package would bring a quarter more of code
// and find out at every start what is known here.
func (e Env) open() *table.Table {
	endpoint := e.endpoint()
	if !e.Lazy {
		e.connect(endpoint.URI.String())
	}
	return &table.Table{Name: e.Must(TableName), Now: e.now, Random: rand.Reader, Client: dynamodb.New(dynamodb.Options{
		Region: e.Region(), Credentials: e.Credentials(), HTTPClient: e.AWS(), Retryer: table.Retryer(), EndpointResolverV2: endpoint,
	})}
}

// endpoint is where DynamoDB is, found out once and not for each call again.
type endpoint struct{ smithyendpoints.Endpoint }

// ResolveEndpoint implements dynamodb.EndpointResolverV2.
func (e endpoint) ResolveEndpoint(context.Context, dynamodb.EndpointParameters) (smithyendpoints.Endpoint, error) {
	return e.Endpoint, nil
}

func (e Env) endpoint() endpoint {
	where := dynamodb.EndpointParameters{Region: aws.String(e.Region())}.WithDefaults()
	if given := e.Get("AWS_ENDPOINT_URL_DYNAMODB"); given != "" {
		where.Endpoint = &given
	}
	found, err := dynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), where)
	if err != nil {
		panic("env: no endpoint of DynamoDB: " + err.Error())
	}
	return endpoint{found}
}

func (e Env) now() time.Time { return e.Now().UTC() }

// writing opens the table with its secret: for changes, which may come with an
// Idempotency-Key, and for cursors.
func (e Env) writing() *table.Table {
	t := e.open()
	secret, err := base64.StdEncoding.DecodeString(e.Must(IdempotencyKey))
	if err != nil || len(secret) < 32 {
		panic("env: " + IdempotencyKey + " is not base64 of 32 bytes or more")
	}
	t.Secret = secret
	return t
}

// Organizations opens organizations and their people, for reading.
func (e Env) Organizations() table.Directory { return table.Directory{Table: e.open()} }

// OrganizationChanges opens organizations and their people, for changes.
func (e Env) OrganizationChanges() table.Directory { return table.Directory{Table: e.writing()} }

// Entrance opens organizations and their people for who comes without a token.
func (e Env) Entrance() table.Directory {
	t := e.open()
	t.Limits = table.Limits{PerAddress: e.number(LimitPerAddress), PerEmail: e.number(LimitPerEmail),
		PerEmailAndAddress: e.number(LimitPerEmailAndAddress), PerClient: e.number(LimitPerClient)}
	return table.Directory{Table: t}
}

// Foundations opens organizations for who makes one, without a token.
func (e Env) Foundations() table.Directory {
	t := e.writing()
	t.Limits = table.Limits{PerAddress: e.number(LimitPerAddress), PerEmail: e.number(LimitPerEmail)}
	return table.Directory{Table: t}
}

// Pricing opens price lists, for reading.
func (e Env) Pricing() table.Book { return table.Book{Table: e.open()} }

// PricingChanges opens price lists, for changes.
func (e Env) PricingChanges() table.Book { return table.Book{Table: e.writing()} }

// Customers opens customers and associations, for reading.
func (e Env) Customers() table.Register { return table.Register{Table: e.open()} }

// Associations opens associations, for lists with cursors.
func (e Env) Associations() table.Register {
	t := e.writing()
	t.Shelf = &table.Shelf{}
	return table.Register{Table: t}
}

// AssociationRolls opens the rolls that make those lists fast, to be kept up to date.
func (e Env) AssociationRolls() table.Roll {
	t := e.open()
	t.Shelf = &table.Shelf{}
	return table.Roll{Table: t}
}

// CustomerChanges opens customers and associations, for changes.
func (e Env) CustomerChanges() table.Register { return table.Register{Table: e.writing()} }

// Teams opens organizations as their members see them, for reading.
func (e Env) Teams() table.Team { return table.Team{Table: e.open()} }

// TeamChanges opens organizations as their members see them, for changes.
func (e Env) TeamChanges() table.Team { return table.Team{Table: e.writing()} }

// Letters opens the letters that wait to be sent.
func (e Env) Letters() table.Outbox { return table.Outbox{Table: e.open()} }

// Trail opens the audit trail, for reading and for seals.
func (e Env) Trail() table.Trail { return table.Trail{Table: e.open()} }

// Operator opens all of each organization, for who runs the service.
func (e Env) Operator() table.Operator { return table.Operator{Table: e.open()} }

// Auditor opens the whole table, for reading.
func (e Env) Auditor() table.Auditor { return table.Auditor{Table: e.open()} }
