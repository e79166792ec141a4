// Command add-admin gives the Admin role to the account of an e-mail.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.AddAdmin(env.Lambda.OrganizationChanges()))
}
