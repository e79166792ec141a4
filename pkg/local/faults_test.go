package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/caller"
	"charter/pkg/env/signing"
	"charter/pkg/letters"
	"charter/pkg/local"
	"charter/pkg/local/breakage"
	"charter/pkg/local/dynamo"
	"charter/pkg/local/mailbox"
	"charter/pkg/mail"
)

// broken is a service whose way to the table can be broken. Its table has no
// stream, so that nothing but requests changes it: a letter that was ordered
// stays where it can be counted.
type broken struct {
	service
	way    *breakage.Way
	engine *dynamo.Engine
	table  *dynamodb.Client // straight to the engine
	known  map[string]string
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// startBroken starts one. It belongs into a bubble of fake time, where waiting
// costs nothing.
func startBroken(t *testing.T, change ...func(*local.Options)) broken {
	t.Helper()
	engine, err := dynamo.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	b := broken{engine: engine, way: &breakage.Way{}}
	b.service = start(t, append(change, func(o *local.Options) {
		o.TableURL, o.Now = "http://table.localhost", time.Now
		o.Between = func(others http.RoundTripper) http.RoundTripper {
			b.way.Next = roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "table.localhost" {
					return engine.Transport().RoundTrip(r)
				}
				return others.RoundTrip(r)
			})
			return b.way
		}
	})...)
	if err := local.CreateTable(engine, b.Template.Table); err != nil {
		t.Fatal(err)
	}
	b.table = dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://table.localhost"),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: &http.Client{Transport: engine.Transport()}})
	b.service.mail = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { b.showLetters(t, w) })
	b.known = b.people(t)
	return b
}

