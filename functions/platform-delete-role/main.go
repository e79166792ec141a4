// Command platform-delete-role removes a custom role.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.DeleteRole(env.Lambda.TeamChanges()))
}
