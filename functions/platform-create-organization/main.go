// Command platform-create-organization makes an organization that the caller owns.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.CreateOrganization(env.Lambda.TeamChanges()))
}
