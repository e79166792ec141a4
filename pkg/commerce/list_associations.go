package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/httpapi"
)

type associationPage struct {
	Data         []association
	TotalRecords int
	CurrentPage  int
	PageSize     int
	TotalPages   int
	NextCursor   *string
}

// ListAssociations is GET /api/organizations/users/associations.
func ListAssociations(r customer.Register) http.Handler {
	return read(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		query, err := customer.ParseQuery(in.Query())
		if err != nil {
			return httpapi.Reply{}, err
		}
		p, err := r.Associations(ctx, c, query)
		page := associationPage{[]association{}, p.Total, p.Current, p.Size, p.TotalPages, nil}
		if p.NextCursor != "" {
			page.NextCursor = &p.NextCursor
		}
		for _, a := range p.Data {
			page.Data = append(page.Data, newAssociation(a))
		}
		return httpapi.OK(page), err
	})
}
