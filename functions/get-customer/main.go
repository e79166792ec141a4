// Command get-customer answers a customer.
package main

import (
	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/lambdahttp"
)

func main() {
	lambdahttp.Serve(commerce.GetCustomer(env.Lambda.Customers()))
}
