package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/httpapi"
	"charter/pkg/pricing"
)

// DeletePriceTier is DELETE /api/organizations/price-tiers: its customers go
// to the tier in ReplaceWith; without one it must have none.
func DeletePriceTier(b pricing.Book) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		name := httpapi.Required(in.Object, pricing.ParseTierName, "Name")
		heir := httpapi.Optional(in.Object, customer.ParseTier, "ReplaceWith")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		return httpapi.OK(nil), b.Remove(ctx, c, name, heir)
	})
}
