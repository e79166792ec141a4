package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/mail"
	"charter/pkg/org"
	"charter/pkg/text"
)

type createdOrganization struct {
	OrganizationID         string `json:"OrganizationId"`
	IdentityOrganizationID string `json:"IdentityOrganizationId"`
	Name                   string
	Slug                   string
}

// CreateOrganization is POST /api/organizations: an organization and its first
// admin, in one.
func CreateOrganization(d org.Directory) http.Handler {
	return publicWrite(func(ctx context.Context, _ caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		o, user := in.Within("Organization"), in.Within("User")
		application := org.Application{
			Name:         httpapi.Required(o, org.ParseName, "Name"),
			Organization: readProfile(o),
			Founder: org.Person{
				FirstName: httpapi.Required(user, org.ParseName, "FirstName"),
				LastName:  httpapi.Required(user, org.ParseName, "LastName"),
				Email:     httpapi.Required(user, mail.ParseAddress, "Email"),
				Phone:     httpapi.Optional(user, org.ParsePhone, "PhoneNumber"),
			},
			Password: httpapi.Required(user, org.ParsePassword, "Password"),
			Source:   in.Source(),
		}
		in.Fail("User.Password", application.Password.Apart(application.Founder.Email, application.Name))
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		made, err := d.Found(ctx, application)
		return httpapi.Reply{Status: http.StatusCreated,
			Body: createdOrganization{made.ID, made.Code, made.Name, made.Slug}}, o.Locate(err)
	})
}

func readProfile(o httpapi.Object) org.Profile {
	return org.Profile{
		Address1:   httpapi.Optional(o, org.ParseAddressLine, "BillingAddress1"),
		Address2:   httpapi.Optional(o, org.ParseAddressLine, "BillingAddress2"),
		City:       httpapi.Optional(o, org.ParsePlace, "BillingCity"),
		Region:     httpapi.Optional(o, org.ParsePlace, "BillingStateProvince"),
		PostalCode: httpapi.Optional(o, org.ParsePostalCode, "BillingPostalCode"),
		Country:    httpapi.Optional(o, org.ParsePlace, "BillingCountry"),
		Phone:      httpapi.Optional(o, org.ParsePhone, "PhoneNumber"),
		Email:      httpapi.Optional(o, org.ParseEmail, "Email"),
		Website:    httpapi.Optional(o, text.ParseURL, "Website"),
	}
}
