// Package ses sends letters out through SES.
//
// One call sends one letter. SES has no idempotency token, so a call whose
// answer did not come is never repeated here: SES may have taken the letter,
// and only the outbox decides whether it goes out again. What SES refused for
// its rate it has dropped for certain, and that alone is tried again.
package ses

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ses"
	"github.com/aws/aws-sdk-go-v2/service/ses/types"

	"charter/pkg/letters"
	"charter/pkg/mail"
)

// Sender is a mail.Sender. It is safe for concurrent use.
type Sender struct {
	client           *ses.Client
	from             mail.Address
	renderer         *letters.Renderer
	configurationSet *string

	// Pause waits for d, and returns an error when ctx leaves no time for that.
	Pause func(ctx context.Context, d time.Duration) error
	// Jitter is a random number in [0, 1).
	Jitter func() float64
}

var (
	errNoFrom           = errors.New("ses: a from-address is required")
	errConfigurationSet = errors.New("ses: a configuration set's name is 1 to 64 of A-Z, a-z, 0-9, _ and -")
)

// https://docs.aws.amazon.com/ses/latest/APIReference/API_ConfigurationSet.html
var configurationSetName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// New returns a sender whose letters come from the given address and, unless it
// is "", go through the named configuration set. Both are judged here, so that
// a parameter that SES calls invalid later is the letter's.
func New(client *ses.Client, from mail.Address, renderer *letters.Renderer, configurationSet string) (*Sender, error) {
	s := &Sender{client: client, from: from, renderer: renderer, Pause: pause, Jitter: rand.Float64}
	if from.IsZero() {
		return nil, errNoFrom
	}
	if configurationSet != "" {
		if !configurationSetName.MatchString(configurationSet) {
			return nil, errConfigurationSet
		}
		s.configurationSet = &configurationSet
	}
	return s, nil
}

// NewClient returns a client that makes one attempt a call. Without an endpoint
// it is the region's own; httpClient nil is the SDK's.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider, httpClient ses.HTTPClient) *ses.Client {
	options := ses.Options{
		Region:      region,
		Credentials: credentials,
		HTTPClient:  httpClient,
		Retryer:     aws.NopRetryer{},
	}
	if endpoint != "" {
		options.BaseEndpoint = &endpoint
	}
	return ses.New(options)
}

// tries is how often one Send asks SES at most.
const tries = 5

// Send renders the letter and hands it to SES.
func (s *Sender) Send(ctx context.Context, l mail.Letter) error {
	message, err := s.renderer.Render(l)
	if err != nil {
		return err
	}
	input := &ses.SendEmailInput{
		Source:               aws.String(s.from.String()),
		Destination:          &types.Destination{ToAddresses: []string{l.To.String()}},
		ConfigurationSetName: s.configurationSet,
		Tags:                 messageTags(l),
		Message: &types.Message{
			Subject: utf8(message.Subject),
			Body:    &types.Body{Text: utf8(message.Text), Html: utf8(message.HTML)},
		},
	}
	for try := 0; ; try++ {
		_, sendErr := s.client.SendEmail(ctx, input, func(o *ses.Options) { o.Retryer = aws.NopRetryer{} })
		err = judge(sendErr)
		if !isThrottled(err) || try == tries-1 || s.Pause(ctx, backoff(try, s.Jitter())) != nil {
			return err
		}
	}
}

// messageTags come back with the events of the configuration set.
func messageTags(l mail.Letter) (tags []types.MessageTag) {
	given := l.Tags()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		tags = append(tags, types.MessageTag{Name: &name, Value: aws.String(given[name])})
	}
	return tags
}

func utf8(data string) *types.Content {
	return &types.Content{Data: &data, Charset: aws.String("UTF-8")}
}

// backoff doubles from half a second to 4 s; half of it is random, so that
// senders that were refused together do not come back together.
func backoff(try int, jitter float64) time.Duration {
	full := 500 * time.Millisecond << try
	return full/2 + time.Duration(jitter*float64(full/2))
}

func pause(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
