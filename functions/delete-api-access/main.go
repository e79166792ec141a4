// Command delete-api-access ends an API client.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.DeleteAPIAccess(env.Lambda.OrganizationChanges()))
}
