package calls

// step is a call to make. Its body and its path parameters may name in angle
// brackets what the steps before it were answered.
type step struct {
	function, name, body string
	path                 []string // names and values of path parameters, where they are not those of the event
	keep                 string   // "member as name": keeps a member for good, not only until the next answer has one
}

const (
	acme = `{"Organization":{"Name":"Acme <n>","BillingAddress1":"123 Any Street","BillingAddress2":"Suite 100","BillingCity":"Miami",` +
		`"BillingStateProvince":"FL","BillingPostalCode":"33101","BillingCountry":"US","PhoneNumber":"561-555-1212",` +
		`"Email":"info@acmecorp.com","Website":"https://www.acmecorp.com"},"User":` + john + `}`
	john    = `{"FirstName":"John","LastName":"Doe","Email":"john.doe.<n>@acmecorp.com","Password":"Password1234!","PhoneNumber":"561-555-1212"}`
	acmeTwo = `{"Organization":{"Name":"Acme Two <n>"},"User":` + john + `}`
	globex  = `{"Organization":{"Name":"Globex <n>"},"User":{"FirstName":"Jane","LastName":"Roe","Email":"jane.<n>@globex.example","Password":"Password1234!"}}`
	initech = `{"Organization":{"Name":"Initech <n>"},"User":{"FirstName":"Bob","LastName":"Poe","Email":"bob.<n>@initech.example","Password":"Password1234!"}}`
	hooli   = `{"Organization":{"Name":"Hooli <n>"},"User":{"FirstName":"Ida","LastName":"Low","Email":"ida.<n>@hooli.example","Password":"Password1234!"}}`

	verify = `{"Token":"<Token>","Password":"Password1234!"}`
	token  = `{"authorizationToken":"Bearer <AccessToken>"}`
	ofIda  = `{"authorizationToken":"Bearer <ida's token>"}`
	ofJohn = `{"authorizationToken":"Bearer <john's token>"}`

	customer = `{"customerNumber":"C-1001","companyName":"Globex","companyEmail":"buy@globex.example","pricing":"Reseller","active":true}`
	role     = `{"name":"buyer","description":"Places orders.","policies":["oms:order:create"]}`
	newRole  = `{"description":"Sees and orders.","policies":["org:organization:read","oms:order:create"]}`
	letter   = `{"Records":[{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","NewImage":{"LetterId":{"S":"<LetterId>"}}}}]}`
	link     = `{"Records":[{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","NewImage":{"PK":{"S":"ORG\u0001<organizationId>\u0001LOG"}}}}]}`
	expired  = `{"Records":[{"eventName":"REMOVE","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},` +
		`"dynamodb":{"SequenceNumber":"1","OldImage":{"OrganizationId":{"S":"<organizationId>"}}}}]}`
	bounced = `{"Records":[{"Sns":{"Message":"{\"eventType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Permanent\",` +
		`\"bouncedRecipients\":[{\"emailAddress\":\"gone.<n>@acmecorp.com\"}]},\"mail\":{\"tags\":{\"letter\":[\"<LetterId>\"]}}}"}}]}`
	entry = `{"Records":[{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","NewImage":{"OrganizationId":{"S":"<organizationId>"}}}}]}`
)

var here = []string{"id", "<organizationId>"}

