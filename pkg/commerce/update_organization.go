package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/httpapi"
	"charter/pkg/org"
	"charter/pkg/text"
)

var nothingToChange = fault.Fault{Kind: fault.Invalid, Code: "nothing_to_change",
	Message: "The request holds none of the members that can be changed."}

// UpdateOrganization is PUT /api/organization: what is left out stays. The
// members stand at the top, or in Organization as they do when it is created.
func UpdateOrganization(d org.Directory) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		o := in.Object
		if o.Has("Organization") {
			o = in.Within("Organization")
		}
		changes := org.Changes{
			Name:       httpapi.Update(o, org.ParseName, "Name"),
			Address1:   httpapi.Update(o, org.ParseAddressLine, "BillingAddress1"),
			Address2:   httpapi.Update(o, org.ParseAddressLine, "BillingAddress2"),
			City:       httpapi.Update(o, org.ParsePlace, "BillingCity"),
			Region:     httpapi.Update(o, org.ParsePlace, "BillingStateProvince"),
			PostalCode: httpapi.Update(o, org.ParsePostalCode, "BillingPostalCode"),
			Country:    httpapi.Update(o, org.ParsePlace, "BillingCountry"),
			Phone:      httpapi.Update(o, org.ParsePhone, "PhoneNumber"),
			Email:      httpapi.Update(o, org.ParseEmail, "Email"),
			Website:    httpapi.Update(o, text.ParseURL, "Website"),
		}
		if o.Null("Name") {
			in.Fail("Name", text.Required)
		}
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		if changes == (org.Changes{}) {
			return httpapi.Reply{}, nothingToChange
		}
		r, err := d.Change(ctx, c, changes)
		return httpapi.OK(newOrganizationRecord(r)), o.Locate(err)
	})
}
