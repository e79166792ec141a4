// Command platform-list-organizations lists where the caller belongs.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.ListOrganizations(env.Lambda.Teams()))
}