// Four people with accounts, then what John does in his organization. The first
// call of a function that nothing sets apart is the usual one, with which it is
// measured.
var steps = []step{
	{function: "create-organization", body: acme, keep: "IdentityOrganizationId as acme"},
	{function: "verify", body: verify},
	{function: "create-organization", name: "an e-mail that has an account", body: acmeTwo},
	{function: "create-organization", body: globex},
	{function: "verify", body: verify},
	{function: "create-organization", body: initech},
	{function: "verify", body: verify},
	{function: "create-organization", body: hooli},
	{function: "verify", body: verify},
	{function: "login", body: `{"Email":"jane.<n>@globex.example","Password":"Password1234!"}`},
	{function: "authorizer", body: token, keep: "userId as jane"},
	{function: "login", body: `{"Email":"bob.<n>@initech.example","Password":"Password1234!"}`},
	{function: "authorizer", body: token, keep: "userId as bob"},
	{function: "login", body: `{"Email":"ida.<n>@hooli.example","Password":"Password1234!"}`, keep: "AccessToken as ida's token"},
	{function: "authorizer", body: ofIda, keep: "userId as ida"},
	{function: "login", body: `{"Email":"john.doe.<n>@acmecorp.com","Password":"Password1234!","OrgCode":"<acme>"}`, keep: "AccessToken as john's token"},
	{function: "authorizer", body: ofJohn, keep: "userId as john"},
	{function: "seal-audit", name: "the first seal", body: entry},

	{function: "get-organization"},
	{function: "update-organization", body: `{"PhoneNumber":"561-555-1313","Website":"https://acmecorp.com"}`},
	{function: "update-organization", name: "a new name", body: `{"Name":"Acme International <n>"}`},
	{function: "list-admins"},
	{function: "add-admin", body: `{"Email":"jane.<n>@globex.example"}`},
	{function: "remove-admin", body: `{"UserId":"<jane>"}`},
	{function: "list-audit-entries"},

	{function: "create-price-tier", body: `{"Name":"Retail","CurrencyCode":"USD"}`},
	{function: "create-price-tier", body: `{"Name":"Wholesale","CurrencyCode":"USD"}`},
	{function: "list-price-tiers"},
	{function: "change-price-tier", body: `{"OldName":"Wholesale","NewName":"Reseller","CurrencyCode":"EUR"}`},
	{function: "put-customer", body: customer},
	{function: "get-customer"},
	{function: "delete-price-tier", name: "customers handed over", body: `{"Name":"Reseller","ReplaceWith":"Retail"}`},
	{function: "create-price-tier", body: `{"Name":"Trial","CurrencyCode":"USD"}`},
	{function: "delete-price-tier", body: `{"Name":"Trial"}`},

	{function: "list-associations"},
	{function: "associate-customer", body: `{"UserId":"<john>","CustomerNumber":"C-1001"}`},
	{function: "associate-customer", name: "a new member", body: `{"UserId":"<bob>","CustomerNumber":"C-1001"}`},
	{function: "list-associations", name: "two links"},
	{function: "index-associations", body: link},
	{function: "access", body: `{"OrgCode":"<acme>"}`},
	{function: "access", name: "CustomerNumber named", body: `{"OrgCode":"<acme>","CustomerNumber":"C-1001"}`},

	{function: "create-api-access", body: `{"Name":"ERP"}`},
	{function: "list-api-access"},
	{function: "login", name: "an API client", body: `{"OrgCode":"<OrgCode>","ClientId":"<ClientId>","ClientSecret":"<ClientSecret>"}`},
	{function: "delete-api-access", body: `{"ClientId":"<ClientId>"}`},

	{function: "platform-create-organization", body: `{"name":"Acme Kenya <n>","slug":"acme-kenya-<n>","kraPin":"P051234567X","city":"Nairobi"}`},
	{function: "platform-list-organizations"},
	{function: "platform-get-organization", path: here},
	{function: "platform-update-organization", path: here, body: `{"city":"Mombasa","logoUrl":null}`},
	{function: "platform-invite-member", path: here, body: `{"email":"jane.doe.<n>@acmecorp.com","roleName":"member"}`},
	{function: "platform-revoke-invitation", path: []string{"id", "<organizationId>", "inviteId", "<InvitationId>"}},
	{function: "platform-invite-member", path: here, body: `{"email":"ida.<n>@hooli.example","roleName":"member"}`},
	{function: "authorizer", body: ofIda},
	{function: "platform-accept-invitation", body: `{"token":"<Token>"}`},
	{function: "authorizer", body: ofJohn},
	{function: "platform-list-members", path: here},
	{function: "platform-create-role", body: role},
	{function: "platform-list-roles"},
	{function: "platform-update-role", body: newRole},
	{function: "platform-change-member", path: []string{"id", "<organizationId>", "userId", "<ida>"}, body: `{"roleName":"admin"}`},
	{function: "platform-remove-member", path: []string{"id", "<organizationId>", "userId", "<ida>"}},
	{function: "platform-delete-role"},

	{function: "jwks"},
	{function: "mail-letters", body: letter},
	{function: "mark-addresses", body: bounced},
	{function: "seal-audit", body: entry},
	{function: "redrive-letters"},
	{function: "erase-unverified", name: "verified meanwhile", body: expired},
}
