// Command remove-admin takes the Admin role from a user.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.RemoveAdmin(env.Lambda.OrganizationChanges()))
}
