package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// customerRecord is in camelCase, as the customer pages of this API are.
type customerRecord struct {
	CustomerNumber string `json:"customerNumber"`
	CompanyName    string `json:"companyName"`
	CompanyEmail   string `json:"companyEmail"`
	Pricing        string `json:"pricing"`
	CurrencyCode   string `json:"currencyCode"`
	Active         bool   `json:"active"`
}

func newCustomerRecord(c customer.Customer) customerRecord {
	return customerRecord{string(c.Number), c.CompanyName, c.CompanyEmail.String(), string(c.Tier.Name), string(c.Currency), c.Active}
}

// PutCustomer is PUT /api/customers: creates or replaces.
func PutCustomer(r customer.Register) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		entry := customer.Entry{
			Number:       httpapi.Required(in.Object, customer.ParseNumber, "customerNumber"),
			CompanyName:  httpapi.Required(in.Object, customer.ParseCompanyName, "companyName"),
			CompanyEmail: httpapi.Optional(in.Object, org.ParseEmail, "companyEmail"),
			Tier:         httpapi.Optional(in.Object, customer.ParseTier, "pricing"),
			Currency:     httpapi.Optional(in.Object, customer.ParseCurrency, "currencyCode"),
			Active:       httpapi.Flag(in.Object, "active", true),
		}
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		entered, err := r.Enter(ctx, c, entry)
		return httpapi.OK(newCustomerRecord(entered)), err
	})
}
