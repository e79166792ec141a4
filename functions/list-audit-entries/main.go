// Command list-audit-entries lists who did what in an organization.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.ListAuditEntries(env.Lambda.Trail()))
}
