package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/mail"
	"charter/pkg/org"
)

type organizationUser struct {
	UserID         string `json:"UserId"`
	OrganizationID string `json:"OrganizationId"`
	FirstName      string
	LastName       string
	Email          string
	PhoneNumber    string
	Roles          []string
	WelcomeMail    *delivery
}

// delivery is how far a letter has come: queued, sent or failed.
type delivery struct {
	Status    string
	Attempts  int
	UpdatedAt string
}

func newDelivery(d mail.Delivery) *delivery {
	if d.Status == "" {
		return nil
	}
	return &delivery{string(d.Status), d.Attempts, instant(d.UpdatedAt)}
}

// ListAdmins is GET /api/organizations/users/admins: by e-mail, then id.
// WelcomeMail is null for who was made an admin without a letter.
func ListAdmins(d org.Directory) http.Handler {
	return read(func(ctx context.Context, c caller.Caller, _ *httpapi.Input) (httpapi.Reply, error) {
		admins, err := d.Admins(ctx, c)
		lines := []organizationUser{}
		for _, a := range admins {
			lines = append(lines, organizationUser{a.ID, c.OrganizationID, a.FirstName, a.LastName, a.Email.String(), a.Phone, roles(true),
				newDelivery(a.Welcome)})
		}
		return httpapi.OK(lines), err
	})
}

// roles are those that this dialect knows: Admin, which an owner holds, too.
func roles(admin bool) []string {
	if admin {
		return []string{"Admin"}
	}
	return []string{}
}
