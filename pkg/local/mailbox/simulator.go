package mailbox

import (
	"encoding/json"
	"strings"
)

// SES's mailbox simulator: what is sent there bounces or is complained of, and
// does nobody harm. A label may follow: bounce+label@simulator.amazonses.com.
// https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
const simulator = "simulator.amazonses.com"

// simulate publishes what SES would tell of a letter to its simulator.
func (m *Mailbox) simulate(l Letter, tags map[string]string) {
	if m.Publish == nil {
		return
	}
	about := map[string][]string{}
	for name, value := range tags {
		about[name] = []string{value}
	}
	for _, to := range l.To {
		local, domain, _ := strings.Cut(to, "@")
		kind, _, _ := strings.Cut(local, "+")
		message := map[string]any{"mail": map[string]any{"source": l.From, "destination": l.To, "tags": about}}
		recipients := []any{map[string]any{"emailAddress": to}}
		switch {
		case !strings.EqualFold(domain, simulator):
			continue
		case kind == "bounce":
			message["eventType"] = "Bounce"
			message["bounce"] = map[string]any{"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": recipients}
		case kind == "complaint":
			message["eventType"] = "Complaint"
			message["complaint"] = map[string]any{"complaintFeedbackType": "abuse", "complainedRecipients": recipients}
		default:
			continue
		}
		text, err := json.Marshal(message)
		if err != nil {
			panic(err) // texts and maps of them
		}
		m.Publish(string(text))
	}
}
