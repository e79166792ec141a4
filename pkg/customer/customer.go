// Package customer holds customers and associations; Query: paging, sorting, filters.
package customer

import (
	"time"

	"charter/pkg/mail"
	"charter/pkg/pricing"
	"charter/pkg/text"
)

// Number is a customer number, unique in its organization and compared as it
// is written. What a caller sends becomes one only through ParseNumber.
type Number string

const maxNumber = 64 // code points

// ParseNumber reads a customer number: 1 to 64 code points. Errors:
// text.Required, text.Refused, or that it is too long.
func ParseNumber(s string) (Number, error) {
	s, err := text.Parse(s, 1, maxNumber)
	return Number(s), err
}

// ParseCompanyName reads a company's name: 1 to 200 code points. Errors:
// text.Required, text.Refused, or that it is too long.
func ParseCompanyName(s string) (string, error) { return text.Parse(s, 1, 200) }

// ParseTier reads the name of a customer's tier, which may be left blank.
// Errors: those of pricing.ParseTierName.
func ParseTier(s string) (pricing.TierName, error) { return orBlank(s, pricing.ParseTierName) }

// ParseCurrency reads a customer's currency, which may be left blank. Errors:
// those of pricing.ParseCurrency.
func ParseCurrency(s string) (pricing.Currency, error) { return orBlank(s, pricing.ParseCurrency) }

func orBlank[T any](s string, parse func(string) (T, error)) (value T, err error) {
	if clean, err := text.Clean(s); err == nil && clean == "" {
		return value, nil
	}
	return parse(s)
}

// Entry is what a write says of a customer.
type Entry struct {
	Number       Number
	CompanyName  string
	CompanyEmail mail.Address     // or none
	Tier         pricing.TierName // "" for none
	Currency     pricing.Currency // "" for that of the tier
	Active       bool
}

// Customer is a customer of an organization. The zero Customer stands for a
// number that was linked to a user and has no record.
type Customer struct {
	Number       Number
	CompanyName  string
	CompanyEmail mail.Address
	Tier         pricing.Tier // as it is on the price list now; the zero Tier for none
	Currency     pricing.Currency
	Active       bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Terms are the prices that a customer buys at; "" where there is nothing.
type Terms struct {
	Tier     pricing.TierName
	Currency pricing.Currency
}

// Terms are the customer's tier, else the default one of the price list, and
// the customer's currency, else that of the tier.
func (c Customer) Terms(list pricing.Tiers) Terms {
	tier := c.Tier
	if tier == (pricing.Tier{}) {
		tier, _ = list.Default()
	}
	if c.Currency != "" {
		return Terms{tier.Name, c.Currency}
	}
	return Terms{tier.Name, tier.Currency}
}

// Association links a user to a customer of an organization.
type Association struct {
	ID             string
	OrganizationID string
	UserID         string
	Number         Number
	CreatedAt      time.Time
}
