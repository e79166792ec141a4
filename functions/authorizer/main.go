// Command authorizer tells API Gateway who is calling.
package main

import (
	"charter/pkg/env"
	"charter/pkg/env/signing"
	"charter/pkg/lambdaauth"
)

func main() {
	lambdaauth.Serve(signing.Verifier(env.Lambda))
}
