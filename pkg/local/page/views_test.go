package page_test

import (
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/local/mailbox"
	"charter/pkg/local/page"
	"charter/pkg/table"
)

func base64URL(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// letter waits for the first letter, which is sent from the table's stream.
func (l *laptop) letter() mailbox.Letter {
	l.Helper()
	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
		if letters := l.Mail.Letters(); len(letters) > 0 {
			tick.Stop()
			return letters[0]
		}
		if l.Context().Err() != nil {
			l.Fatal("no letter was sent")
		}
	}
}

// Tried with the control that it must catch: a letter that had the policy of the
// pages, which would let its scripts be those of this page.
func TestMail(t *testing.T) {
	l := start(t)
	letter := l.letter()
	text := l.view("/_local/mail")
	has(t, text, "Mail", "0 dead letters", `href="/_local/mail/1" aria-current="true"`, html.EscapeString("Welcome to Acme "),
		"john@acme.example",
		`<iframe src="/_local/mail/1/html" sandbox title="The letter Welcome to Acme &lt;script&gt;`, "As text", "Hello &lt;script&gt;")
	has(t, l.view("/_local/mail/1"), `aria-current="page"`, "All letters", letter.SentAt, "As it looks")
	w := send(t, l, httptest.NewRequest("GET", "http://localhost/_local/mail/1/html", nil), 200)
	policy := w.Header().Get("Content-Security-Policy")
	if w.Body.String() != letter.HTML || !strings.HasPrefix(policy, "sandbox; default-src 'none';") ||
		strings.Contains(policy, "script-src") || strings.Contains(policy, "allow-") {
		t.Errorf("the letter is shown under %s", policy)
	}
	for _, path := range []string{"/_local/mail/2", "/_local/mail/x", "/_local/mail/2/html"} {
		send(t, l, httptest.NewRequest("GET", "http://localhost"+path, nil), 404)
	}
}

func TestManyLetters(t *testing.T) {
	m, err := mailbox.Open("")
	if err != nil {
		t.Fatal(err)
	}
	h := page.New(page.Options{Mail: m, DeadLetters: func() []page.DeadLetter {
		return []page.DeadLetter{{"LettersFailed", "mail-letters", "7", "first"}, {"LettersFailed", "mail-letters", "8", hostile}}
	}}, nil)
	has(t, view(t, h, "/_local/mail"), "2 dead letters", "No letter has been sent yet")
	for n := range 120 {
		form := fmt.Sprintf("Action=SendEmail&Source=a@b.example&Destination.ToAddresses.member.1=c@d.example&"+
			"Message.Subject.Data=letter-%d-&Message.Body.Text.Data=x", n+1)
		r := httptest.NewRequest("POST", "/", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 ...")
		m.ServeHTTP(httptest.NewRecorder(), r)
	}
	next, seen := "/_local/mail", 0
	for next != "" {
		text := view(t, h, next)
		seen += strings.Count(text, `<span class="subject">`)
		next = ""
		if m := regexp.MustCompile(`<a href="([^"]+)">Older letters`).FindStringSubmatch(text); m != nil {
			next = m[1]
		}
	}
	if seen != 120 {
		t.Errorf("the lists show %d letters", seen)
	}
	has(t, view(t, h, "/_local/mail/60"), "letter-70-", `href="/_local/mail/60" aria-current="page"`, "letter-21-",
		"Older letters", `<h2 id="subject">letter-60-`)
	has(t, view(t, h, "/_local/dead-letters"), "8</code>", html.EscapeString("<script>"), "7</code>", "first")
}

var (
	kindLinks = regexp.MustCompile(`href="(/_local/table/items\?kind=[\w-]+)"`)
	itemKeys  = regexp.MustCompile(`(?s)<h2><span class="label">PK</span> <a href="[^"]*pk=([^"]*)"><code>.*?</a> ` +
		`<span class="label">SK</span> <code>(.*?)</code></h2>`)
	nextPage = regexp.MustCompile(`<a href="([^"]+)" rel="next">`)
)

// items are the keys of all items that a link leads to, over all pages.
func (l *laptop) items(link string) (keys []string) {
	l.Helper()
	for link != "" {
		text := l.view(html.UnescapeString(link))
		for _, m := range itemKeys.FindAllStringSubmatch(text, -1) {
			pk, err := url.QueryUnescape(m[1])
			if err != nil {
				l.Error(err)
			}
			keys = append(keys, strings.ReplaceAll(pk, "\x01", "#")+" "+strings.ReplaceAll(plain(m[2]), " # ", "#"))
		}
		link = ""
		if m := nextPage.FindStringSubmatch(text); m != nil {
			link = m[1]
		}
	}
	return keys
}

func (l *laptop) client() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.localhost"),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), HTTPClient: &http.Client{Transport: l.Table.Transport()}})
}

