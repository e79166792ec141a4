// Command platform-list-roles lists roles, and what a role may hold.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.ListRoles(env.Lambda.Teams()))
}
