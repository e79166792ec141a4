package local

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"charter/pkg/local/page"
	"charter/pkg/openapi"
	"charter/pkg/table"
)

// pages are what only a laptop has: for people, and as JSON for programs, which
// do not ask for HTML.
func (s *Service) pages(o Options) http.Handler {
	return page.New(page.Options{
		Document: openapi.Document, API: s, People: s.people, Mail: s.Mail, Requests: s.watch,
		Table: s.client(o), TableName: s.Template.Table.Name,
		Patterns: table.AccessPatterns,
		DeadLetters: func() (list []page.DeadLetter) {
			for _, l := range s.DeadLetters() {
				list = append(list, page.DeadLetter(l))
			}
			return list
		},
	}, map[string]http.HandlerFunc{
		"/_local/mail": s.Mail.ServeMail, "/_local/dead-letters": s.serveDeadLetters, "/_local/openapi.yaml": serveDocument,
		"/_local/token": s.tokens.ServeHTTP,
	})
}

// client reads the table past the functions.
func (s *Service) client(o Options) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: aws.String(cmp.Or(o.TableURL, "http://"+dynamoHost)),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  &http.Client{Transport: s.transport()}})
}

// ServeHTTP answers as API Gateway would, and what is under /_local/ besides. It
// keeps in memory what each request did, and who signed in.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_local/") {
		s.Gateway.ServeHTTP(w, r)
		return
	}
	s.watched.ServeHTTP(w, r)
}

func (s *Service) serveDeadLetters(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(s.DeadLetters()) // whoever asked has gone
}

// serveDocument shows the OpenAPI document, as RFC 9512 names YAML.
func serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Write(openapi.Document)
}
