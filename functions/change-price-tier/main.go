// Command change-price-tier renames and reprices a price tier.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.ChangePriceTier(env.Lambda.PricingChanges()))
}
