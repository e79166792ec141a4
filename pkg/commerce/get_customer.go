package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/httpapi"
)

// GetCustomer is GET /api/customers/{customerNumber}.
func GetCustomer(r customer.Register) http.Handler {
	return read(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		// What is no customer number is no customer's: the caller is judged, and
		// then not told apart from one who asks for a number that is free.
		number, err := customer.ParseNumber(in.Path("customerNumber"))
		if err != nil {
			number = "-"
		}
		found, refused := r.Customer(ctx, c, number)
		if refused == nil && err != nil {
			refused = customer.Unknown
		}
		return httpapi.OK(newCustomerRecord(found)), refused
	})
}
