package local

import (
	"github.com/aws/aws-lambda-go/lambda"

	"charter/pkg/commerce"
	"charter/pkg/env"
	"charter/pkg/env/mailing"
	"charter/pkg/env/signing"
	"charter/pkg/lambdaauth"
	"charter/pkg/lambdafeedback"
	"charter/pkg/lambdahttp"
	"charter/pkg/lambdaschedule"
	"charter/pkg/lambdastream"
	"charter/pkg/platform"
)

// Functions says for each folder of functions/ what its main says, with e for
// the environment. layout_test.go holds the two equal.
var Functions = map[string]func(e env.Env) lambda.Handler{
	"access": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.Access(e.Customers(), signing.Issuer(e)))
	},
	"add-admin": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.AddAdmin(e.OrganizationChanges()))
	},
	"associate-customer": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.AssociateCustomer(e.CustomerChanges()))
	},
	"authorizer": func(e env.Env) lambda.Handler {
		return lambdaauth.Handler(signing.Verifier(e))
	},
	"change-price-tier": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.ChangePriceTier(e.PricingChanges()))
	},
	"create-api-access": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.CreateAPIAccess(e.OrganizationChanges()))
	},
	"create-organization": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.CreateOrganization(e.Foundations()))
	},
	"create-price-tier": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.CreatePriceTier(e.PricingChanges()))
	},
	"delete-api-access": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.DeleteAPIAccess(e.OrganizationChanges()))
	},
	"delete-price-tier": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.DeletePriceTier(e.PricingChanges()))
	},
	"erase-unverified": func(e env.Env) lambda.Handler {
		return lambdastream.HandlerExpired("OrganizationId", e.Organizations().Expire)
	},
	"get-customer": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.GetCustomer(e.Customers()))
	},
	"get-organization": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.GetOrganization(e.Organizations()))
	},
	"index-associations": func(e env.Env) lambda.Handler {
		return lambdastream.Handler("PK", e.AssociationRolls().Fold)
	},
	"jwks": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.JWKS(signing.Keys(e).JWKS()))
	},
	"list-admins": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.ListAdmins(e.Organizations()))
	},
	"list-api-access": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.ListAPIAccess(e.Organizations()))
	},
	"list-associations": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.ListAssociations(e.Associations()))
	},
	"list-audit-entries": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.ListAuditEntries(e.Trail()))
	},
	"list-price-tiers": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.ListPriceTiers(e.Pricing()))
	},
	"login": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.Login(e.Entrance(), signing.Issuer(e)))
	},
	"mail-letters": func(e env.Env) lambda.Handler {
		return lambdastream.Handler("LetterId", mailing.Postman(e).Deliver)
	},
	"mark-addresses": func(e env.Env) lambda.Handler {
		return lambdafeedback.Handler(e.Letters())
	},
	"platform-accept-invitation": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.AcceptInvitation(e.TeamChanges()))
	},
	"platform-change-member": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.ChangeMember(e.TeamChanges()))
	},
	"platform-create-organization": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.CreateOrganization(e.TeamChanges()))
	},
	"platform-create-role": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.CreateRole(e.TeamChanges()))
	},
	"platform-delete-role": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.DeleteRole(e.TeamChanges()))
	},
	"platform-get-organization": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.GetOrganization(e.Teams()))
	},
	"platform-invite-member": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.InviteMember(e.TeamChanges()))
	},
	"platform-list-members": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.ListMembers(e.Teams()))
	},
	"platform-list-organizations": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.ListOrganizations(e.Teams()))
	},
	"platform-list-roles": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.ListRoles(e.Teams()))
	},
	"platform-remove-member": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.RemoveMember(e.TeamChanges()))
	},
	"platform-revoke-invitation": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.RevokeInvitation(e.TeamChanges()))
	},
	"platform-update-organization": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.UpdateOrganization(e.TeamChanges()))
	},
	"platform-update-role": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(platform.UpdateRole(e.TeamChanges()))
	},
	"put-customer": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.PutCustomer(e.CustomerChanges()))
	},
	"redrive-letters": func(e env.Env) lambda.Handler {
		return lambdaschedule.Handler(mailing.Redrive(e).Run)
	},
	"remove-admin": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.RemoveAdmin(e.OrganizationChanges()))
	},
	"seal-audit": func(e env.Env) lambda.Handler {
		return lambdastream.Handler("OrganizationId", e.Trail().Seal)
	},
	"update-organization": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.UpdateOrganization(e.OrganizationChanges()))
	},
	"verify": func(e env.Env) lambda.Handler {
		return lambdahttp.Handler(commerce.Verify(e.Entrance()))
	},
}
