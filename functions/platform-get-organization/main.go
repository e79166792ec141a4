// Command platform-get-organization answers an organization to its members.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.GetOrganization(env.Lambda.Teams()))
}
