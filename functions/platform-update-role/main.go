// Command platform-update-role changes a custom role.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.UpdateRole(env.Lambda.TeamChanges()))
}
