// Package local is the laptop: every function behind a gateway made from template.yaml.
//
// The handlers, the authorizer, the table's code and the mail's code are those
// that are deployed, and they are called with the events that Lambda gets. What
// AWS does in the cloud is played in process: API Gateway by gateway, DynamoDB
// and its stream by dynamo, SES by mailbox.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/local/dynamo"
	"charter/pkg/local/gateway"
	"charter/pkg/local/mailbox"
	"charter/pkg/local/page"
	"charter/pkg/local/watch"
	"charter/pkg/sam"
)

// Options says what to start.
type Options struct {
	Template string           // the path of template.yaml
	Data     string           // the folder that keeps everything; its table is in memory where InMemory says so
	InMemory bool             // keep table and letters in memory, for tests
	Issuers  string           // other issuers whose tokens are taken, as TRUSTED_ISSUERS has them; "" for none
	TableURL string           // use the table that another process serves there, and leave its stream to that process
	Patience time.Duration    // is added to the time of every function, for tests that ask more at once than a machine has
	Log      *slog.Logger     // nil for slog.Default
	Now      func() time.Time // nil for time.Now

	// CloudLimits limits one source address as the template says; otherwise
	// nothing does, in effect.
	CloudLimits bool
	// Between is put between the functions and what they call, for tests that
	// break calls; nil puts nothing there.
	Between func(http.RoundTripper) http.RoundTripper
	// Needs is told what each function asks of its role, for tests that look at
	// that; nil tells nobody.
	Needs func(function string, n sam.Need)
}

// Service is a running Charter. It is the http.Handler of its gateway and its pages.
type Service struct {
	*gateway.Gateway
	Table    *dynamo.Engine // nil with a TableURL
	Mail     *mailbox.Mailbox
	Template *sam.Template

	watch   *watch.Watch
	people  *page.People
	watched http.Handler // the gateway, for what is not a page

	stop   context.CancelFunc
	work   sync.WaitGroup
	dead   deadLetters
	tokens tokenReader
}

const (
	dynamoHost = "dynamodb.localhost"
	sesHost    = "ses.localhost"
)

// Start starts what the template describes.
func Start(o Options) (*Service, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	text, err := os.ReadFile(o.Template)
	if err != nil {
		return nil, err
	}
	s := &Service{}
	parameters := Parameters()
	if !o.CloudLimits {
		// Whoever works on this machine comes from one address.
		parameters["AttemptsPerAddress"] = "1000000000"
	}
	if o.Issuers != "" {
		parameters["TrustedIssuers"] = o.Issuers
	}
	if s.Template, err = sam.Read(text, parameters); err != nil {
		return nil, err
	}
	for n := range s.Template.Functions {
		s.Template.Functions[n].Timeout += o.Patience
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return nil, err
	}
	if err := s.open(o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.watch, s.people = &watch.Watch{Key: [2]string{s.Template.Table.Key.Hash, s.Template.Table.Key.Range}}, &page.People{Now: o.Now}
	out := s.transport()
	if o.Between != nil {
		out = o.Between(out)
	}
	functions := map[string]lambda.Handler{}
	for _, f := range s.Template.Functions {
		wire, ok := Functions[f.Name]
		if !ok {
			return nil, errors.Join(fmt.Errorf("local: no function is wired for %s", f.Name), s.Close())
		}
		e, err := Environment(o, f, out)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		e.HTTP.Transport = s.watch.Transport(e.HTTP.Transport) // what the role refuses is seen too
		functions[f.Name] = wire(e)
		if f.Name == "access" {
			s.tokens = newTokenReader(e)
		}
	}
	s.Gateway, err = gateway.New(s.Template, functions, gateway.Options{Local: s.pages(o), Log: o.Log, Now: o.Now})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.watched = s.watch.Handler(s.people.Handler(s.Gateway))
	s.begin(o, functions)
	return s, nil
}

// open opens the stand-ins and makes the table, if it is not there yet.
func (s *Service) open(o Options) (err error) {
	table, letters := filepath.Join(o.Data, "table.db"), filepath.Join(o.Data, "mail.db")
	if o.InMemory || o.TableURL != "" {
		table, letters = "", ""
	}
	if s.Mail, err = mailbox.Open(letters); err != nil || o.TableURL != "" {
		return err
	}
	s.Mail.Now = o.Now
	if s.Table, err = dynamo.Open(table); err != nil {
		return err
	}
	s.Table.Now = o.Now
	return CreateTable(s.Table, s.Template.Table)
}

// begin starts what runs beside requests: streams, schedules, and the sweep
// that TTL is.
func (s *Service) begin(o Options, functions map[string]lambda.Handler) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.Mail.Publish = func(message string) { s.work.Go(func() { s.notify(ctx, message, functions, o.Log) }) }
	if s.Table == nil {
		return
	}
	for _, f := range s.Template.Functions {
		for n, stream := range f.Streams {
			s.work.Go(func() {
				err := s.Table.Subscribe(ctx, s.subscription(f, n, stream, functions[f.Name], o.Log))
				if err != nil && ctx.Err() == nil {
					o.Log.Error("stream", "function", f.Name, "cause", err.Error())
				}
			})
		}
	}
	for _, f := range s.Template.Functions {
		for _, schedule := range f.Schedules {
			s.work.Go(func() { keepRunning(ctx, schedule.Every, f, functions[f.Name], o.Log) })
		}
	}
	s.work.Go(func() {
		for tick := time.NewTicker(time.Minute); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				if _, err := s.Table.Sweep(ctx); err != nil && ctx.Err() == nil {
					o.Log.Error("sweep", "cause", err.Error())
				}
			}
		}
	})
}

// transport leads to the stand-ins, and everything else out of the process.
func (s *Service) transport() http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		switch r.URL.Host {
		case dynamoHost:
			return s.Table.Transport().RoundTrip(r)
		case sesHost:
			return s.Mail.Transport().RoundTrip(r)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Close ends everything in order. What streams had in hand comes again with
// the next start.
func (s *Service) Close() error {
	if s.stop != nil {
		s.stop()
	}
	s.work.Wait()
	var errs []error
	if s.Table != nil {
		errs = append(errs, s.Table.Close())
	}
	if s.Mail != nil {
		errs = append(errs, s.Mail.Close())
	}
	return errors.Join(errs...)
}
