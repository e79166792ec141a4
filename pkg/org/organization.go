// Package org holds organizations: users, members, roles and policies, invitations, plans; and Directory, where they are kept.
package org

import (
	"time"

	"charter/pkg/mail"
	"charter/pkg/pricing"
	"charter/pkg/text"
)

// Organization is a customer of the product.
type Organization struct {
	ID   string // org_ and a ULID
	Code string // org_ and 11 hexadecimal digits, for sign-in
	Name string
	Slug string // unique over both dialects, never changes
	Profile
	KYBStatus            KYBStatus
	CreatedAt, UpdatedAt time.Time
}

// Profile is what an organization says of itself. Unset text is "".
type Profile struct {
	Address1, Address2, City, Region, PostalCode, Country string
	Phone                                                 string
	Email                                                 mail.Address
	Website                                               string
	KRAPin                                                string // with the Kenya Revenue Authority
	LogoURL                                               string
}

// KYBStatus is where the verification of a business ("know your business") stands.
type KYBStatus string

// KYBPending is the status of a new organization.
const KYBPending KYBStatus = "pending"

// Changes are new values for an organization; nil leaves a value as it is.
type Changes struct {
	Name                                                  *string
	Address1, Address2, City, Region, PostalCode, Country *string
	Phone                                                 *string
	Email                                                 *mail.Address
	Website                                               *string
	KRAPin, LogoURL                                       *string
}

// Apply is the organization with the changes made.
func (c Changes) Apply(o Organization) Organization {
	apply(&o.Name, c.Name)
	apply(&o.Address1, c.Address1)
	apply(&o.Address2, c.Address2)
	apply(&o.City, c.City)
	apply(&o.Region, c.Region)
	apply(&o.PostalCode, c.PostalCode)
	apply(&o.Country, c.Country)
	apply(&o.Phone, c.Phone)
	apply(&o.Email, c.Email)
	apply(&o.Website, c.Website)
	apply(&o.KRAPin, c.KRAPin)
	apply(&o.LogoURL, c.LogoURL)
	return o
}

// Fields names what the changes set, without the values: they say where and who
// somebody is.
func (c Changes) Fields() []Difference {
	var fields []Difference
	set := func(name string, is bool) {
		if is {
			fields = append(fields, Difference{Field: name})
		}
	}
	set("Name", c.Name != nil)
	set("Address1", c.Address1 != nil)
	set("Address2", c.Address2 != nil)
	set("City", c.City != nil)
	set("Region", c.Region != nil)
	set("PostalCode", c.PostalCode != nil)
	set("Country", c.Country != nil)
	set("Phone", c.Phone != nil)
	set("Email", c.Email != nil)
	set("Website", c.Website != nil)
	set("KRAPin", c.KRAPin != nil)
	set("LogoURL", c.LogoURL != nil)
	return fields
}

func apply[T any](value *T, change *T) {
	if change != nil {
		*value = *change
	}
}

// Record is an organization with what goes with it.
type Record struct {
	Organization
	Subscriptions []Subscription // the active ones, oldest first
	Tiers         pricing.Tiers
}

// User is a person's account, shared by all organizations of that person.
type User struct {
	ID string // kp_ and a ULID
	Person
	PasswordHash string // PHC form
	HomeID       string // the organization that the account was made with
	CreatedAt    time.Time
	VerifiedAt   time.Time // when somebody proved that the e-mail is theirs; zero: nobody has
}

// Verified reports whether the account's e-mail is proved to be its holder's.
// Until then the account acts at home alone.
func (u User) Verified() bool { return !u.VerifiedAt.IsZero() }

// Person is how to reach somebody.
type Person struct {
	FirstName, LastName string
	Email               mail.Address
	Phone               string
}

// ParseName reads the name of an organization or a person: 1 to 200 characters.
func ParseName(s string) (string, error) { return text.Parse(s, 1, 200) }

// ParseAddressLine reads a line of a postal address: at most 200 characters.
func ParseAddressLine(s string) (string, error) { return text.Parse(s, 0, 200) }

// ParsePlace reads a city, region or country: at most 100 characters.
func ParsePlace(s string) (string, error) { return text.Parse(s, 0, 100) }

// ParseCountry is ParsePlace for what cannot be left blank.
func ParseCountry(s string) (string, error) { return text.Parse(s, 1, 100) }

// ParsePostalCode reads a postal code: at most 20 characters.
func ParsePostalCode(s string) (string, error) { return text.Parse(s, 0, 20) }

// ParsePhone reads a phone number: at most 32 characters.
func ParsePhone(s string) (string, error) { return text.Parse(s, 0, 32) }

// ParseKRAPin reads a tax number: at most 32 characters.
func ParseKRAPin(s string) (string, error) { return text.Parse(s, 0, 32) }

// ParseEmail reads an e-mail address that may be left blank.
func ParseEmail(s string) (mail.Address, error) {
	if clean, err := text.Clean(s); err == nil && clean == "" {
		return mail.Address{}, nil
	}
	return mail.ParseAddress(s)
}
