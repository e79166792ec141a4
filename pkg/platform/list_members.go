package platform

import (
	"context"
	"net/http"
	"strings"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

type roster struct {
	Members    []member `json:"members"`
	Invites    []invite `json:"invites"`
	NextCursor string   `json:"nextCursor,omitempty"`
}

type member struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Email     string  `json:"email"`
	AvatarURL *string `json:"avatarUrl"`
	Role      string  `json:"role"`
	JoinedAt  string  `json:"joinedAt"`
}

type invite struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Role      string `json:"role"`
	ExpiresAt string `json:"expiresAt"`
}

// ListMembers is GET /v1/organizations/{id}/members: at most 1,000 members and
// pending invitations a call. Nobody has an avatar yet.
func ListMembers(t org.Team) http.Handler {
	return read(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		page, err := t.Roster(ctx, c, in.Query().Get("cursor"))
		r := roster{Members: []member{}, Invites: []invite{}, NextCursor: page.Next}
		for _, m := range page.Members {
			r.Members = append(r.Members, member{m.ID, strings.TrimSpace(m.FirstName + " " + m.LastName), m.Email.String(), nil,
				string(m.Role), instant(m.JoinedAt)})
		}
		for _, i := range page.Invitations {
			r.Invites = append(r.Invites, invite{i.ID, i.Email.String(), string(i.Role), instant(i.Expires)})
		}
		return data(http.StatusOK, r), err
	})
}
