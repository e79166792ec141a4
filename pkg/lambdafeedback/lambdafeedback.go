// Package lambdafeedback marks the addresses whose letters come back, as SES tells through SNS.
//
// A letter that bounced for good, or that somebody called spam, marks its
// address. One that bounced for a while does not: SES tries that again by
// itself. By hand, with the payload {"Forget": "an address"}, a mark is taken
// away.
//
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
package lambdafeedback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/mail"
)

// Serve runs Handler as the Lambda function, with a log in JSON on standard
// output. It does not return.
func Serve(m mail.Marks) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(Handler(m))
}

// Handler answers null. An error means that Lambda should call it with
// the same event again, as it does twice before the event is a dead letter.
func Handler(m mail.Marks) lambda.Handler { return handler{m} }

type handler struct{ marks mail.Marks }

// event is what is needed of one of SNS, or an order by hand.
type event struct {
	Records []struct {
		Sns struct{ Message string }
	}
	Forget string
}

// message is what is needed of what SES publishes.
type message struct {
	EventType string `json:"eventType"`
	Bounce    struct {
		BounceType        string      `json:"bounceType"`
		BouncedRecipients []recipient `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		ComplainedRecipients  []recipient `json:"complainedRecipients"`
		ComplaintFeedbackType string      `json:"complaintFeedbackType"`
	} `json:"complaint"`
	Mail struct {
		Tags map[string][]string `json:"tags"`
	} `json:"mail"`
}

type recipient struct {
	EmailAddress string `json:"emailAddress"`
}

// Both are without their cause, which could quote an address.
var (
	errEvent   = errors.New("lambdafeedback: this is neither an event of SNS nor an order")
	errMessage = errors.New("lambdafeedback: this is no message of SES")
)

// Invoke implements lambda.Handler.
func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e event
	if json.Unmarshal(payload, &e) != nil || (len(e.Records) == 0) == (e.Forget == "") {
		return nil, errEvent
	}
	if e.Forget != "" {
		to, err := mail.ParseAddress(e.Forget)
		if err != nil {
			return nil, err
		}
		return []byte("null"), h.marks.Forget(ctx, to)
	}
	for _, r := range e.Records {
		var m message
		if json.Unmarshal([]byte(r.Sns.Message), &m) != nil || m.EventType == "" {
			return nil, errMessage
		}
		if err := h.mark(ctx, m); err != nil {
			return nil, err
		}
	}
	return []byte("null"), nil
}

// mark marks whom the message is about, if it is about such as this.
func (h handler) mark(ctx context.Context, m message) error {
	why, whom := m.judge()
	tags := map[string]string{}
	for name, values := range m.Mail.Tags {
		if len(values) > 0 {
			tags[name] = values[0]
		}
	}
	for _, r := range whom {
		to, err := mail.ParseAddress(r.EmailAddress)
		if err != nil {
			// Nothing of ours went there: a letter's address is an Address.
			slog.ErrorContext(ctx, "address that is none", "letter", tags["letter"], "reason", why)
			continue
		}
		if err := h.marks.Mark(ctx, mail.ReadTags(to, tags), why); err != nil {
			return fmt.Errorf("mark address: %w", err)
		}
		slog.InfoContext(ctx, "address marked", "letter", tags["letter"], "reason", why)
	}
	return nil
}

// judge tells whom a message is reason to mark. "not-spam" is the opposite of a
// complaint.
func (m message) judge() (why mail.Reason, whom []recipient) {
	switch {
	case m.EventType == "Bounce" && m.Bounce.BounceType == "Permanent":
		return mail.Bounced, m.Bounce.BouncedRecipients
	case m.EventType == "Complaint" && m.Complaint.ComplaintFeedbackType != "not-spam":
		return mail.Complained, m.Complaint.ComplainedRecipients
	}
	return "", nil
}
