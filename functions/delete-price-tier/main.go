// Command delete-price-tier removes a price tier.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.DeletePriceTier(env.Lambda.PricingChanges()))
}
