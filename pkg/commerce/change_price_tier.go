package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/pricing"
)

// ChangePriceTier is PUT /api/organizations/price-tiers: a new name and
// currency, for the tier's customers too.
func ChangePriceTier(b pricing.Book) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		old := httpapi.Required(in.Object, pricing.ParseTierName, "OldName")
		name := httpapi.Required(in.Object, pricing.ParseTierName, "NewName", "Name")
		currency := httpapi.Required(in.Object, pricing.ParseCurrency, "CurrencyCode")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		return httpapi.OK(nil), b.Change(ctx, c, old, name, currency)
	})
}
