package local_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/caller"
	"charter/pkg/env"
	"charter/pkg/env/signing"
	"charter/pkg/local"
	"charter/pkg/local/breakage"
	"charter/pkg/local/calls"
	"charter/pkg/local/conversation"
	"charter/pkg/local/dynamo"
	"charter/pkg/local/mailbox"
	"charter/pkg/mail"
	"charter/pkg/sam"
)

// rolesFile says what the role of each function allows, but for what every
// function of its kind needs: its log, its trace, its stream, its dead letters.
const rolesFile = "testdata/roles.json"

// roles are the statements of each function, reads of the table apart from writes.
type roles map[string][]sam.Statement

// uses are what functions were seen to need.
type uses struct {
	mu  sync.Mutex
	all map[string]map[string]bool // by function and kind: actions, and patterns of keys
}

func (u *uses) add(function string, n sam.Need) {
	u.mu.Lock()
	defer u.mu.Unlock()
	kind := n.Resource + " write"
	if slices.Contains([]string{"dynamodb:BatchGetItem", "dynamodb:Query"}, n.Action) {
		kind = n.Resource + " read"
	}
	kind = function + " " + kind
	if u.all == nil {
		u.all = map[string]map[string]bool{}
	}
	if u.all[kind] == nil {
		u.all[kind] = map[string]bool{}
	}
	u.all[kind][n.Action] = true
	for _, k := range n.Keys {
		u.all[kind][patternOf(k)] = true
	}
}

// patternOf is that of a key's kind: a partition's first word, and the last where many
// of an organization have one of their own.
func patternOf(key string) string {
	parts := strings.Split(key, "\x01")
	if parts[0] == "ORG" && len(parts) == 3 {
		return parts[0] + "*" + parts[2]
	}
	return parts[0] + "*"
}

// unseen is what only happens at the same moment as something else, or with a
// lot of data, by function and kind. The tests of pkg/table come by it.
var unseen = map[string][]string{
	// A seal that was made while its organization was erased is taken back.
	"seal-audit Table.Arn write": {"dynamodb:BatchWriteItem"},
	// A roll has contents from a thousand associations on.
	"erase-unverified Table.Arn read": {"ROLL*"},
}

// roles are the least statements for what was seen. Whoever is signed in may
// come with an unverified account, and to a change with a key: no test has to
// see that of each function.
func (u *uses) roles(t *testing.T, template *sam.Template) roles {
	t.Helper()
	all := roles{}
	for _, kind := range slices.Sorted(maps.Keys(u.all)) {
		part := strings.Split(kind, " ") // function, resource, read or write
		f := template.Functions[slices.IndexFunc(template.Functions, func(f sam.Function) bool { return f.Name == part[0] })]
		var s sam.Statement
		for _, text := range slices.Concat(slices.Collect(maps.Keys(u.all[kind])), unseen[kind]) {
			if strings.Contains(text, ":") {
				s.Actions = append(s.Actions, text)
			} else {
				s.Keys = append(s.Keys, text)
			}
		}
		if part[1] != "" {
			s.Resources = []string{part[1]}
		}
		if strings.Contains(part[1], "/index/") {
			s.Keys = nil // of no use: an index has keys of its own
		}
		if s.Keys != nil && len(f.Routes) == 1 && !f.Routes[0].Public {
			s.Keys = append(s.Keys, "ORG*", "UNVERIFIED*")
			if part[2] == "write" {
				s.Keys = append(s.Keys, "HOLDS*")
			}
			if f.Environment[env.IdempotencyKey] != "" && part[2] == "write" || slices.Contains(s.Keys, "IDEMPOTENCY*") {
				s.Keys = append(s.Keys, "IDEMPOTENCY*")
			}
		}
		if slices.Contains(s.Keys, "ORG*") {
			s.Keys = slices.DeleteFunc(s.Keys, func(k string) bool { return k != "ORG*" && strings.HasPrefix(k, "ORG*") })
		}
		slices.Sort(s.Actions)
		slices.Sort(s.Keys)
		s.Actions, s.Keys = slices.Compact(s.Actions), slices.Compact(s.Keys)
		all[f.Name] = append(all[f.Name], s)
	}
	return all
}

