// Command platform-accept-invitation makes the caller a member, by the token of an invitation.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.AcceptInvitation(env.Lambda.TeamChanges()))
}
