// Command platform-update-organization changes the settings of an organization.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.UpdateOrganization(env.Lambda.TeamChanges()))
}
