// Command platform-create-role adds a custom role.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.CreateRole(env.Lambda.TeamChanges()))
}