// Every item of the table is of one kind and no other, so that the kinds show
// all of it.
// Tried with the control that it must catch: kinds that were taken by what a
// Scan filters alone.
func TestEveryItemIsOfOneKind(t *testing.T) {
	l := start(t)
	l.letter()
	for _, c := range [][3]string{
		{"POST", "/api/organizations/price-tiers", `{"Name":"Wholesale","CurrencyCode":"USD"}`},
		{"PUT", "/api/customers", `{"customerNumber":"C-1","companyName":"Globex","pricing":"Wholesale"}`},
		{"POST", "/api/auth/login", `{"Email":"john@acme.example","Password":"wrong"}`},
	} {
		r := httptest.NewRequest(c[0], "http://localhost"+c[1], strings.NewReader(c[2]))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+l.token)
		r.Header.Set("Idempotency-Key", "k")
		r.RemoteAddr = "127.0.0.1:1"
		l.ServeHTTP(httptest.NewRecorder(), r)
	}
	l.call("POST", "/api/organizations/api-access", `{"Name":"Robot"}`, 201)
	links := kindLinks.FindAllStringSubmatch(l.view("/_local/table"), -1)
	if len(links) < 30 {
		t.Fatalf("there are %d kinds", len(links))
	}
	met, kinds := map[string]string{}, 0
	for _, m := range links {
		keys := l.items(m[1])
		if len(keys) > 0 {
			kinds++
		}
		for _, k := range keys {
			if met[k] != "" {
				t.Errorf("%s is of %s and of %s", k, met[k], m[1])
			}
			met[k] = m[1]
		}
	}
	all, err := l.client().Scan(t.Context(), &dynamodb.ScanInput{TableName: &l.Template.Table.Name})
	if err != nil {
		t.Fatal(err)
	}
	if int(all.Count) < len(met) || len(met) < 68 || kinds < 18 {
		t.Errorf("the table has %d items, the kinds show %d of %d kinds", all.Count, len(met), kinds)
	}
	for _, i := range all.Items {
		found := false
		for k := range met {
			pk, sk := i["PK"].(*types.AttributeValueMemberS).Value, i["SK"].(*types.AttributeValueMemberS).Value
			found = found || k == strings.ReplaceAll(pk+" "+sk, "\x01", "#")
		}
		if !found && !strings.Contains(i["SK"].(*types.AttributeValueMemberS).Value, "SEAL") {
			t.Errorf("no kind shows %v", i["PK"])
		}
	}
}

func TestItems(t *testing.T) {
	l := start(t)
	for n := range 60 {
		l.call("PUT", "/api/customers", fmt.Sprintf(`{"customerNumber":"C-%03d","companyName":%q}`, n, hostile), 200)
	}
	text := l.view("/_local/table")
	organization := regexp.MustCompile(`/_local/table/items\?pk=ORG%01(org_\w+)`).FindStringSubmatch(text)
	if organization == nil {
		t.Fatalf("the table names no organization: %s", plain(text))
	}
	has(t, text, html.EscapeString("Acme <script>"), "PK", "SK", "list the admins", "Directory.Admins",
		"/_local/table/items?kind=organization&amp;all=1")
	id := organization[1]

	if got := l.items("/_local/table/items?kind=customer"); len(got) != 60 {
		t.Errorf("the pages of all customers show %d", len(got))
	}
	of := l.items("/_local/table/items?kind=customer&part1=" + id)
	if len(of) != 60 || of[0] != "ORG#"+id+"#CUSTOMERS CUSTOMER#C-000" || of[59] != "ORG#"+id+"#CUSTOMERS CUSTOMER#C-059" {
		t.Errorf("the pages of its customers show %d, from %s", len(of), of[:1])
	}
	if got := l.items("/_local/table/items?kind=customer&part1=org_none"); got != nil {
		t.Errorf("an organization that is not there has %v", got)
	}
	for _, path := range []string{"pk=ORG%01" + id, "key=ORG%23" + id, "kind=organization&all=1&part1=" + id} {
		got := strings.Join(l.items("/_local/table/items?"+path), "\n")
		for _, sk := range []string{"ADMINS", "ORG", "ROLES", "TIERS", "ADMIN#kp_"} {
			if !strings.Contains(got, "ORG#"+id+" "+sk) {
				t.Errorf("%s shows no %s:\n%s", path, sk, got)
			}
		}
	}
	text = l.view("/_local/table/items?kind=customer")
	has(t, text, "CompanyName", ">S<", html.EscapeString("<script>alert(1)"), "Next page")
	for path, status := range map[string]int{
		"": 404, "?kind=nonsense": 404, "?kind=customer&after=!": 400, "?kind=customer&after=" + base64URL("{}"): 400,
		"?pk=a&after=" + base64URL(`["b","c"]`): 500,
	} {
		send(t, l, httptest.NewRequest("GET", "http://localhost/_local/table/items"+path, nil), status)
	}
}

