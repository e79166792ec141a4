// Command put-customer enters a customer.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.PutCustomer(env.Lambda.CustomerChanges()))
}
