package mailbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"charter/pkg/local/mailbox"
)

func open(t *testing.T, file string) *mailbox.Mailbox {
	t.Helper()
	m, err := mailbox.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	m.Now = func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 80e6, time.FixedZone("", 3600)) }
	return m
}

func form(pairs ...string) url.Values {
	f := url.Values{
		"Action": {"SendEmail"}, "Version": {"2010-12-01"},
		"Source":                           {"Charter <no-reply@example.com>"},
		"Destination.ToAddresses.member.1": {"Ada <Ada@example.com>"},
		"Message.Subject.Data":             {"Hello"},
		"Message.Body.Text.Data":           {"text"},
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			f.Del(pairs[i])
		} else {
			f.Set(pairs[i], pairs[i+1])
		}
	}
	return f
}

// post sends a form through the mailbox's own transport.
func post(t *testing.T, m *mailbox.Mailbox, f url.Values) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://email.eu-west-1.amazonaws.com/",
		strings.NewReader(f.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 ...")
	answer, err := m.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(read)
}

func shown(t *testing.T, m *mailbox.Mailbox) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeMail(w, httptest.NewRequest("GET", "/_local/mail", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%d, %s", w.Code, w.Header())
	}
	return w.Body.String()
}

func TestServeMail(t *testing.T) {
	m := open(t, "")
	if got := shown(t, m); got != "[]" {
		t.Errorf("an empty mailbox shows %s", got)
	}
	post(t, m, form("Message.Subject.Data", "first"))
	status, body := post(t, m, form("Message.Subject.Data", "zwei, ü & \u2028", "Message.Body.Text.Data", "a+b=ü\n",
		"Message.Body.Html.Data", "<p>ü</p>", "Destination.ToAddresses.member.2", "bob@example.com",
		"Destination.CcAddresses.member.1", "cy@example.com"))
	if status != http.StatusOK || !strings.Contains(body, "<MessageId>") {
		t.Errorf("%d %s", status, body)
	}
	const want = `[{"From":"Charter \u003cno-reply@example.com\u003e",` +
		`"To":["Ada@example.com","bob@example.com","cy@example.com"],"Subject":"zwei, ü \u0026 \u2028",` +
		`"Text":"a+b=ü\n","HTML":"\u003cp\u003eü\u003c/p\u003e","SentAt":"2026-03-04T04:06:07.080Z"},` +
		`{"From":"Charter \u003cno-reply@example.com\u003e","To":["Ada@example.com"],` +
		`"Subject":"first","Text":"text","HTML":"","SentAt":"2026-03-04T04:06:07.080Z"}]`
	if got := shown(t, m); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	w := httptest.NewRecorder()
	m.ServeMail(w, httptest.NewRequest("DELETE", "/_local/mail", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", w.Code)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"unknown action": {form("Action", "SendBulkTemplatedEmail"), 400, "InvalidAction"},
		"no action":      {form("Action", ""), 400, "InvalidAction"},
		"no source":      {form("Source", ""), 400, "InvalidParameterValue"},
		"bad source":     {form("Source", "nobody"), 400, "InvalidParameterValue"},
		"no recipient":   {form("Destination.ToAddresses.member.1", ""), 400, "InvalidParameterValue"},
		"bad recipient":  {form("Destination.ToAddresses.member.1", "ada@"), 400, "InvalidParameterValue"},
		"no subject":     {form("Message.Subject.Data", ""), 400, "InvalidParameterValue"},
		"no body":        {form("Message.Body.Text.Data", ""), 400, "InvalidParameterValue"},
	} {
		m := open(t, "")
		status, body := post(t, m, c.form)
		if status != c.status || !strings.Contains(body, "<Error><Type>Sender</Type><Code>"+c.code+"</Code><Message>") ||
			!strings.HasPrefix(body, `<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if len(m.Letters()) != 0 {
			t.Errorf("%s: the letter was kept", name)
		}
	}

	m := open(t, "")
	many := form()
	for i := range 51 {
		many.Set(fmt.Sprint("Destination.ToAddresses.member.", i+1), "ada@example.com")
	}
	if status, body := post(t, m, many); status != 400 || !strings.Contains(body, "InvalidParameterValue") {
		t.Errorf("51 recipients: %d %s", status, body)
	}

	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(form().Encode())))
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "MissingAuthenticationToken") {
		t.Errorf("unsigned: %d %s", w.Code, w.Body)
	}
}

func TestReopen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mail.db")
	m := open(t, file)
	for i := range 3 {
		post(t, m, form("Message.Subject.Data", fmt.Sprint("letter ", i)))
	}
	before := shown(t, m)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	status, body := post(t, m, form())
	if status != http.StatusInternalServerError || !strings.Contains(body, "InternalFailure") {
		t.Errorf("a letter that is not kept is not answered for: %d %s", status, body)
	}

	m = open(t, file)
	if after := shown(t, m); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
	post(t, m, form("Message.Subject.Data", "letter 3"))
	if l := m.Letters(); len(l) != 4 || l[0].Subject != "letter 3" || l[3].Subject != "letter 0" {
		t.Errorf("%v", l)
	}
}

func TestOpenRefuses(t *testing.T) {
	if m, err := mailbox.Open(t.TempDir()); err == nil {
		m.Close()
		t.Error("a folder is no mailbox")
	}
}

// The newest stay, in memory and in the file.
func TestKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mail.db")
	m := open(t, file)
	var all sync.WaitGroup
	const more = 20
	for range mailbox.Kept + more - 1 {
		all.Go(func() { post(t, m, form("Message.Subject.Data", "early")) })
	}
	all.Wait()
	post(t, m, form("Message.Subject.Data", "last"))

	check := func(when string) {
		l := m.Letters()
		if len(l) != mailbox.Kept || l[0].Subject != "last" || l[1].Subject != "early" || l[0].Number != mailbox.Kept+more ||
			l[mailbox.Kept-1].Number != more+1 {
			t.Errorf("%s: %d letters, the newest %q, number %d", when, len(l), l[0].Subject, l[0].Number)
		}
	}
	check("before")
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = open(t, file)
	check("after reopening")
}

func TestLettersAreCopies(t *testing.T) {
	m := open(t, "")
	post(t, m, form())
	m.Letters()[0].Subject = "changed"
	if m.Letters()[0].Subject != "Hello" {
		t.Error("the caller changed the mailbox")
	}
	var list []mailbox.Letter
	if err := json.Unmarshal([]byte(shown(t, m)), &list); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}
