// Command list-associations lists which users are linked to which customers.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.ListAssociations(env.Lambda.Associations()))
}
