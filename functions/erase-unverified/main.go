// Command erase-unverified erases organizations that nobody has verified in
// time, as the table's stream says which.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdastream"
)

func main() {
	lambdastream.ServeExpired("OrganizationId", env.Lambda.Organizations().Expire)
}
