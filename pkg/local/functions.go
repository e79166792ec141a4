package local

import (
	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/env/mailing"
	"charter/pkg/env/signing"
	"charter/pkg/lambdaauth"
	"charter/pkg/lambdahttp"
	"charter/pkg/lambdastream"
)

// Functions says for each folder of functions/ what its main says, with e for
// the environment. layout_test.go holds the two equal.
var Functions = map[string]func(e env.Env) lambda.Handler{
	"authorizer": func(e env.Env) lambda.Handler {
		return lambdaauth.Handler(signing.Verifier(e))
	},
	"create-organization": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.CreateOrganization(e.OrganizationChanges()))
	},
	"get-organization": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.GetOrganization(e.Organizations()))
	},
	"jwks": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.JWKS(signing.Keys(e)))
	},
	"login": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.Login(e.Organizations(), signing.Issuer(e)))
	},
	"mail-letters": func(e env.Env) lambda.Handler {
		return lambdastream.Handler("LetterId", mailing.Postman(e).Deliver)
	},
}
