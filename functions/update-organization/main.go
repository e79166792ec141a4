// Command update-organization changes what an organization says of itself.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.UpdateOrganization(env.Lambda.OrganizationChanges()))
}
