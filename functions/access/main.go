// Command access gives an access token that carries customer, price tier and currency.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/env/signing"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.Access(env.Lambda.Customers(), signing.Issuer(env.Lambda)))
}
