// Command platform-list-members lists members and pending invitations.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.ListMembers(env.Lambda.Teams()))
}
