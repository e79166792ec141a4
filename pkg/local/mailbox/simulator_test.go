package mailbox_test

import (
	"encoding/json"
	"net/http"
	"testing"
)

// What is sent to SES's simulator comes back with its tags; all else does not.
func TestSimulator(t *testing.T) {
	for to, want := range map[string]string{
		"bounce@simulator.amazonses.com":         "Bounce",
		"bounce+ann@simulator.amazonses.com":     "Bounce",
		"Complaint+1@Simulator.amazonses.com":    "",
		"complaint+1@Simulator.amazonses.com":    "Complaint",
		"success@simulator.amazonses.com":        "",
		"bounce@simulator.amazonses.com.example": "",
		"bouncer@simulator.amazonses.com":        "",
		"bounce@example.com":                     "",
	} {
		m := open(t, "")
		var told []string
		m.Publish = func(message string) { told = append(told, message) }
		status, _ := post(t, m, form("Destination.ToAddresses.member.1", to, "Tags.member.1.Name", "letter", "Tags.member.1.Value", "l1"))
		if status != http.StatusOK || len(m.Letters()) != 1 {
			t.Errorf("%s: %d, %d letters", to, status, len(m.Letters()))
		}
		if want == "" {
			if len(told) != 0 {
				t.Errorf("%s: %s", to, told)
			}
			continue
		}
		var message struct {
			EventType string `json:"eventType"`
			Mail      struct {
				Tags map[string][]string `json:"tags"`
			} `json:"mail"`
		}
		if len(told) != 1 || json.Unmarshal([]byte(told[0]), &message) != nil || message.EventType != want ||
			len(message.Mail.Tags["letter"]) != 1 || message.Mail.Tags["letter"][0] != "l1" {
			t.Errorf("%s: %s", to, told)
		}
	}
}
