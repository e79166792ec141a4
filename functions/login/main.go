// Command login gives an access token for an e-mail and a password.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/env/signing"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.Login(env.Lambda.Entrance(), signing.Issuer(env.Lambda)))
}
