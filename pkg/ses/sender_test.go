package ses_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"charter/pkg/fault"
	"charter/pkg/letters"
	"charter/pkg/local/mailbox"
	"charter/pkg/mail"
	"charter/pkg/ses"
)

func address(t *testing.T, text string) mail.Address {
	t.Helper()
	a, err := mail.ParseAddress(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func renderer(t *testing.T) *letters.Renderer {
	t.Helper()
	r, err := letters.New("https://app.example.com/join")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sender sends through the real client over the given way to SES.
func sender(t *testing.T, way http.RoundTripper, configurationSet string) *ses.Sender {
	t.Helper()
	client := ses.NewClient("eu-west-1", "", credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		&http.Client{Transport: way})
	s, err := ses.New(client, address(t, "no-reply@example.com"), renderer(t), configurationSet)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func box(t *testing.T) *mailbox.Mailbox {
	t.Helper()
	m, err := mailbox.Open("")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func invitation(t *testing.T) mail.Letter {
	return mail.Letter{
		ID: "1", Kind: mail.Invitation, To: address(t, "Ada.Secret@Example.com"),
		Name: "Ada", Organization: "Söhne & =?utf-8?q?x?=\r\nBcc: eve@example.com", Token: "abc-_123",
	}
}

func TestSend(t *testing.T) {
	m := box(t)
	if err := sender(t, m.Transport(), "letters").Send(t.Context(), invitation(t)); err != nil {
		t.Fatal(err)
	}
	got := m.Letters()
	if len(got) != 1 {
		t.Fatalf("%d letters", len(got))
	}
	want, err := renderer(t).Render(invitation(t))
	if err != nil {
		t.Fatal(err)
	}
	l := got[0]
	if l.From != "no-reply@example.com" || fmt.Sprint(l.To) != "[Ada.Secret@Example.com]" {
		t.Errorf("from %s to %s", l.From, l.To)
	}
	if l.Subject != want.Subject || l.Text != want.Text || l.HTML != want.HTML {
		t.Errorf("%+v arrived, want %+v", l, want)
	}
	if l.Subject != "You are invited to join Söhne & = ?utf-8?q?x?= Bcc: eve@example.com" {
		t.Errorf("subject %q", l.Subject)
	}
	if !strings.Contains(l.Text, "\nhttps://app.example.com/join?token=abc-_123\n") {
		t.Errorf("no link in %s", l.Text)
	}
}

// An endpoint of one's own is a socket like any other.
func TestSendToAnEndpoint(t *testing.T) {
	m := box(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: m}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })

	client := ses.NewClient("eu-west-1", "http://"+listener.Addr().String(),
		credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""), nil)
	s, err := ses.New(client, address(t, "no-reply@example.com"), renderer(t), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), invitation(t)); err != nil || len(m.Letters()) != 1 {
		t.Errorf("%v, %d letters", err, len(m.Letters()))
	}
}

// way answers in SES's place with the given answers in turn, then lets requests
// through. It counts all.
type way struct {
	mu      sync.Mutex
	answers []answer
	calls   int
	through http.RoundTripper
}

type answer struct {
	status        int
	code, message string
	err           error // no answer at all
	taken         bool  // the request arrives first
}

func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if len(w.answers) == 0 {
		return w.through.RoundTrip(r)
	}
	a := w.answers[0]
	w.answers = w.answers[1:]
	if a.taken {
		if answered, err := w.through.RoundTrip(r); err != nil || answered.StatusCode != http.StatusOK {
			return answered, err
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	body := fmt.Sprintf(`<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error><Type>Sender</Type>`+
		`<Code>%s</Code><Message>%s</Message></Error><RequestId>request-7</RequestId></ErrorResponse>`, a.code, a.message)
	return &http.Response{StatusCode: a.status, Header: http.Header{"Content-Type": {"text/xml"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

const personal = "Ada.Secret@Example.com"

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		answer answer
		final  bool
		says   string
	}{
		{answer{status: 400, code: "MessageRejected", message: "Content refused for " + personal}, true,
			"ses: MessageRejected (HTTP 400, request request-7)"},
		{answer{status: 400, code: "InvalidParameterValue", message: "Illegal address " + personal}, true,
			"ses: InvalidParameterValue (HTTP 400, request request-7)"},
		{answer{status: 400, code: "MessageRejected", message: "Email address is not verified. " +
			"The following identities failed the check in region EU-WEST-1: " + personal}, false,
			"ses: MessageRejected (HTTP 400, request request-7)"},
		{answer{status: 400, code: "MessageRejected", message: "Sending paused for this account."}, false,
			"ses: MessageRejected (HTTP 400, request request-7)"},
		{answer{status: 400, code: "AccountSendingPausedException", message: "Paused"}, false,
			"ses: AccountSendingPausedException (HTTP 400, request request-7)"},
		{answer{status: 400, code: "MailFromDomainNotVerifiedException", message: personal}, false,
			"ses: MailFromDomainNotVerifiedException (HTTP 400, request request-7)"},
		{answer{status: 400, code: "ConfigurationSetDoesNotExist", message: personal}, false,
			"ses: ConfigurationSetDoesNotExist (HTTP 400, request request-7)"},
		{answer{status: 400, code: "ConfigurationSetSendingPausedException", message: "Paused"}, false,
			"ses: ConfigurationSetSendingPausedException (HTTP 400, request request-7)"},
		{answer{status: 403, code: "AccessDenied", message: "not authorized to send to " + personal}, false,
			"ses: AccessDenied (HTTP 403, request request-7)"},
		{answer{status: 400, code: "Throttling", message: "Daily message quota exceeded."}, false,
			"ses: Throttling (HTTP 400, request request-7)"},
		{answer{status: 500, code: "InternalFailure", message: personal}, false,
			"ses: InternalFailure (HTTP 500, request request-7)"},
		{answer{status: 503, code: "ServiceUnavailable", message: personal}, false,
			"ses: ServiceUnavailable (HTTP 503, request request-7)"},
		{answer{err: errors.New("lost the answer for " + personal)}, false, "ses: no answer"},
		{answer{err: &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}}, false,
			"ses: no answer: read tcp: connection reset by peer"},
	} {
		w := &way{answers: []answer{c.answer}, through: box(t).Transport()}
		s := sender(t, w, "")
		s.Pause = func(context.Context, time.Duration) error {
			t.Errorf("%+v: nothing is gained by a pause", c.answer)
			return nil
		}
		err := s.Send(t.Context(), invitation(t))
		if err == nil || err.Error() != c.says || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%+v: %v, want %s", c.answer, err, c.says)
		}
		if final := errors.Is(err, fault.Invalid) || errors.Is(err, fault.Conflict); final != c.final {
			t.Errorf("%+v: final is %t", c.answer, final)
		}
		if w.calls != 1 {
			t.Errorf("%+v: %d calls, want 1", c.answer, w.calls)
		}
	}
}

func throttles(n int) (all []answer) {
	for range n {
		all = append(all, answer{status: 400, code: "Throttling", message: "Maximum sending rate exceeded."})
	}
	return all
}

func TestThrottled(t *testing.T) {
	m := box(t)
	w := &way{answers: throttles(4), through: m.Transport()}
	s := sender(t, w, "")
	var pauses []time.Duration
	s.Pause = func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}
	jitters := []float64{0, 0.5, 0.999, 0}
	s.Jitter = func() float64 { return jitters[len(pauses)] }
	if err := s.Send(t.Context(), invitation(t)); err != nil {
		t.Fatal(err)
	}
	if want := "[250ms 750ms 1.999s 2s]"; fmt.Sprint(pauses) != want {
		t.Errorf("pauses %v, want %v", pauses, want)
	}
	if w.calls != 5 || len(m.Letters()) != 1 {
		t.Errorf("%d calls, %d letters", w.calls, len(m.Letters()))
	}
}

func TestThrottledForLong(t *testing.T) {
	w := &way{answers: throttles(100), through: box(t).Transport()}
	s := sender(t, w, "")
	s.Pause = func(context.Context, time.Duration) error { return nil }
	err := s.Send(t.Context(), invitation(t))
	if err == nil || errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "Throttling") {
		t.Errorf("%v; want a passing error", err)
	}
	if w.calls != 5 {
		t.Errorf("%d calls, want 5", w.calls)
	}
}

