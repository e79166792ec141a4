// Command get-organization answers the caller's organization.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.GetOrganization(env.Lambda.Organizations()))
}
