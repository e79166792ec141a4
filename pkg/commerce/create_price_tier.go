package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/pricing"
)

// CreatePriceTier is POST /api/organizations/price-tiers.
func CreatePriceTier(b pricing.Book) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		name := httpapi.Required(in.Object, pricing.ParseTierName, "Name")
		currency := httpapi.Required(in.Object, pricing.ParseCurrency, "CurrencyCode")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		return httpapi.OK(nil), b.Add(ctx, c, name, currency)
	})
}