// TestUses holds testdata/roles.json to what the functions ask of AWS, seen in
// every conversation, each change under a key, and in what no conversation
// comes by; -update writes it.
//
// What is tried anywhere in this package is tried with the roles of the
// template, so a role that lacks something fails there.
func TestUses(t *testing.T) {
	var used uses
	watched := func(o *local.Options) { o.Needs = used.add }
	t.Run("conversations", func(t *testing.T) {
		for _, file := range files(t) {
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				s := start(t, watched)
				conversation.Run(t, keyed(s), file, s.given)
			})
		}
	})
	t.Run("changes", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { useChanges(t, watched) }) })
	t.Run("calls", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { useCalls(t, used.add) }) })
	t.Run("mail", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { useMail(t, watched) }) })
	t.Run("many", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { useMany(t, watched) }) })
	t.Run("of old", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { useOfOld(t, watched) }) })
	t.Run("refusals", func(t *testing.T) { useRefusals(t, watched) })
	t.Run("issuers", func(t *testing.T) { useIssuers(t, watched) })
	t.Run("kms", func(t *testing.T) { useKMS(t, watched) })
	if t.Failed() {
		return
	}
	got, err := json.MarshalIndent(used.roles(t, deployed(t)), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(rolesFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(rolesFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s says something else than what functions use; -update makes it say\n%s", rolesFile, got)
	}
}

// keyed sends every change under a key of its own, unless it has one.
func keyed(s service) http.Handler {
	var n int
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Header["Idempotency-Key"] == nil {
			n++
			r.Header.Set("Idempotency-Key", fmt.Sprintf("change-%d", n))
		}
		s.ServeHTTP(w, r)
	})
}

func useChanges(t *testing.T, watched func(*local.Options)) {
	b := startBroken(t, watched)
	commerce, platform := b.writing(t)
	for n, e := range slices.Concat(commerce, platform) {
		if a := b.run(t, e, "owner", fmt.Sprintf("row-%d", n), nil); a.status >= http.StatusInternalServerError {
			t.Errorf("%s: %d %s", e.route, a.status, a.body)
		}
	}
}

