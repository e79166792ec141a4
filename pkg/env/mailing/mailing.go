// Package mailing opens what sends letters, for the functions that do.
package mailing

import (
	"charter/pkg/env"
	"charter/pkg/letters"
	"charter/pkg/mail"
	"charter/pkg/ses"
)

// Redrive opens the same, for letters that have waited too long.
func Redrive(e env.Env) mail.Redrive { return mail.Redrive{Postman: Postman(e), Now: e.Now} }

// Postman opens the outbox and the way to SES.
func Postman(e env.Env) *mail.Postman {
	from, err := mail.ParseAddress(e.Must(env.MailFrom))
	if err != nil {
		panic("env: " + env.MailFrom + " is no e-mail address")
	}
	renderer, err := letters.New(e.Must(env.LinkBase))
	if err != nil {
		panic("env: " + env.LinkBase + ": " + err.Error())
	}
	client := ses.NewClient(e.Region(), e.Get("AWS_ENDPOINT_URL_SES"), e.Credentials(), e.AWS())
	sender, err := ses.New(client, from, renderer, e.Get(env.MailConfigurationSet))
	if err != nil {
		panic("env: " + err.Error())
	}
	return &mail.Postman{Outbox: e.Letters(), Sender: sender}
}
