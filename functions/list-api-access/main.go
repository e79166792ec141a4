// Command list-api-access lists the API clients.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.ListAPIAccess(env.Lambda.Organizations()))
}
