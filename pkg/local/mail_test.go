package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
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

	"charter/pkg/local"
	"charter/pkg/local/breakage"
	"charter/pkg/local/dynamo"
	"charter/pkg/sam"
)

// mailing is a service whose way to its table and to the mail system can be
// broken, in a bubble of fake time: minutes of outage cost nothing.
type mailing struct {
	service
	way   *breakage.Way
	table *dynamodb.Client
}

func startMailing(t *testing.T, change ...func(*local.Options)) mailing {
	t.Helper()
	m := mailing{way: &breakage.Way{}}
	m.service = start(t, append(change, func(o *local.Options) {
		o.Now = time.Now
		o.Between = func(next http.RoundTripper) http.RoundTripper {
			m.way.Next = next
			return m.way
		}
	})...)
	m.table = dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://table.localhost"),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: &http.Client{Transport: m.Table.Transport()}})
	return m
}

// eventually waits until something is so, for no more than d of fake time.
func eventually(t *testing.T, d time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !so(); time.Sleep(time.Second) {
		if !time.Now().Before(end) {
			t.Fatalf("after %v it is not so that %s", d, what)
		}
	}
}

// found makes an organization and returns a token of its owner.
func (s service) found(t *testing.T, name string) (token string) {
	t.Helper()
	return s.foundWith(t, name, name+"@mail.example")
}

// welcome is an admin with the state of the letter that welcomes them.
type welcome struct {
	UserID      string `json:"UserId"`
	Email       string
	WelcomeMail *struct {
		Status    string
		Attempts  int
		UpdatedAt time.Time
	}
}

func (s service) welcomes(t *testing.T, token string) (admins []welcome) {
	t.Helper()
	a := s.send(t, request{"GET", "/api/organizations/users/admins", ""}, token)
	if err := json.Unmarshal([]byte(a.body), &admins); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return admins
}

// state is the one admin's.
func (s service) status(t *testing.T, token string) (string, int) {
	t.Helper()
	admins := s.welcomes(t, token)
	if len(admins) != 1 || admins[0].WelcomeMail == nil {
		t.Fatalf("admins are %+v", admins)
	}
	return admins[0].WelcomeMail.Status, admins[0].WelcomeMail.Attempts
}

// arrived counts letters by recipient.
func (s service) arrived() map[string]int {
	count := map[string]int{}
	for _, l := range s.Mail.Letters() {
		for _, to := range l.To {
			count[to]++
		}
	}
	return count
}

// waiting are the letters in the table.
func (m mailing) waiting(t *testing.T) (letters []map[string]types.AttributeValue) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(m.table, &dynamodb.ScanInput{TableName: &m.Template.Table.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			if text(i, "SK") == "LETTER" {
				letters = append(letters, i)
			}
		}
	}
	return letters
}

// only breaks the calls of one operation.
func only(operation string, f breakage.Fault) func(breakage.Call) breakage.Fault {
	return breakage.From(breakage.Call{Operation: operation, N: 1}, f)
}

var unavailable = breakage.Refused(http.StatusServiceUnavailable, "ServiceUnavailable")

// The mail system is down for twenty minutes, longer than the stream comes
// again: organizations are made all the same, their letters wait where an admin can
// see it, and afterwards each arrives, once.
//
// Tried with the control that it must catch: without the schedule of
// redrive-letters in template.yaml, no letter came.
func TestMailDown(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]breakage.Fault{"refusing": unavailable, "cut off": breakage.Reset, "silent": breakage.Silence} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := startMailing(t)
				m.way.Break(only("SendEmail", fault))
				tokens := map[string]string{}
				for n := range 4 {
					name := fmt.Sprintf("org%d", n)
					tokens[name] = m.found(t, name)
					time.Sleep(5 * time.Minute)
				}
				for name, token := range tokens {
					if status, attempts := m.status(t, token); status != "queued" || attempts < 1 {
						t.Errorf("while the mail system is down, the letter to %s is %s after %d attempts", name, status, attempts)
					}
				}
				if len(m.Mail.Letters()) != 0 || len(m.waiting(t)) != len(tokens) {
					t.Fatalf("%d letters have come, %d wait", len(m.Mail.Letters()), len(m.waiting(t)))
				}
				m.way.Break(nil)
				eventually(t, 30*time.Minute, "no letter waits", func() bool { return len(m.waiting(t)) == 0 })
				time.Sleep(time.Hour) // for letters that come twice
				for name := range tokens {
					if n := m.arrived()[name+"@mail.example"]; n != 1 {
						t.Errorf("%d letters to %s", n, name)
					}
					a := m.send(t, request{"POST", "/api/auth/login", fmt.Sprintf(`{"Email": "%s@mail.example", "Password": "Password1234!"}`, name)}, "")
					var login struct{ AccessToken string }
					json.Unmarshal([]byte(a.body), &login)
					token := login.AccessToken
					if status, _ := m.status(t, token); status != "sent" {
						t.Errorf("the letter to %s is %s", name, status)
					}
				}
			})
		})
	}
}

