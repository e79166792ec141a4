// Command platform-invite-member orders the letter that asks somebody to join.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.InviteMember(env.Lambda.TeamChanges()))
}
