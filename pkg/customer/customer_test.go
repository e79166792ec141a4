package customer

import (
	"errors"
	"strings"
	"testing"

	"charter/pkg/fault"
	"charter/pkg/pricing"
	"charter/pkg/text"
)

func TestParse(t *testing.T) {
	asText := func(parse any) func(string) (string, error) {
		return func(s string) (string, error) {
			switch parse := parse.(type) {
			case func(string) (Number, error):
				n, err := parse(s)
				return string(n), err
			case func(string) (pricing.TierName, error):
				n, err := parse(s)
				return string(n), err
			case func(string) (pricing.Currency, error):
				c, err := parse(s)
				return string(c), err
			}
			return parse.(func(string) (string, error))(s)
		}
	}
	for _, c := range []struct {
		field    string
		parse    any
		in, want string
		err      error
	}{
		{"number", ParseNumber, " C-001\t", "C-001", nil},
		{"number", ParseNumber, strings.Repeat("漢", 64), strings.Repeat("漢", 64), nil},
		{"number", ParseNumber, strings.Repeat("漢", 65), "", fault.Invalid},
		{"number", ParseNumber, "", "", text.Required},
		{"number", ParseNumber, " \u3000", "", text.Required},
		{"number", ParseNumber, "C\x01001", "", text.Refused},
		{"number", ParseNumber, "C\u200d001", "", text.Refused},
		{"company", ParseCompanyName, " Acme ", "Acme", nil},
		{"company", ParseCompanyName, strings.Repeat("é", 201), "", fault.Invalid},
		{"company", ParseCompanyName, "", "", text.Required},
		{"tier", ParseTier, "Gold ", "Gold", nil},
		{"tier", ParseTier, "  ", "", nil},
		{"tier", ParseTier, "\u202e", "", text.Refused},
		{"tier", ParseTier, strings.Repeat("x", 65), "", fault.Invalid},
		{"currency", ParseCurrency, "KES", "KES", nil},
		{"currency", ParseCurrency, "", "", nil},
		{"currency", ParseCurrency, "kes", "", pricing.UnknownCurrency},
		{"currency", ParseCurrency, "DEM", "", pricing.NotMoney("DEM")},
	} {
		got, err := asText(c.parse)(c.in)
		if !errors.Is(err, c.err) || err == nil && got != c.want {
			t.Errorf("%s %q: %q, %v; want %q, %v", c.field, c.in, got, err, c.want, c.err)
		}
	}
}

func TestTerms(t *testing.T) {
	gold := pricing.Tier{ID: "1", Name: "Gold", Currency: "EUR", IsDefault: true}
	tin := pricing.Tier{ID: "2", Name: "Tin", Currency: "KES"}
	list := pricing.Tiers{Live: []pricing.Tier{gold, tin}}
	for _, c := range []struct {
		name     string
		customer Customer
		list     pricing.Tiers
		want     Terms
	}{
		{"tier and currency", Customer{Tier: tin, Currency: "USD"}, list, Terms{"Tin", "USD"}},
		{"tier alone", Customer{Tier: tin}, list, Terms{"Tin", "KES"}},
		{"currency alone", Customer{Currency: "USD"}, list, Terms{"Gold", "USD"}},
		{"neither", Customer{}, list, Terms{"Gold", "EUR"}},
		{"currency and no price list", Customer{Currency: "USD"}, pricing.Tiers{}, Terms{"", "USD"}},
		{"nothing at all", Customer{}, pricing.Tiers{}, Terms{}},
	} {
		if got := c.customer.Terms(c.list); got != c.want {
			t.Errorf("%s: %v; want %v", c.name, got, c.want)
		}
	}
}