// What SES took is sent again only where its answer was lost, and then once.
// Where only our own note of it fails, it is not sent again at all.
//
// Tried with the control that it must catch: a postman that does not remember
// what was taken sent the letter twice after the note had failed.
func TestMailTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault func(breakage.Call) breakage.Fault
		most  int
	}{
		"answer lost": {breakage.Once(breakage.Call{Operation: "SendEmail", N: 1}, breakage.Late(breakage.Reset)), 2},
		// The transaction that founds the organization is the first; later ones are notes.
		"note lost":     {breakage.From(breakage.Call{Operation: "TransactWriteItems", N: 2}, breakage.Late(breakage.Reset)), 1},
		"note not made": {breakage.From(breakage.Call{Operation: "TransactWriteItems", N: 2}, breakage.Reset), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := startMailing(t)
				m.way.Break(c.fault)
				token := m.found(t, "ann")
				time.Sleep(45 * time.Second)
				m.way.Break(nil)
				eventually(t, 30*time.Minute, "no letter waits", func() bool { return len(m.waiting(t)) == 0 })
				time.Sleep(20 * time.Minute)
				if n := m.arrived()["ann@mail.example"]; n < 1 || n > c.most {
					t.Errorf("%d letters, want at least 1 and at most %d", n, c.most)
				}
				if status, _ := m.status(t, token); status != "sent" {
					t.Errorf("the letter is %s", status)
				}
			})
		})
	}
}

// A batch of the stream that is delivered five times, twice at once, sends each
// letter once.
//
// Tried with the control that it must catch: a Claim without its condition on
// the lease sent all of them twice.
func TestBatchDeliveredFiveTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := startBroken(t)
		event, ordered := b.ordered(t)
		before := b.arrived()
		deliver := func() { b.deliver(t, event) }
		var all sync.WaitGroup
		b.way.Break(only("SendEmail", breakage.Delayed(time.Second, nil))) // so that both are at it at once
		all.Go(deliver)
		all.Go(deliver)
		all.Wait()
		b.way.Break(nil)
		for range 3 {
			deliver()
		}
		if ordered < 3 {
			t.Fatalf("%d letters were ordered", ordered)
		}
		came := 0
		for to, n := range b.arrived() {
			came += n - before[to]
		}
		if came != ordered {
			t.Errorf("%d letters were ordered, %d have come", ordered, came)
		}
	})
}

func (s service) function(name string) sam.Function {
	i := slices.IndexFunc(s.Template.Functions, func(f sam.Function) bool { return f.Name == name })
	return s.Template.Functions[i]
}

// order writes a letter straight into the table, past all that judges it.
func (m mailing) order(t *testing.T, id, to, name, organization string) {
	t.Helper()
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	_, err := m.table.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.Template.Table.Name, Item: map[string]types.AttributeValue{
		"PK": s("LETTER\x01" + id), "SK": s("LETTER"), "LetterId": s(id), "Kind": s("welcome"), "To": s(to), "Name": s(name),
		"Organization": s(organization), "Attempts": &types.AttributeValueMemberN{Value: "0"}, "OrderedAt": s(now), "DuePK": s("DUE"), "DueAt": s(now)}})
	if err != nil {
		t.Fatal(err)
	}
}

