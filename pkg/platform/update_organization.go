package platform

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/httpapi"
	"charter/pkg/org"
	"charter/pkg/text"
)

var nothingToUpdate = fault.Fault{Kind: fault.Invalid, Message: "No valid fields provided for update"}

// UpdateOrganization is PATCH /v1/organizations/{id}: what is left out stays,
// null clears what may be unset.
func UpdateOrganization(t org.Team) http.Handler {
	return form(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		changes := org.Changes{
			Name:     kept(in.Object, org.ParseName, "name"),
			LogoURL:  httpapi.Update(in.Object, text.ParseURL, "logoUrl"),
			KRAPin:   httpapi.Update(in.Object, org.ParseKRAPin, "kraPin"),
			Email:    httpapi.Update(in.Object, org.ParseEmail, "billingEmail"),
			Address1: httpapi.Update(in.Object, org.ParseAddressLine, "address"),
			City:     httpapi.Update(in.Object, org.ParsePlace, "city"),
			Country:  kept(in.Object, org.ParseCountry, "country"),
		}
		err := in.Err()
		if err == nil && changes == (org.Changes{}) {
			err = nothingToUpdate
		}
		if err == nil {
			err = t.Revise(ctx, c, changes)
		}
		return done("Organization settings updated successfully."), err
	})
}

// kept is httpapi.Update for a member that cannot be cleared.
func kept[T any](o httpapi.Object, parse func(string) (T, error), name string) *T {
	if !o.Has(name) {
		return nil
	}
	value := httpapi.Required(o, parse, name)
	return &value
}
