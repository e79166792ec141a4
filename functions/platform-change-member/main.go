// Command platform-change-member gives a member another role.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.ChangeMember(env.Lambda.TeamChanges()))
}