// showLetters shows the letters that were ordered as the mailbox would, once
// they were sent.
func (b broken) showLetters(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	renderer, err := letters.New("https://app.example/welcome")
	if err != nil {
		t.Fatal(err)
	}
	list := []mailbox.Letter{}
	for _, i := range b.items(t) {
		if text(i, "SK") != "LETTER" {
			continue
		}
		to, err := mail.ParseAddress(text(i, "To"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := renderer.Render(mail.Letter{Kind: mail.Kind(text(i, "Kind")), To: to, Name: text(i, "Name"),
			Organization: text(i, "Organization"), Token: text(i, "Token")})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, mailbox.Letter{To: []string{to.String()}, Subject: m.Subject, Text: m.Text})
	}
	if err := json.NewEncoder(w).Encode(list); err != nil {
		t.Error(err)
	}
}

// people makes the organization of testdata/organization.txt, and what the
// changes below need: Zoe, who is invited, Gus, who is as well and has no account,
// and Rex, who is no member.
func (b broken) people(t *testing.T) map[string]string {
	t.Helper()
	made := make(chan struct{})
	var posting sync.WaitGroup
	posting.Go(func() { // in place of the stream, until the organization stands: some of its letters have to come
		for {
			select {
			case <-made:
				return
			case <-time.After(time.Second):
				event, _ := b.ordered(t)
				b.deliver(t, event)
			}
		}
	})
	o := b.organization(t, "Ant")
	close(made)
	posting.Wait()
	must := func(method, path, body string) {
		t.Helper()
		if a := b.send(t, request{method, path, fill(body, o)}, o["token"], "X-Organization-Id", o["org"]); !a.ok() {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
	}
	for _, name := range []string{"zoe", "rex"} {
		must("POST", "/api/organizations", `{"Organization": {"Name": "`+name+`s own"}, "User": {"FirstName": "`+name+
			`", "LastName": "Doe", "Email": "`+name+`@ant.example", "Password": "Password of <name>"}}`)
	}
	must("POST", "/v1/organizations/iam/roles", `{"name": "Recruiter", "policies": ["org:organization:read", "org:member:read", "org:member:invite"]}`)
	must("POST", "/v1/organizations/"+o["org"]+"/invites", `{"email": "zoe@ant.example", "roleName": "member"}`)
	must("POST", "/v1/organizations/"+o["org"]+"/invites", `{"email": "gus@ant.example", "roleName": "member"}`)
	for _, i := range b.items(t) {
		switch {
		case text(i, "Kind") == "invitation" && text(i, "To") == "zoe@ant.example":
			o["invitation"] = text(i, "Token")
		case text(i, "InvitationId") != "" && text(i, "Email") == "gus@ant.example":
			o["gus"] = text(i, "InvitationId")
		case text(i, "SK") == "ORG" && text(i, "Name") == "rexs own":
			o["rexOrg"], o["rexCode"] = text(i, "OrganizationId"), text(i, "Code")
		case text(i, "SK") == "USER" && o[text(i, "FirstName")] == "":
			o[text(i, "FirstName")] = text(i, "UserId")
		}
	}
	return o
}

// ordered is what the stream would say of the letters that wait, and their number.
func (b broken) ordered(t *testing.T) (event []byte, letters int) {
	t.Helper()
	var records []string
	for n, i := range b.items(t) {
		if text(i, "SK") == "LETTER" {
			records = append(records, fmt.Sprintf(`{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "%d", "NewImage": {"LetterId": {"S": %q}}}}`,
				n, text(i, "LetterId")))
		}
	}
	return []byte(`{"Records": [` + strings.Join(records, ",") + `]}`), len(records)
}

// deliver hands an event of the stream to the function that sends letters.
func (b broken) deliver(t *testing.T, event []byte) {
	t.Helper()
	f := b.function("mail-letters")
	e, err := local.Environment(b.options, f, b.way)
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := local.Functions[f.Name](e).Invoke(t.Context(), event); err != nil {
		t.Error(err)
	}
}

// changes are requests for what the endpoints of a team change, as those of
// endpoints are for the commerce dialect; before them are ways through the
// commerce dialect that its good requests do not take. Each finds what those before
// it have left. All are good, but where repeat is "kept": then it is the refusal
// that is kept under the key.
var changes = []endpoint{
	{route: "POST /api/organizations", body: `{"Organization": {"Name": "Fourth"}, "User": {"FirstName": "Una", "LastName": "New",
		"Email": "una@ant.example", "Password": "Password of <name>"}}`, repeat: "replayed"},
	{route: "POST /api/organizations/users/associate-customer", body: `{"UserId": "<rex>", "CustomerNumber": "R-1"}`, repeat: "replayed"},
	{route: "POST /api/organizations/users/associate-customer", body: `{"UserId": "<rex>", "CustomerNumber": "R-1"}`, repeat: "replayed"},
	{route: "POST /api/organizations/users/admins", body: `{"Email": "una@ant.example"}`, repeat: "replayed"},
	{route: "POST /api/organizations/users/admins", body: `{"Email": "una@ant.example"}`, repeat: "replayed"},
	{route: "DELETE /api/organizations/price-tiers", body: `{"Name": "No tier of <name>"}`, repeat: "kept"},
	{route: "POST /api/organizations/price-tiers", body: `{"Name": "Tier of <name>", "CurrencyCode": "EUR"}`, repeat: "kept"},
	{route: "POST /v1/organizations", body: `{"name": "Third", "slug": "third", "city": "Nairobi"}`, repeat: "replayed"},
	{route: "PATCH /v1/organizations/{id}", path: "/v1/organizations/<org>", body: `{"name": "Ants", "city": "Mombasa"}`, repeat: "replayed"},
	{route: "POST /v1/organizations/{id}/invites", path: "/v1/organizations/<org>/invites",
		body: `{"email": "new@ant.example", "roleName": "Recruiter"}`, repeat: "replayed"},
	{route: "DELETE /v1/organizations/{id}/invites/{inviteId}", path: "/v1/organizations/<org>/invites/<gus>", repeat: "replayed"},
	{route: "POST /v1/organizations/invites/accept", body: `{"token": "<invitation>"}`, who: "zoe", repeat: "replayed"},
	{route: "POST /v1/organizations/iam/roles", body: `{"name": "Clerk", "policies": ["org:organization:read"]}`, repeat: "replayed"},
	{route: "PUT /v1/organizations/iam/roles/{name}", path: "/v1/organizations/iam/roles/Clerk",
		body: `{"description": "Files.", "policies": ["org:member:read"]}`, repeat: "replayed"},
	{route: "PATCH /v1/organizations/{id}/members/{userId}", path: "/v1/organizations/<org>/members/<max>",
		body: `{"roleName": "Recruiter"}`, repeat: "replayed"},
	{route: "POST /v1/organizations/{id}/invites", path: "/v1/organizations/<org>/invites", who: "max",
		body: `{"email": "newer@ant.example", "roleName": "Recruiter"}`, repeat: "replayed"},
	{route: "POST /v1/organizations/{id}/invites", path: "/v1/organizations/<org>/invites",
		body: `{"email": "max@ant.example", "roleName": "member"}`, repeat: "kept"},
	{route: "DELETE /v1/organizations/{id}/members/{userId}", path: "/v1/organizations/<org>/members/<max>", repeat: "replayed"},
	{route: "DELETE /v1/organizations/iam/roles/{name}", path: "/v1/organizations/iam/roles/Clerk", repeat: "replayed"},
}

// writing are the rows of every endpoint of the template that changes
// something: those that take an Idempotency-Key.
func (b broken) writing(t *testing.T) (commerce, platform []endpoint) {
	t.Helper()
	var routes []string
	for _, e := range endpoints {
		if b.serves(e) && strings.Contains(e.route, " /api/") && (e.repeat == "replayed" || e.repeat == "refused") {
			commerce = append(commerce, e)
		}
		if b.serves(e) && (e.repeat == "anew" || e.repeat == "spent") {
			routes = append(routes, e.route) // tokens; the table keeps no answers for their keys
		}
	}
	for _, e := range slices.Concat(commerce, changes) {
		routes = append(routes, e.route)
	}
	for _, route := range b.routes() {
		if !strings.HasPrefix(route, "GET ") && !slices.Contains(routes, route) {
			t.Errorf("%s has no good request to break", route)
		}
	}
	return commerce, changes
}

// items is the whole table.
func (b broken) items(t *testing.T) []map[string]types.AttributeValue {
	t.Helper()
	var items []map[string]types.AttributeValue
	pages := dynamodb.NewScanPaginator(b.table, &dynamodb.ScanInput{TableName: &b.Template.Table.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page.Items...)
	}
	return items
}

func text(i map[string]types.AttributeValue, name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// image is the whole table.
func (b broken) image(t *testing.T) dynamo.Image {
	t.Helper()
	i, err := b.engine.Image(b.Template.Table.Name)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// restore makes the table what it was.
func (b broken) restore(t *testing.T, was dynamo.Image) {
	t.Helper()
	if err := b.engine.Restore(t.Context(), was); err != nil {
		t.Fatal(err)
	}
}

// What differs from one run to another.
var (
	anyRandom = regexp.MustCompile(`"(PasswordHash|SecretHash|Token|TokenHash|ExpiresAt|Link)":\{[^}]*\}`)
	anyLink   = regexp.MustCompile(`VERIFY\\u0001[a-z2-7]+`)
	anyID     = regexp.MustCompile(`[0-9a-hjkmnp-tv-z]{26}\b|org_[0-9a-f]{11}\b`)
	anyTime   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)
	anySecret = regexp.MustCompile(`"ClientSecret":"[^"]*"`)
)

func masked(s string) string {
	s = anyLink.ReplaceAllString(anyRandom.ReplaceAllString(s, "$1 <random>"), "VERIFY<random>")
	return anySecret.ReplaceAllString(anyTime.ReplaceAllString(anyID.ReplaceAllString(s, "<id>"), "<time>"), "<secret>")
}

// since is what has changed from was to is, with ids and times masked, so that
// two runs of one request can be compared. Attempts are counted whatever comes
// of them: that is no change.
func since(was, is dynamo.Image) string {
	var lines []string
	for before, after := range is.Since(was) {
		if before.Text("SK") != "RATE" && after.Text("SK") != "RATE" {
			lines = append(lines, masked(written(before))+" -> "+masked(written(after)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// written is an item as JSON, "nothing" for none.
func written(i dynamo.Item) string {
	if i == nil {
		return "nothing"
	}
	text, err := i.MarshalJSON()
	if err != nil {
		panic(err) // items have JSON
	}
	return string(text)
}

// run is how one request went.
type run struct {
	answer
	calls []breakage.Call
	after dynamo.Image
	done  string // what it has changed
	took  time.Duration
}

// send sends the row's good request as who may, with a key or without one.
func (b broken) run(t *testing.T, e endpoint, who, key string, decide func(breakage.Call) breakage.Fault) run {
	t.Helper()
	w := httptest.NewRecorder()
	headers := []string{"X-Organization-Id", b.known["org"]}
	if key != "" {
		headers = append(headers, "Idempotency-Key", key)
	}
	if e.who == "zoe" || e.who == "max" {
		who = e.who
	}
	q, before := e.good(b.known).http(b.token(t, who), headers...), b.image(t)
	b.way.Break(decide)
	began := time.Now()
	b.ServeHTTP(w, q)
	took := time.Since(began)
	calls := b.way.Calls()
	b.way.Break(nil)
	after := b.image(t)
	return run{answer{w.Code, w.Header(), w.Body.String()}, calls, after, since(before, after), took}
}

// token is a fresh one: fake time flies.
func (b broken) token(t *testing.T, who string) string {
	t.Helper()
	claims := caller.Claims{Caller: caller.Caller{Verified: true, OrganizationID: b.known["org"], OrgCode: b.known["code"], Admin: true}}
	switch who {
	case "owner":
		claims.UserID, claims.Email = b.known["olga"], "olga@Ant.example"
	case "zoe", "max":
		claims.UserID, claims.Email, claims.Admin = b.known[who], who+"@ant.example", false
	case "API client":
		claims.ClientID = b.known["client"]
	case "other": // an admin of another organization
		claims.UserID, claims.Email, claims.OrganizationID, claims.OrgCode = b.known["rex"], "rex@ant.example", b.known["rexOrg"], b.known["rexCode"]
	}
	token, err := signing.Issuer(b.env(t, "login")).Issue(t.Context(), claims, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (b broken) timeout(route string) time.Duration {
	for _, f := range b.Template.Functions {
		for _, r := range f.Routes {
			if r.String() == route {
				return f.Timeout
			}
		}
	}
	return 0
}

var internal = breakage.Refused(http.StatusInternalServerError, "InternalServerError")

// Each of these passes with one call, and nobody may take notice.
var passing = map[string]breakage.Fault{
	"reset":          breakage.Reset,
	"late reset":     breakage.Late(breakage.Reset),
	"internal":       internal,
	"late internal":  breakage.Late(internal),
	"throttled":      breakage.Refused(http.StatusBadRequest, "ProvisionedThroughputExceededException"),
	"request limit":  breakage.Refused(http.StatusBadRequest, "RequestLimitExceeded"),
	"half a second":  breakage.Delayed(500*time.Millisecond, nil),
	"and then reset": breakage.Delayed(500*time.Millisecond, breakage.Late(breakage.Reset)),
}

// These stay until they are mended, longer than any request waits.
var lasting = map[string]breakage.Fault{
	"reset":         breakage.Reset,
	"late reset":    breakage.Late(breakage.Reset),
	"internal":      internal,
	"late internal": breakage.Late(internal),
	"throttled":     breakage.Refused(http.StatusBadRequest, "ThrottlingException"),
	"silence":       breakage.Silence,
	"late silence":  breakage.Late(breakage.Silence),
}

// Every endpoint that changes something is broken at each of its calls to the
// table, before and after the table has done what the call asks for, once and
// until it is mended. Its change is done or it is not, whole; success means that it
// is done; what passes is not noticed; what lasts is a 503 in good time. Sent
// again under its key, the request gets the first answer, and all is as if it had
// been sent once: one organization, one association, one letter ordered.
//
// Tried with the controls that it must catch: a transaction that got a new
// ClientRequestToken with each try answered name_taken to its own organization;
// an account put in a call of its own before the transaction stayed behind; a
// request whose deadline was the function's own was cut off by the gateway with
// 504.
func TestBrokenCalls(t *testing.T) {
	t.Run("commerce", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := startBroken(t)
			rows, _ := b.writing(t)
			b.breakAll(t, rows, "owner")
		})
	})
	t.Run("commerce, by an API client", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := startBroken(t)
			rows, _ := b.writing(t)
			b.breakAll(t, rows[1:], "API client") // nobody creates an organization as somebody
		})
	})
	t.Run("platform", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := startBroken(t)
			_, rows := b.writing(t)
			b.breakAll(t, rows, "owner")
		})
	})
}

func (b broken) breakAll(t *testing.T, rows []endpoint, who string) {
	t.Helper()
	cases := 0
	for _, e := range rows {
		before := b.image(t)
		for _, key := range []string{"", "one-key"} {
			clean := b.run(t, e, who, key, nil)
			if clean.ok() == (e.repeat == "kept") || clean.status >= http.StatusInternalServerError {
				t.Fatalf("%s as %s: %d %s", e.route, who, clean.status, clean.body)
			}
			b.restore(t, before)
			for n, c := range clean.calls {
				for name, f := range passing {
					cases++
					what := fmt.Sprintf("%s as %s, key %q, call %d (%s) %s once", e.route, who, key, n+1, c.Operation, name)
					got := b.run(t, e, who, key, breakage.Once(c, f))
					if got.status != clean.status || masked(got.body) != masked(clean.body) || got.header.Get("Idempotent-Replayed") != "" {
						t.Errorf("%s: %d %s, want %d %s", what, got.status, got.body, clean.status, clean.body)
					}
					if got.done != clean.done {
						t.Errorf("%s:\n%s\nwant\n%s", what, got.done, clean.done)
					}
					b.restore(t, before)
				}
				cases++
				what := fmt.Sprintf("%s as %s, key %q, call %d (%s) panics", e.route, who, key, n+1, c.Operation)
				got := b.run(t, e, who, key, breakage.Once(c, breakage.Panic("broken")))
				if got.status != http.StatusInternalServerError || !speaks(e, got.answer) {
					t.Errorf("%s: %d %s", what, got.status, got.body)
				}
				b.again(t, what, e, who, key, before, clean, got)
				b.restore(t, before)
				for name, f := range lasting {
					cases++
					what := fmt.Sprintf("%s as %s, key %q, call %d (%s) %s lasting", e.route, who, key, n+1, c.Operation, name)
					got := b.run(t, e, who, key, breakage.From(c, f))
					b.judge(t, what, e, clean, got)
					b.again(t, what, e, who, key, before, clean, got)
					b.restore(t, before)
				}
			}
		}
		// The next row finds what this one does.
		b.run(t, e, who, "", nil)
	}
	t.Logf("%d requests broken", cases)
}

// judge holds a request that something lasting broke to what may come of it.
func (b broken) judge(t *testing.T, what string, e endpoint, clean, got run) {
	t.Helper()
	switch {
	case got.status == clean.status: // what broke was not needed; a refusal may have been answered and not kept
		if masked(got.body) != masked(clean.body) || got.done != clean.done && (got.ok() || got.done != "") {
			t.Errorf("%s: %d %s, and yet\n%s\nwant\n%s", what, got.status, got.body, got.done, clean.done)
		}
	case got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !speaks(e, got.answer):
		t.Errorf("%s: %d %v %s", what, got.status, got.header, got.body)
	case got.done != "" && got.done != clean.done:
		t.Errorf("%s: left by halves\n%s\nwant nothing or\n%s", what, got.done, clean.done)
	}
	if limit := b.timeout(e.route); got.took >= limit {
		t.Errorf("%s: answered after %v, the function has %v", what, got.took, limit)
	}
}

// speaks reports whether an error is in the words of the endpoint's dialect.
func speaks(e endpoint, a answer) bool {
	if strings.Contains(e.route, " /v1/") {
		return strings.Contains(a.body, `"success":false`) && strings.HasPrefix(a.header.Get("Content-Type"), "application/json")
	}
	return strings.Contains(a.body, `"code"`) && strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json")
}

// again sends the request once more, now that all is mended: what was not
// done is done now, and what was done stands under its key.
func (b broken) again(t *testing.T, what string, e endpoint, who, key string, before dynamo.Image, clean, first run) {
	t.Helper()
	done := first.done != ""
	if done && key == "" {
		return
	}
	got := b.run(t, e, who, key, nil)
	replayed := got.header.Get("Idempotent-Replayed") == "true"
	switch {
	case done && e.repeat == "refused":
		if got.status != http.StatusConflict {
			t.Errorf("%s, and again: %d %s", what, got.status, got.body)
		}
	case got.status != clean.status || masked(got.body) != masked(clean.body) || replayed != done:
		t.Errorf("%s, and again: %d %s, replayed %v, done before %v; want %d %s",
			what, got.status, got.body, replayed, done, clean.status, clean.body)
	}
	if after := since(before, got.after); after != clean.done {
		t.Errorf("%s, and again:\n%s\nwant\n%s", what, after, clean.done)
	}
	if done && got.done != "" {
		t.Errorf("%s, and again: changed\n%s", what, got.done)
	}
	if e.repeat == "refused" {
		return
	}
	for _, id := range anyID.FindAllString(got.body, -1) {
		if !holds(got.after, id) {
			t.Errorf("%s, and again: answered %s, which is not in the table", what, id)
		}
	}
}

// holds reports whether a text stands anywhere in the table.
func holds(i dynamo.Image, what string) bool {
	for item := range i.All() {
		if strings.Contains(written(item), what) {
			return true
		}
	}
	return false
}
