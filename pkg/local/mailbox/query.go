package mailbox

import (
	"crypto/rand"
	"encoding/xml"
	"errors"
	"net/http"
	netmail "net/mail"
	"net/url"
	"strconv"
)

// maxBody bounds a request: 10 MB is the largest message that SES takes, and a
// form can triple it.
const maxBody = 30 << 20

// maxRecipients is SES's limit for one message.
const maxRecipients = 50

// refusal is an error answer of the Query API.
// https://docs.aws.amazon.com/ses/latest/APIReference/CommonErrors.html
type refusal struct {
	status        int
	code, message string
}

func (r refusal) Error() string { return r.code + ": " + r.message }

var (
	errNoToken = refusal{http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"}
	errNoForm  = refusal{http.StatusBadRequest, "MalformedQueryString", "The request is not a form of at most 30 MiB."}
	errInner   = refusal{http.StatusInternalServerError, "InternalFailure", "The letter could not be kept."}
)

func invalid(message string) refusal {
	return refusal{http.StatusBadRequest, "InvalidParameterValue", message}
}

// ServeHTTP answers as https://email.<region>.amazonaws.com does. Signatures are
// asked for, but not judged.
func (m *Mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := m.serve(w, r)
	status := http.StatusOK
	if err != nil {
		var refused refusal
		if !errors.As(err, &refused) {
			refused = errInner
		}
		status, answer = refused.status, newErrorResponse(refused)
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(answer) // whoever asked has gone
}

func (m *Mailbox) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	if r.Header.Get("Authorization") == "" {
		return nil, errNoToken
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if r.ParseForm() != nil {
		return nil, errNoForm
	}
	switch action := r.PostForm.Get("Action"); action {
	case "SendEmail":
		return m.sendEmail(r.PostForm)
	default:
		return nil, refusal{http.StatusBadRequest, "InvalidAction",
			"Could not find operation " + action + " for version " + r.PostForm.Get("Version")}
	}
}

func (m *Mailbox) sendEmail(form url.Values) (any, error) {
	l := Letter{
		From:    form.Get("Source"),
		Subject: form.Get("Message.Subject.Data"),
		Text:    form.Get("Message.Body.Text.Data"),
		HTML:    form.Get("Message.Body.Html.Data"),
	}
	if _, err := netmail.ParseAddress(l.From); err != nil {
		return nil, invalid("Missing final '@domain'")
	}
	for _, field := range []string{"ToAddresses", "CcAddresses", "BccAddresses"} {
		for _, text := range members(form, "Destination."+field) {
			address, err := netmail.ParseAddress(text)
			if err != nil {
				return nil, invalid("Illegal address")
			}
			l.To = append(l.To, address.Address)
		}
	}
	switch {
	case len(l.To) == 0:
		return nil, invalid("Missing required header 'To'.")
	case len(l.To) > maxRecipients:
		return nil, invalid("Recipient count exceeds 50.")
	case !form.Has("Message.Subject.Data") || l.Text == "" && l.HTML == "":
		return nil, invalid("Empty required header 'Subject' or empty body.")
	}
	if err := m.take(l); err != nil {
		return nil, err
	}
	m.simulate(l, tags(form))
	return newSendEmailResponse(), nil
}

// members reads a list: name.member.1, name.member.2, ...
func members(form url.Values, name string) (list []string) {
	for i := 1; form.Has(name + ".member." + strconv.Itoa(i)); i++ {
		list = append(list, form.Get(name+".member."+strconv.Itoa(i)))
	}
	return list
}

// tags reads Tags.member.1.Name, Tags.member.1.Value, ...
func tags(form url.Values) map[string]string {
	tags := map[string]string{}
	for i := 1; form.Has("Tags.member." + strconv.Itoa(i) + ".Name"); i++ {
		tags[form.Get("Tags.member."+strconv.Itoa(i)+".Name")] = form.Get("Tags.member." + strconv.Itoa(i) + ".Value")
	}
	return tags
}

type sendEmailResponse struct {
	XMLName   xml.Name `xml:"http://ses.amazonaws.com/doc/2010-12-01/ SendEmailResponse"`
	MessageID string   `xml:"SendEmailResult>MessageId"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

func newSendEmailResponse() sendEmailResponse {
	return sendEmailResponse{MessageID: rand.Text(), RequestID: rand.Text()}
}

type errorResponse struct {
	XMLName   xml.Name `xml:"http://ses.amazonaws.com/doc/2010-12-01/ ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func newErrorResponse(r refusal) errorResponse {
	from := "Sender"
	if r.status >= http.StatusInternalServerError {
		from = "Receiver"
	}
	return errorResponse{Type: from, Code: r.code, Message: r.message, RequestID: rand.Text()}
}
