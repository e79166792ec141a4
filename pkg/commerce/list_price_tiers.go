package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/pricing"
)

// ListPriceTiers is GET /api/organizations/price-tiers: by name.
func ListPriceTiers(b pricing.Book) http.Handler {
	return read(func(ctx context.Context, c caller.Caller, _ *httpapi.Input) (httpapi.Reply, error) {
		tiers, err := b.Tiers(ctx, c)
		return httpapi.OK(priceTiers(tiers)), err
	})
}