// Of a hundred letters one can never be sent: ninety-nine are, each once, and
// that one lies in the dead-letter queue, under its own sequence number.
//
// Tried with the controls that it must catch: a stream function that reported
// the first record of its batch in place of the failed one had another letter
// given up; one that reported none lost the poison without a trace.
func TestPoison(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := startMailing(t)
		const poison = 36
		inserted := m.inserted(t)
		for n := range 100 {
			to := fmt.Sprintf("r%d@mail.example", n)
			if n == poison {
				to = "r36@mail.example\r\nBcc: eve@evil.example"
			}
			m.order(t, fmt.Sprintf("letter-%02d", n), to, "Ann", "Acme")
		}
		eventually(t, time.Hour, "one letter was given up", func() bool { return len(m.DeadLetters()) > 0 })
		eventually(t, time.Hour, "only one letter is left", func() bool { return len(m.waiting(t)) == 1 })
		time.Sleep(time.Hour)
		for to, n := range m.arrived() {
			if n != 1 || strings.Contains(to, "eve") || to == "r36@mail.example" {
				t.Errorf("%d letters to %s", n, to)
			}
		}
		if len(m.arrived()) != 99 {
			t.Errorf("%d letters were sent", len(m.arrived()))
		}
		dead := m.DeadLetters()
		if len(dead) != 1 || dead[0].Queue != "LettersFailed" || dead[0].Function != "mail-letters" {
			t.Fatalf("dead letters: %+v", dead)
		}
		sequence := inserted(fmt.Sprintf("letter-%02d", poison))
		if dead[0].Sequence != sequence {
			t.Errorf("given up was %s, the poison is %s", dead[0].Sequence, sequence)
		}
		if left := m.waiting(t); len(left) != 1 || text(left[0], "LetterId") != "letter-36" || text(left[0], "FailedAt") == "" || text(left[0], "DuePK") != "FAILED" {
			t.Errorf("left are %v", left)
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/_local/dead-letters", nil))
		if !strings.Contains(w.Body.String(), sequence) || strings.Contains(w.Body.String(), "eve") {
			t.Errorf("the page of dead letters is %s", w.Body)
		}
	})
}

// inserted reads the stream beside all others from now on, and tells the
// sequence number of the record of a letter that was ordered.
func (m mailing) inserted(t *testing.T) func(letter string) string {
	t.Helper()
	var mu sync.Mutex
	var records []string
	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	reading.Go(func() {
		m.Table.Subscribe(ctx, dynamo.Subscription{Table: m.Template.Table.Name, Name: "test",
			Filter: func(r dynamo.Record) bool { return r.EventName == "INSERT" },
			Deliver: func(_ context.Context, some []dynamo.Record) ([]string, error) {
				mu.Lock()
				defer mu.Unlock()
				for _, r := range some {
					text, err := json.Marshal(r)
					if err != nil {
						return nil, err
					}
					records = append(records, r.SequenceNumber+string(text))
				}
				return nil, nil
			}})
	})
	t.Cleanup(func() {
		stop()
		reading.Wait()
	})
	return func(letter string) string {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range records {
			if strings.Contains(r, `"`+letter+`"`) {
				return r[:21]
			}
		}
		return ""
	}
}

// hostile is text that could end a header, or pass for something else in one.
var hostile = []string{"\r\nBcc: eve@evil.example", "\nX-Evil: 1", "\rX: 1", "\x00", "\u2028X: 1", "\u2029", "\u0085", "=?utf-8?q?Evil?=",
	"=\u200b?utf-8?b?RXZpbA==?=", "\u202eevil", "\u2066", "\ufeff", "\x1b[31m", "\xff\xfe"}

