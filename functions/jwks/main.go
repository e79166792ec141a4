// Command jwks publishes the keys that verify our tokens.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/env/signing"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.JWKS(signing.Keys(env.Lambda).JWKS()))
}
