package lambdafeedback_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"charter/pkg/lambdafeedback"
	"charter/pkg/mail"
)

// marks notes what it is asked.
type marks struct {
	asked []string
	err   error
}

func (m *marks) Mark(_ context.Context, l mail.Letter, why mail.Reason) error {
	m.asked = append(m.asked, fmt.Sprintf("%s %s, letter %q of %q in %q", l.To, why, l.ID, l.UserID, l.OrganizationID))
	return m.err
}

func (m *marks) Forget(_ context.Context, to mail.Address) error {
	m.asked = append(m.asked, "forget "+to.String())
	return m.err
}

func notification(message string) []byte {
	text, err := json.Marshal(map[string]any{"Records": []any{map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{"Message": message}}}})
	if err != nil {
		panic(err)
	}
	return text
}

const (
	tags   = `"mail": {"tags": {"ses:configuration-set": ["charter"], "letter": ["01h"], "user": ["kp_1"], "organization": ["org_1"]}}`
	noTags = `"mail": {}`
)

func bounce(kind, rest string) string {
	return `{"eventType": "Bounce", "bounce": {"bounceType": "` + kind + `", "bouncedRecipients": [{"emailAddress": "ann@acme.example"}]}, ` + rest + `}`
}

func complaint(kind string) string {
	return `{"eventType": "Complaint", "complaint": {"complaintFeedbackType": "` + kind + `",
		"complainedRecipients": [{"emailAddress": "ann@acme.example"}, {"emailAddress": "bob@acme.example"}]}, ` + tags + `}`
}

func TestMessages(t *testing.T) {
	for message, want := range map[string][]string{
		bounce("Permanent", tags):    {`ann@acme.example bounced, letter "01h" of "kp_1" in "org_1"`},
		bounce("Permanent", noTags):  {`ann@acme.example bounced, letter "" of "" in ""`},
		bounce("Transient", tags):    nil,
		bounce("Undetermined", tags): nil,
		complaint("abuse"): {`ann@acme.example complained, letter "01h" of "kp_1" in "org_1"`,
			`bob@acme.example complained, letter "01h" of "kp_1" in "org_1"`},
		complaint("not-spam"):                                                    nil,
		`{"eventType": "Delivery", ` + tags + `}`:                                nil,
		strings.Replace(bounce("Permanent", tags), "ann@acme.example", "ann", 1): nil,
	} {
		var m marks
		if _, err := lambdafeedback.Handler(&m).Invoke(t.Context(), notification(message)); err != nil || !slices.Equal(m.asked, want) {
			t.Errorf("%s\nasked %q, %v; want %q", message, m.asked, err, want)
		}
	}
}

func TestForget(t *testing.T) {
	var m marks
	if _, err := lambdafeedback.Handler(&m).Invoke(t.Context(), []byte(`{"Forget": " ann@acme.example"}`)); err != nil ||
		!slices.Equal(m.asked, []string{"forget ann@acme.example"}) {
		t.Errorf("asked %q, %v", m.asked, err)
	}
}

// What is no event is an error that quotes nothing of it, and asks for nothing.
func TestNoEvents(t *testing.T) {
	for _, payload := range []string{`ann@acme.example`, `{}`, `{"Forget": "ann@acme"}`, `{"Records": [{}]}`, `{"Records": []}`,
		string(notification("ann@acme.example")), string(notification(`{"notificationType": "Bounce"}`)),
		`{"Forget": "ann@acme.example", "Records": [{}]}`} {
		var m marks
		_, err := lambdafeedback.Handler(&m).Invoke(t.Context(), []byte(payload))
		if err == nil || strings.Contains(err.Error(), "ann") || len(m.asked) > 0 {
			t.Errorf("%s: %v, asked %q", payload, err, m.asked)
		}
	}
}

// A mark that could not be made comes again.
func TestFailedMark(t *testing.T) {
	m := marks{err: errors.New("the table does not answer")}
	if _, err := lambdafeedback.Handler(&m).Invoke(t.Context(), notification(bounce("Permanent", tags))); !errors.Is(err, m.err) {
		t.Error(err)
	}
}
