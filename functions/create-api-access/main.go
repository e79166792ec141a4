// Command create-api-access makes an API client.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.CreateAPIAccess(env.Lambda.OrganizationChanges()))
}