// No name and no address brings anything of that into a header, though it was
// written straight into the table. A name is cleaned, an address like that is
// not sent to.
//
// Tried with the control that it must catch: a subject with the organization's
// name as it stood.
func TestHeadersStayWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := startMailing(t)
		for n, evil := range hostile {
			for where, put := range map[string]string{"before": evil + "Acme", "inside": "Ac" + evil + "me", "behind": "Acme" + evil} {
				name := strings.ToValidUTF8(put, "\ufffd") // the table takes no other
				m.order(t, fmt.Sprintf("name-%d-%s", n, where), fmt.Sprintf("n%d.%s@mail.example", n, where), name, name)
				m.order(t, fmt.Sprintf("to-%d-%s", n, where), strings.Replace(name, "Acme", "x@evil.example", 1), "Ann", "Acme")
			}
		}
		eventually(t, 6*time.Hour, "every letter was sent or given up", func() bool {
			return !slices.ContainsFunc(m.waiting(t), func(i map[string]types.AttributeValue) bool { return text(i, "FailedAt") == "" })
		})
		named := 0
		for _, l := range m.Mail.Letters() {
			for _, header := range append([]string{l.From, l.Subject}, l.To...) {
				if strings.ContainsFunc(header, func(r rune) bool {
					return r < ' ' || r == 0x7f || r == 0x85 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200b || r == 0xfeff
				}) || strings.Contains(header, "=?") {
					t.Errorf("a header holds %q", header)
				}
			}
			if strings.HasPrefix(l.To[0], "n") {
				named++
			} else if !strings.HasPrefix(l.To[0], "x@evil.example") {
				t.Errorf("a letter went to %q", l.To)
			}
		}
		if named != 3*len(hostile) {
			t.Errorf("%d letters with a hostile name were sent, of %d", named, 3*len(hostile))
		}
	})
}

// A letter that SES refuses for good is shown as failed. By hand it is sent
// again, once the reason is mended.
//
// Tried with the control that it must catch: a note of the letter that did not
// ask whether the admin is still welcomed by it made an admin of who was none.
//
// Tried with the control that it must catch: a redrive that did not ask for what had failed.
func TestRedriveByHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := startMailing(t)
		m.way.Break(only("SendEmail", breakage.Refused(http.StatusBadRequest, "InvalidParameterValue")))
		ann, bob := m.found(t, "ann"), m.found(t, "bob")
		eventually(t, 30*time.Minute, "the letters have failed", func() bool {
			status, attempts := m.status(t, ann)
			other, _ := m.status(t, bob)
			return status == "failed" && attempts == 1 && other == "failed"
		})
		// Bob is no admin any more when his letter goes: that must not make him one.
		m.way.Break(nil)
		if a := m.send(t, request{"POST", "/api/organizations/users/admins", `{"Email": "ann@mail.example"}`}, bob); !a.ok() {
			t.Fatalf("promote: %d %s", a.status, a.body)
		}
		admins := m.welcomes(t, bob)
		i := slices.IndexFunc(admins, func(w welcome) bool { return w.Email == "bob@mail.example" })
		if a := m.send(t, request{"DELETE", "/api/organizations/users/admins", fmt.Sprintf(`{"UserId": %q}`, admins[i].UserID)}, bob); !a.ok() {
			t.Fatalf("demote: %d %s", a.status, a.body)
		}

		f := m.function("redrive-letters")
		e, err := local.Environment(m.options, f, m.way)
		if err != nil {
			t.Fatal(err)
		}
		redrive := local.Functions[f.Name](e)
		time.Sleep(20 * time.Minute) // the schedule lets them be
		if n := m.arrived()["bob@mail.example"]; n != 0 {
			t.Errorf("%d letters to bob before anybody asked", n)
		}
		report, err := redrive.Invoke(t.Context(), []byte(`{"Failed": true}`))
		if err != nil || string(report) != `{"Delivered":2,"Left":0,"Unfinished":false}` {
			t.Errorf("report %s, %v", report, err)
		}
		if status, attempts := m.status(t, ann); status != "sent" || attempts != 2 {
			t.Errorf("the letter is %s after %d attempts", status, attempts)
		}
		if arrived := m.arrived(); arrived["bob@mail.example"] != 1 || arrived["ann@mail.example"] != 2 || len(m.waiting(t)) != 0 {
			t.Errorf("arrived %v, waiting %v", arrived, m.waiting(t))
		}
		for _, i := range m.admins(t) {
			if text(i, "Email") == "bob@mail.example" || text(i, "UserId") == "" {
				t.Errorf("an admin came back: %s", text(i, "UserId"))
			}
		}
	})
}

// admins are the items of all admins.
func (m mailing) admins(t *testing.T) (items []map[string]types.AttributeValue) {
	t.Helper()
	out, err := m.table.Scan(t.Context(), &dynamodb.ScanInput{TableName: &m.Template.Table.Name})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range out.Items {
		if strings.HasPrefix(text(i, "SK"), "ADMIN\x01") {
			items = append(items, i)
		}
	}
	return items
}
