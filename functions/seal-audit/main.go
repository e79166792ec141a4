// Command seal-audit seals the audit entries that the table's stream announces.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdastream"
)

func main() {
	lambdastream.Serve("OrganizationId", env.Lambda.Trail().Seal)
}
