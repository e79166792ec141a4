// Command list-price-tiers lists the price tiers.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.ListPriceTiers(env.Lambda.Pricing()))
}