// A pause that the deadline has no room for is not begun.
func TestThrottledInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &way{answers: throttles(100), through: box(t).Transport()}
		s := sender(t, w, "")
		s.Jitter = func() float64 { return 0.5 }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		err := s.Send(ctx, invitation(t))
		if err == nil || !strings.Contains(err.Error(), "Throttling") {
			t.Errorf("%v; want the throttle", err)
		}
		if passed := time.Since(begin); w.calls != 2 || passed != 375*time.Millisecond {
			t.Errorf("%d calls in %s, want 2 with one pause of 375ms", w.calls, passed)
		}
	})
}

// Twice only when SES took it and the answer was lost: and then because the
// outbox ordered it again, never by itself.
func TestLostAnswer(t *testing.T) {
	m := box(t)
	w := &way{answers: []answer{{taken: true, err: io.ErrUnexpectedEOF}}, through: m.Transport()}
	s := sender(t, w, "")
	if err := s.Send(t.Context(), invitation(t)); err == nil {
		t.Error("a lost answer is an error")
	}
	if w.calls != 1 || len(m.Letters()) != 1 {
		t.Errorf("%d calls, %d letters", w.calls, len(m.Letters()))
	}
}

func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := box(t)
	err := sender(t, m.Transport(), "").Send(ctx, invitation(t))
	if !errors.Is(err, context.Canceled) || len(m.Letters()) != 0 {
		t.Errorf("%v, %d letters", err, len(m.Letters()))
	}
}

func TestUnsendable(t *testing.T) {
	w := &way{through: box(t).Transport()}
	letter := invitation(t)
	letter.Token = ""
	if err := sender(t, w, "").Send(t.Context(), letter); !errors.Is(err, fault.Invalid) || w.calls != 0 {
		t.Errorf("%v after %d calls; want it refused before any", err, w.calls)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := ses.New(nil, mail.Address{}, renderer(t), ""); err == nil {
		t.Error("a sender without a from-address")
	}
	for _, name := range []string{"a b", "ü", strings.Repeat("a", 65), "a\n"} {
		if _, err := ses.New(nil, address(t, "a@example.com"), renderer(t), name); err == nil {
			t.Errorf("a configuration set named %q", name)
		}
	}
}
