package ses

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"charter/pkg/mail"
)

// refusal is an answer of SES that is not a yes. SES's own message is left out:
// it quotes addresses.
type refusal struct {
	code      string // SES's error code
	status    int    // HTTP
	requestID string
	throttled bool // a pause of seconds may cure it
}

func (r refusal) Error() string {
	return fmt.Sprintf("ses: %s (HTTP %d, request %s)", r.code, r.status, r.requestID)
}

func isThrottled(err error) bool {
	var r refusal
	return errors.As(err, &r) && r.throttled
}

// judge tells what an error of SendEmail means for the letter, in words that
// may be logged.
//
//   - A throttle: SES has dropped the letter, a pause helps. But for the daily
//     quota: there, only hours do.
//   - An invalid parameter, or content that SES rejects: this letter can never
//     be sent. Only the letter's own parameters are left to be invalid (New).
//   - All else is the account's trouble (identity not verified, sandbox, sending
//     paused, configuration set gone, credentials) or passing (5xx, network).
//     It would hit any letter, and ends when somebody mends it; a letter that
//     was given up for it would be lost.
//
// https://docs.aws.amazon.com/ses/latest/APIReference/API_SendEmail.html and
// https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html
func judge(err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return unanswered(err)
	}
	r := refusal{code: api.ErrorCode()}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		r.status, r.requestID = response.HTTPStatusCode(), response.ServiceRequestID()
	}
	switch r.code {
	case "Throttling", "ThrottlingException", "TooManyRequestsException":
		r.throttled = !strings.Contains(api.ErrorMessage(), "Daily message quota")
	case "InvalidParameterValue", "MissingParameter", "ValidationError":
		return mail.Unsendable(r.Error())
	case "MessageRejected":
		if isOfTheAccount(api.ErrorMessage()) {
			return r
		}
		return mail.Unsendable(r.Error())
	}
	return r
}

// isOfTheAccount tells apart what SES calls MessageRejected alike: a sender or,
// in the sandbox, a recipient that is not verified and an account that is
// paused, from a letter whose content was refused.
func isOfTheAccount(message string) bool {
	message = strings.ToLower(message)
	for _, trouble := range []string{"not verified", "paused", "suspended", "sandbox"} {
		if strings.Contains(message, trouble) {
			return true
		}
	}
	return false
}

// errUnanswered: SES may have taken the letter, or not.
var errUnanswered = errors.New("ses: no answer")

// unanswered keeps of err what can hold no address: how the call ended.
func unanswered(err error) error {
	var network *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", errUnanswered, context.DeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %w", errUnanswered, context.Canceled)
	case errors.As(err, &network):
		return fmt.Errorf("%w: %w", errUnanswered, network)
	}
	return errUnanswered
}
