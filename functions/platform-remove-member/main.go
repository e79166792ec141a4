// Command platform-remove-member ends a membership.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.RemoveMember(env.Lambda.TeamChanges()))
}
