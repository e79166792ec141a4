package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/httpapi"
)

type association struct {
	AssociationID  string `json:"AssociationId"`
	OrganizationID string `json:"OrganizationId"`
	UserID         string `json:"UserId"`
	CustomerNumber string
	CreatedAt      string
}

func newAssociation(a customer.Association) association {
	return association{a.ID, a.OrganizationID, a.UserID, string(a.Number), instant(a.CreatedAt)}
}

// AssociateCustomer is POST /api/organizations/users/associate-customer: 201
// for a new link, 200 for one that stands.
func AssociateCustomer(r customer.Register) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		userID := httpapi.Required(in.Object, parseID, "UserId")
		number := httpapi.Required(in.Object, customer.ParseNumber, "CustomerNumber")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		a, made, err := r.Associate(ctx, c, userID, number)
		reply := httpapi.OK(newAssociation(a))
		if made {
			reply.Status = http.StatusCreated
		}
		return reply, err
	})
}
