// Command list-admins lists who holds the Admin role.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.ListAdmins(env.Lambda.Organizations()))
}
