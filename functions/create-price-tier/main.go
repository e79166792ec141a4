// Command create-price-tier adds a price tier.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.CreatePriceTier(env.Lambda.PricingChanges()))
}