// Every type of value is shown, the large ones in part.
func TestValues(t *testing.T) {
	l := start(t)
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	_, err := l.client().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &l.Template.Table.Name, Item: map[string]types.AttributeValue{
		"PK": s("X\x01" + hostile), "SK": s("X"), "Long": s(strings.Repeat("ü", 5000)), "Parted": s("a\x01b"),
		"Of":        s("kp_" + strings.Repeat("0", 26)),
		"ExpiresAt": &types.AttributeValueMemberN{Value: "1700000000"}, "Small": &types.AttributeValueMemberB{Value: []byte("blob")},
		"Large": &types.AttributeValueMemberB{Value: make([]byte, 1000)}, "Yes": &types.AttributeValueMemberBOOL{Value: true},
		"Nothing": &types.AttributeValueMemberNULL{Value: true}, "Texts": &types.AttributeValueMemberSS{Value: []string{"p", hostile}},
		"Numbers": &types.AttributeValueMemberNS{Value: []string{"1", "2.5"}},
		"Blobs":   &types.AttributeValueMemberBS{Value: [][]byte{[]byte("blob")}},
		"Tree": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{
			s(hostile), &types.AttributeValueMemberN{Value: "1e2"}, &types.AttributeValueMemberBOOL{}, &types.AttributeValueMemberNULL{Value: true},
			&types.AttributeValueMemberSS{Value: []string{"z"}}}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	text := l.view("/_local/table/items?pk=X%01" + "%3Cscript%3Ealert(1)%3C/script%3E%22%27%26%7B%7B.%7D%7D%3Cb%3E")
	for _, want := range []string{"ExpiresAt N 1700000000 2023-11-14 22:13:20 UTC", "Small B YmxvYg==", "1000 bytes in all",
		"Yes BOOL true", "Nothing NULL null",
		"Texts SS <script>alert(1)", "Numbers NS 1 2.5", "Blobs BS YmxvYg==",
		`Tree M { "list": [ "\u003cscript\u003e`, `100, false, null, [ "z" ] ] }`, "Parted S a # b",
		"ü … and 5904 bytes more", "X # <script>"} {
		if !strings.Contains(strings.Replace(plain(text), "1e2", "100", 1), want) {
			t.Errorf("the item is shown without %s:\n%s", want, plain(text))
		}
	}
	has(t, text, `href="/_local/table/items?pk=USER%01kp_`)
}

// Tried with the control that it must catch: a note that kept the body of a
// request.
func TestRequests(t *testing.T) {
	l := start(t)
	l.call("PUT", "/api/customers?secret=unsaid", `{"customerNumber":"C-1","companyName":"unsaid"}`, 200)
	l.call("GET", "/api/nowhere", "", 404)
	text := l.view("/_local/requests")
	has(t, text, "404</span>", "/api/customers", "200</span>", "/api/auth/login", "/api/organizations", "201</span>")
	has(t, l.view("/_local/requests?only=failed"), "/api/nowhere")
	if strings.Contains(l.view("/_local/requests?only=failed"), "/api/customers") {
		t.Error("a request that succeeded is among the failed ones")
	}
	links := regexp.MustCompile(`/_local/requests/[\w-]+`).FindAllString(text, -1)
	if len(links) != 4 {
		t.Fatalf("four requests are %v", links)
	}
	views := []string{text}
	for _, link := range links {
		views = append(views, l.view(link))
	}
	pages := strings.Join(views, "")
	has(t, l.view(links[1]), "PUT", "/api/customers", "2 round trips to the table",
		"BatchGetItem", "Get", "TransactWriteItems", "CUSTOMER", "INFO", "route", "PUT /api/customers")
	for _, secret := range []string{"unsaid", "Password1234!", l.token, l.token[len(l.token)-20:], "Bearer", "john@acme.example", hostile} {
		if strings.Contains(pages, secret) || strings.Contains(pages, html.EscapeString(secret)) {
			t.Errorf("the requests tell %s", secret)
		}
	}
	has(t, l.view("/_local/requests?only=failed"), `href="/_local/requests?only=failed" aria-current="page"`)
	send(t, l, httptest.NewRequest("GET", "http://localhost/_local/requests/nonsense", nil), 404)
}

// Every line of the two tables in pkg/table/keys.go is shown.
func TestPatterns(t *testing.T) {
	tables := regexp.MustCompile(`(?m)(?:^//\t.*\n)+`).FindAllString(table.AccessPatterns, -1)
	if len(tables) != 2 {
		t.Fatalf("keys.go has %d tables", len(tables))
	}
	text := strings.ReplaceAll(plain(start(t).view("/_local/table")), " ", "")
	for line := range strings.Lines(strings.NewReplacer("//\t", "", "><", ">#<").Replace(tables[0] + tables[1])) {
		if !strings.Contains(text, strings.Join(strings.Fields(line), "")) {
			t.Errorf("the table does not say: %s", line)
		}
	}
}
