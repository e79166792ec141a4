package calls

// step is a call to make. Its body may name in angle brackets what the steps
// before it were answered.
type step struct {
	function, name, body string
	keep                 string // "member as name": keeps a member for good, not only until the next answer has one
}

const (
	organization = `{"Organization":{"Name":"Acme <n>","BillingAddress1":"123 Any Street","BillingAddress2":"Suite 100",` +
		`"BillingCity":"Miami","BillingStateProvince":"FL","BillingPostalCode":"33101","BillingCountry":"US","PhoneNumber":"561-555-1212",` +
		`"Email":"info@acmecorp.com","Website":"https://www.acmecorp.com"},"User":` + john + `}`
	john  = `{"FirstName":"John","LastName":"Doe","Email":"john.doe.<n>@acmecorp.com","Password":"Password1234!","PhoneNumber":"561-555-1212"}`
	bob   = `{"FirstName":"Bob","LastName":"Poe","Email":"bob.poe.<n>@initech.example","Password":"Password1234!"}`
	jane  = `{"FirstName":"Jane","LastName":"Roe","Email":"jane.roe.<n>@globex.example","Password":"Password1234!"}`
	token = `{"authorizationToken":"Bearer <AccessToken>"}`
)

// The first call of a function is the usual one, with which it is measured.
var steps = []step{
	{"create-organization", "", organization, "IdentityOrganizationId as acme"},
	{"create-organization", "an e-mail that has an account", `{"Organization":{"Name":"Acme Two <n>"},"User":` + john + `}`, ""},
	{"create-organization", "", `{"Organization":{"Name":"Globex <n>"},"User":` + jane + `}`, ""},
	{"create-organization", "", `{"Organization":{"Name":"Initech <n>"},"User":` + bob + `}`, ""},
	{"login", "", `{"Email":"bob.poe.<n>@initech.example","Password":"Password1234!"}`, ""},
	{"authorizer", "", token, "userId as bob"},
	{"login", "", `{"Email":"jane.roe.<n>@globex.example","Password":"Password1234!"}`, ""},
	{"authorizer", "", token, "userId as jane"},
	{"login", "", `{"Email":"john.doe.<n>@acmecorp.com","Password":"Password1234!","OrgCode":"<acme>"}`, ""},
	{"authorizer", "", token, "userId as john"},

	{"get-organization", "", "", ""},
	{"update-organization", "", `{"PhoneNumber":"561-555-1313","Website":"https://acmecorp.com"}`, ""},
	{"update-organization", "a new name", `{"Name":"Acme International <n>"}`, ""},
	{"list-admins", "", "", ""},
	{"add-admin", "", `{"Email":"jane.roe.<n>@globex.example"}`, ""},
	{"remove-admin", "", `{"UserId":"<jane>"}`, ""},

	{"create-price-tier", "", `{"Name":"Retail","CurrencyCode":"USD"}`, ""},
	{"create-price-tier", "", `{"Name":"Wholesale","CurrencyCode":"USD"}`, ""},
	{"list-price-tiers", "", "", ""},
	{"change-price-tier", "", `{"OldName":"Wholesale","NewName":"Reseller","CurrencyCode":"EUR"}`, ""},
	{"put-customer", "", `{"customerNumber":"C-1001","companyName":"Globex","companyEmail":"buy@globex.example","pricing":"Reseller","active":true}`, ""},
	{"get-customer", "", "", ""},
	{"delete-price-tier", "customers handed over", `{"Name":"Reseller","ReplaceWith":"Retail"}`, ""},
	{"create-price-tier", "", `{"Name":"Trial","CurrencyCode":"USD"}`, ""},
	{"delete-price-tier", "", `{"Name":"Trial"}`, ""},

	{"list-associations", "", "", ""},
	{"associate-customer", "", `{"UserId":"<john>","CustomerNumber":"C-1001"}`, ""},
	{"associate-customer", "a new member", `{"UserId":"<bob>","CustomerNumber":"C-1001"}`, ""},
	{"list-associations", "two links", "", ""},
	{"access", "", `{"OrgCode":"<acme>"}`, ""},
	{"access", "CustomerNumber named", `{"OrgCode":"<acme>","CustomerNumber":"C-1001"}`, ""},

	{"create-api-access", "", `{"Name":"ERP"}`, ""},
	{"list-api-access", "", "", ""},
	{"login", "an API client", `{"OrgCode":"<OrgCode>","ClientId":"<ClientId>","ClientSecret":"<ClientSecret>"}`, ""},
	{"delete-api-access", "", `{"ClientId":"<ClientId>"}`, ""},
	{"jwks", "", "", ""},
	{"mail-letters", "", `{"Records":[{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","NewImage":{"LetterId":{"S":"<letter>"}}}}]}`, ""},
}
