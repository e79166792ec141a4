// Command create-organization makes an organization and its first admin.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.CreateOrganization(env.Lambda.Foundations()))
}