func useCalls(t *testing.T, needs func(string, sam.Need)) {
	world, err := calls.Open("../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	world.Needs = needs
	if _, err := world.Walk(t.Context(), 0, true); err != nil {
		t.Fatal(err)
	}
}

// useMail has letters fail, and sent again by hand; has them bounce, and that
// forgotten; and somebody accept an invitation with the token of before they
// were verified.
func useMail(t *testing.T, watched func(*local.Options)) {
	m := startMailing(t, watched)
	m.way.Break(only("SendEmail", breakage.Refused(http.StatusBadRequest, "InvalidParameterValue")))
	ann := m.found(t, "ann")
	eventually(t, time.Hour, "the letter has failed", func() bool {
		status, _ := m.status(t, ann)
		return status == "failed"
	})
	m.way.Break(nil)
	time.Sleep(time.Minute)
	m.invoke(t, "redrive-letters", `{"Failed": true}`)

	bob := m.foundWith(t, "bob", "bounce+bob@simulator.amazonses.com")
	eventually(t, time.Hour, "the letter has failed", func() bool {
		status, _ := m.status(t, bob)
		return status == "failed"
	})
	m.invoke(t, "mark-addresses", `{"Forget": "bounce+bob@simulator.amazonses.com"}`)

	cat := m.found(t, "cat")
	m.verify(t, "cat@mail.example", "Password1234!")
	id := fmt.Sprint(organizationOf(t, m.send(t, request{"GET", "/api/organization", ""}, ann)))
	if a := m.send(t, request{"POST", "/v1/organizations/" + id + "/invites", `{"email": "cat@mail.example", "roleName": "member"}`}, ann,
		"X-Organization-Id", id); !a.ok() {
		t.Fatalf("invite: %d %s", a.status, a.body)
	}
	eventually(t, time.Hour, "the invitation came", func() bool { return m.arrived()["cat@mail.example"] == 2 })
	letters := m.Mail.Letters()
	n := slices.IndexFunc(letters, func(l mailbox.Letter) bool { return l.To[0] == "cat@mail.example" }) // the newest
	_, token, _ := strings.Cut(letters[n].Text, "token=")
	token, _, _ = strings.Cut(token, "\n")
	if a := m.send(t, request{"POST", "/v1/organizations/invites/accept", fmt.Sprintf(`{"token": %q}`, token)}, cat); a.status >= 500 {
		t.Fatalf("accept: %d %s", a.status, a.body)
	}
}

func organizationOf(t *testing.T, a answer) string {
	t.Helper()
	var is struct {
		Organization struct {
			OrganizationID string `json:"OrganizationId"`
		}
	}
	if err := json.Unmarshal([]byte(a.body), &is); err != nil || is.Organization.OrganizationID == "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return is.Organization.OrganizationID
}

// useMany makes so many associations that sheets of the roll are merged; and erases
// the organization, which nobody has verified, with an API client and a customer.
func useMany(t *testing.T, watched func(*local.Options)) {
	m := startMailing(t, watched)
	ann := m.found(t, "ann")
	id := organizationOf(t, m.send(t, request{"GET", "/api/organization", ""}, ann))
	send := func(method, path, body string) answer {
		t.Helper()
		a := m.send(t, request{method, path, body}, ann)
		if !a.ok() {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
		return a
	}
	send("POST", "/api/organizations/api-access", `{"Name": "ERP"}`)
	send("POST", "/api/organizations/price-tiers", `{"Name": "Retail", "CurrencyCode": "EUR"}`)
	send("PUT", "/api/customers", `{"customerNumber": "C-1", "companyName": "Globex", "pricing": "Retail"}`)
	user := m.welcomes(t, ann)[0].UserID
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	put := func(i map[string]types.AttributeValue) {
		t.Helper()
		if _, err := m.table.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.Template.Table.Name, Item: i}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 1200 { // so many that sheets are merged; most of them have to be nothing but log
		if n < 200 {
			send("POST", "/api/organizations/users/associate-customer", fmt.Sprintf(`{"UserId": %q, "CustomerNumber": "C-%d"}`, user, n))
		} else {
			link := fmt.Sprintf("%s\x01C-%d", user, n)
			quarter := fnv.New32a()
			io.WriteString(quarter, link)
			put(map[string]types.AttributeValue{"PK": text("ORG\x01" + id + "\x01LOG"), "SK": text(fmt.Sprintf("%d\x01%s", quarter.Sum32()%4, link)),
				"Link": &types.AttributeValueMemberB{Value: make([]byte, 17)}})
		}
		if n == 99 || n == 199 || n == 1199 {
			m.invoke(t, "index-associations", fmt.Sprintf(
				`{"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": {"PK": {"S": "ORG\u0001%s\u0001LOG"}}}}]}`, id))
		}
	}
	time.Sleep(31 * 24 * time.Hour)
	m.invoke(t, "erase-unverified", fmt.Sprintf(`{"Records": [{"eventName": "REMOVE", "userIdentity": {"type": "Service",
		"principalId": "dynamodb.amazonaws.com"}, "dynamodb": {"SequenceNumber": "1", "OldImage": {"OrganizationId": {"S": %q}}}}]}`, id))
	// An entry as one that seals has read it before all that was gone.
	put(map[string]types.AttributeValue{"PK": text("ORG\x01" + id + "\x01AUDIT"), "SK": text("01jz0000000000000000000000")})
	m.invoke(t, "seal-audit", fmt.Sprintf(
		`{"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": {"OrganizationId": {"S": %q}}}}]}`, id))
}

// useOfOld lists an organization with so many associations from before it had a
// roll that the list is read from that.
//
// Tried with the control that it must catch: a role of list-associations without
// the sheets of rolls, which failed lists of over 10,000.
func useOfOld(t *testing.T, watched func(*local.Options)) {
	m := startMailing(t, watched)
	ann := m.found(t, "ann")
	id := organizationOf(t, m.send(t, request{"GET", "/api/organization", ""}, ann))
	user := m.welcomes(t, ann)[0].UserID
	inherit(t, m.Table, id, user, 10_000)
	for n := range 200 {
		m.send(t, request{"POST", "/api/organizations/users/associate-customer", fmt.Sprintf(`{"UserId": %q, "CustomerNumber": "C-%d"}`, user, n)}, ann)
		if n%100 == 99 {
			m.invoke(t, "index-associations", fmt.Sprintf(
				`{"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": {"PK": {"S": "ORG\u0001%s\u0001LOG"}}}}]}`, id))
		}
	}
	a := m.send(t, request{"GET", "/api/organizations/users/associations?pageNumber=200&" +
		"filters[0].field=CustomerNumber&filters[0].operator=contains&filters[0].value=C-", ""}, ann)
	if !strings.Contains(a.body, `"TotalRecords":10200`) {
		t.Errorf("the list says %.300s", a.body)
	}
}

// inherit writes associations straight into the table, as they lie in an
// organization that has had them since before it had a roll.
func inherit(t *testing.T, engine *dynamo.Engine, organization, user string, rows int) {
	t.Helper()
	for n := 0; n < rows; n += 25 {
		var puts []string
		for m := n; m < n+25; m++ {
			puts = append(puts, fmt.Sprintf(`{"PutRequest": {"Item": {"PK": {"S": "ORG\u0001%s\u0001ASSOCIATIONS"}, "SK": {"S": "%s\u0001C-old-%d"},
				"AssociationId": {"S": "01hq3m5z8k%016d"}, "CreatedAt": {"S": "2024-02-20T12:00:00.000Z"}}}}`, organization, user, m, m))
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"RequestItems": {"charter": [`+strings.Join(puts, ",")+`]}}`))
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.BatchWriteItem")
		answer := httptest.NewRecorder()
		if engine.ServeHTTP(answer, r); answer.Code != http.StatusOK {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
	}
}

// useRefusals sends each good request as those who may not.
func useRefusals(t *testing.T, watched func(*local.Options)) {
	s := start(t, watched)
	o := s.organization(t, "Ant")
	for _, e := range endpoints {
		for _, token := range []string{"member", "demoted", "ended", "nowhere"} {
			s.send(t, e.good(o), o[token], "X-Organization-Id", o["org"])
		}
	}
}

func useIssuers(t *testing.T, watched func(*local.Options)) {
	a := startAbroad(t, watched)
	for range 2 { // linked, and known
		if status, body := a.send("GET", "/api/organization", a.token(nil), ""); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
}

const kmsKey = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// deployed is the template with all that parameters can add to roles.
func deployed(t *testing.T) *sam.Template {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	parameters := local.Parameters()
	parameters["SigningKmsKeyArn"], parameters["TrustedIssuers"] = kmsKey, `[{}]`
	template, err := sam.Read(text, parameters)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// useKMS signs with a key of KMS.
func useKMS(t *testing.T, watched func(*local.Options)) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"login", "access"} {
		o := local.Options{Data: t.TempDir(), Now: time.Now}
		watched(&o)
		template := deployed(t)
		f := template.Functions[slices.IndexFunc(template.Functions, func(f sam.Function) bool { return f.Name == name })]
		e, err := local.Environment(o, f, roundTripper(func(r *http.Request) (*http.Response, error) { return answerKMS(key, r) }))
		if err != nil {
			t.Fatal(err)
		}
		public, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		get := e.Get
		e.Get = func(name string) string {
			if name == env.VerifyingKeys {
				return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
			}
			return get(name)
		}
		claims := caller.Claims{Caller: caller.Caller{UserID: "kp_01jz0000000000000000000000", Email: "nobody@nowhere.example"}}
		if _, err := signing.Issuer(e).Issue(t.Context(), claims, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

func answerKMS(key *ecdsa.PrivateKey, r *http.Request) (*http.Response, error) {
	var in struct{ Message []byte }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	out := map[string]any{"KeyId": kmsKey, "SigningAlgorithm": "ECDSA_SHA_256"}
	var err error
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "GetPublicKey") {
		out["KeySpec"], out["KeyUsage"], out["SigningAlgorithms"] = "ECC_NIST_P256", "SIGN_VERIFY", []string{"ECDSA_SHA_256"}
		out["PublicKey"], err = x509.MarshalPKIXPublicKey(key.Public())
	} else {
		out["Signature"], err = ecdsa.SignASN1(rand.Reader, key, in.Message)
	}
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(out)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, err
}

// What the role of a function does not allow never reaches AWS: neither another
// action nor a key of another kind, in part or whole.
func TestRoleIsAsked(t *testing.T) {
	reached := 0
	out := roundTripper(func(r *http.Request) (*http.Response, error) {
		reached++
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
	})
	deleting := sam.Statement{Actions: []string{"dynamodb:DeleteItem"}, Resources: []string{"Table.Arn"}}
	of := func(keys ...string) sam.Statement {
		s := deleting
		s.Keys = keys
		return s
	}
	to, err := mail.ParseAddress("ann@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		role   []sam.Statement
		passes bool
	}{
		{nil, false},
		{[]sam.Statement{deleting}, true},
		{[]sam.Statement{of("LETTER*"), of("MARK*")}, true},
		{[]sam.Statement{of("LETTER*")}, false},
		{[]sam.Statement{{Actions: []string{"dynamodb:PutItem"}, Resources: []string{"Table.Arn"}}}, false},
		{[]sam.Statement{{Actions: deleting.Actions, Resources: []string{"Table.Arn/index/byDue"}}}, false},
	} {
		reached = 0
		f := sam.Function{Name: "mark-addresses", Environment: map[string]string{env.TableName: "charter"}, Role: c.role}
		e, err := local.Environment(local.Options{Data: t.TempDir(), Now: time.Now}, f, out)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Letters().Forget(t.Context(), to); (err == nil) != c.passes || (reached > 0) != c.passes {
			t.Errorf("%+v: %v, reached %d times", c.role, err, reached)
		}
	}
}

// TestRoles holds the roles of the template to testdata/roles.json, and to what
// every function of a kind needs besides: to the last action, resource and
// pattern of keys.
//
// Tried with the controls that it must catch: one action more, one less, a
// wildcard, a pattern of keys more, and the stream of the table in an API
// function's role.
func TestRoles(t *testing.T) {
	text, err := os.ReadFile(rolesFile)
	if err != nil {
		t.Fatal(err)
	}
	var want roles
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	template := deployed(t)
	for _, f := range template.Functions {
		due := map[string]bool{}
		for _, s := range want[f.Name] {
			switch {
			case strings.HasPrefix(s.Actions[0], "ses:"):
				s.From = local.Parameters()["MailFrom"]
				s.Resources = []string{"arn:aws:ses:us-east-1:000000000000:configuration-set/MailConfigurationSet",
					"arn:aws:ses:us-east-1:000000000000:identity/" + local.Parameters()["MailIdentity"]}
			case strings.HasPrefix(s.Actions[0], "kms:"):
				s.Resources = []string{kmsKey}
			}
			due[inOneOrder(s)] = true
		}
		for _, s := range f.Streams { // such a function has a role of its own
			due[inOneOrder(sam.Statement{Resources: []string{"Table.StreamArn"},
				Actions: []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}})] = true
			if s.DeadLetters != "" {
				due[inOneOrder(sam.Statement{Resources: []string{s.DeadLetters + ".Arn"}, Actions: []string{"sqs:SendMessage"}})] = true
			}
			due[inOneOrder(sam.Statement{Resources: []string{logsOf(f) + ".Arn"}, Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}})] = true
			// X-Ray knows no resources.
			due[inOneOrder(sam.Statement{Resources: []string{"*"}, Actions: []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}})] = true
		}
		for _, s := range f.Role {
			if !due[inOneOrder(s)] {
				t.Errorf("the role of %s may, and need not: %s", f.Name, inOneOrder(s))
			}
			delete(due, inOneOrder(s))
		}
		for s := range due {
			t.Errorf("the role of %s lacks: %s", f.Name, s)
		}
	}
}

// logsOf is the logical id of a function's log group.
func logsOf(f sam.Function) string {
	var id strings.Builder
	for word := range strings.SplitSeq(f.Name, "-") {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String() + "Logs"
}

// inOneOrder is a statement in one order.
func inOneOrder(s sam.Statement) string {
	for _, list := range [][]string{s.Actions, s.Resources, s.Keys} {
		slices.Sort(list)
	}
	text, _ := json.Marshal(s)
	return string(text)
}
