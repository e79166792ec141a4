// Command verify proves that an account's e-mail is its holder's.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.Verify(env.Lambda.Entrance()))
}
