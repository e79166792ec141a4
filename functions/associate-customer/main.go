// Command associate-customer links a user to a customer.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.AssociateCustomer(env.Lambda.CustomerChanges()))
}
