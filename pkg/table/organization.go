package table

import (
	"errors"
	"time"

	"charter/pkg/mail"
	"charter/pkg/org"
)

// Directory is the table as package org sees it.
type Directory struct{ *Table }

var _ org.Directory = Directory{}

func organizationItem(o org.Organization) item {
	return newItem(orgKey(o.ID)).
		with("OrganizationId", o.ID).with("Code", o.Code).with("Name", o.Name).with("Slug", o.Slug).
		with("Address1", o.Address1).with("Address2", o.Address2).with("City", o.City).with("Region", o.Region).
		with("PostalCode", o.PostalCode).with("Country", o.Country).with("Phone", o.Phone).
		with("Email", o.Email.String()).with("Website", o.Website).with("KRAPin", o.KRAPin).with("LogoURL", o.LogoURL).
		with("KYBStatus", string(o.KYBStatus)).
		set("CreatedAt", moment(o.CreatedAt)).set("UpdatedAt", moment(o.UpdatedAt)).
		set("Version", num(1)).set("NameClaimed", flag(false))
}

func readOrganization(i item) (org.Organization, error) {
	email, err := i.address("Email")
	return org.Organization{
		ID: i.text("OrganizationId"), Code: i.text("Code"), Name: i.text("Name"), Slug: i.text("Slug"),
		Profile: org.Profile{
			Address1: i.text("Address1"), Address2: i.text("Address2"), City: i.text("City"), Region: i.text("Region"),
			PostalCode: i.text("PostalCode"), Country: i.text("Country"), Phone: i.text("Phone"),
			Email: email, Website: i.text("Website"), KRAPin: i.text("KRAPin"), LogoURL: i.text("LogoURL"),
		},
		KYBStatus: org.KYBStatus(i.text("KYBStatus")),
		CreatedAt: i.time("CreatedAt"), UpdatedAt: i.time("UpdatedAt"),
	}, err
}

// person adds how to reach somebody to an item.
func (i item) person(p org.Person) item {
	return i.with("FirstName", p.FirstName).with("LastName", p.LastName).with("Email", p.Email.String()).with("Phone", p.Phone)
}

func readPerson(i item) (org.Person, error) {
	email, err := i.address("Email")
	return org.Person{FirstName: i.text("FirstName"), LastName: i.text("LastName"), Email: email, Phone: i.text("Phone")}, err
}

func userItem(u org.User) item {
	return newItem(userKey(u.ID)).with("UserId", u.ID).person(u.Person).
		with("PasswordHash", u.PasswordHash).with("HomeId", u.HomeID).set("CreatedAt", moment(u.CreatedAt))
}

// emailItem says who has an e-mail, with the person, so that making somebody a
// member takes no read of the account.
func emailItem(u org.User) item {
	return newItem(emailKey(u.Email)).with("UserId", u.ID).with("HomeId", u.HomeID).person(u.Person)
}

func readUser(i item) (org.User, error) {
	p, err := readPerson(i)
	return org.User{ID: i.text("UserId"), Person: p, PasswordHash: i.text("PasswordHash"), CreatedAt: i.time("CreatedAt"),
		HomeID: i.text("HomeId"), VerifiedAt: i.time("VerifiedAt")}, err
}

func subscriptionItem(organization string, s org.Subscription) item {
	i := newItem(subKey(organization, s.ID)).with("SubscriptionId", s.ID).with("Plan", s.Plan).
		with("Status", string(s.Status)).set("Start", moment(s.Start))
	if !s.End.IsZero() {
		i.set("End", moment(s.End))
	}
	return i
}

func readSubscription(i item) org.Subscription {
	return org.Subscription{ID: i.text("SubscriptionId"), Plan: i.text("Plan"), Status: org.Status(i.text("Status")),
		Start: i.time("Start"), End: i.time("End")}
}

func adminItem(organization string, u org.User, role org.Role) item {
	return newItem(adminKey(organization, u.ID)).with("UserId", u.ID).with("Role", string(role)).person(u.Person)
}

// welcomed adds to an admin which letter welcomes them, and that it waits.
func (i item) welcomed(letter string, at time.Time) item {
	return i.set("Welcome", str(letter)).and(deliveryItem(mail.Delivery{Status: mail.Queued, UpdatedAt: at}))
}

func deliveryItem(d mail.Delivery) item {
	return item{"WelcomeStatus": str(string(d.Status)), "WelcomeAttempts": num(int64(d.Attempts)), "WelcomeAt": moment(d.UpdatedAt)}
}

func readDelivery(i item) mail.Delivery {
	return mail.Delivery{Status: mail.Status(i.text("WelcomeStatus")), Attempts: int(i.number("WelcomeAttempts")),
		UpdatedAt: i.time("WelcomeAt")}
}

// belonging is what makes a user a member of an organization: seen from the
// organization and from the user.
func (t *Table) belonging(o org.Organization, u org.User, role org.Role, at time.Time) []item {
	return []item{
		newItem(memberKey(o.ID, u.ID)).with("UserId", u.ID).with("Role", string(role)).person(u.Person).set("JoinedAt", moment(at)),
		newItem(membershipKey(u.ID, o.ID)).with("OrganizationId", o.ID).with("Code", o.Code).set("JoinedAt", moment(at)),
	}
}

// due and givenUp are the two parts of the index byDue: letters that wait, by
// when they were ordered, and those that have failed for good, by when.
const (
	due     = "DUE"
	givenUp = "FAILED"
)

// letterItem is the order for a letter. It stands in the index byDue until the
// letter is sent.
func letterItem(l mail.Letter, at time.Time) item {
	return newItem(letterKey(l.ID)).
		with("LetterId", l.ID).with("Kind", string(l.Kind)).with("To", l.To.String()).with("Name", l.Name).
		with("Organization", l.Organization).with("Token", l.Token).with("UserId", l.UserID).with("OrganizationId", l.OrganizationID).
		set("Attempts", num(0)).set("OrderedAt", moment(at)).
		set("DuePK", str(due)).set("DueAt", moment(at))
}

func readLetter(i item) (mail.Letter, error) {
	to, err := i.address("To")
	if err == nil && to.IsZero() {
		err = errors.New("table: a letter without an address")
	}
	return mail.Letter{ID: i.text("LetterId"), Kind: mail.Kind(i.text("Kind")), To: to, Name: i.text("Name"),
		Organization: i.text("Organization"), Token: i.text("Token"), Attempts: int(i.number("Attempts")),
		UserID: i.text("UserId"), OrganizationID: i.text("OrganizationId")}, err
}
