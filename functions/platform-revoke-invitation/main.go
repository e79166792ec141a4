// Command platform-revoke-invitation ends a pending invitation.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
	"charter/pkg/platform"
)

func main() {
	lambdahttp.Serve(platform.RevokeInvitation(env.Lambda.TeamChanges()))
}
