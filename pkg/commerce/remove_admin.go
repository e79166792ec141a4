package commerce

import (
	"context"
	"net/http"

	"charter/pkg/caller"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

// RemoveAdmin is DELETE /api/organizations/users/admins: a user loses the role,
// and stays a member.
func RemoveAdmin(d org.Directory) http.Handler {
	return write(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		userID := httpapi.Required(in.Object, parseID, "UserId")
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		return httpapi.OK(success), d.Demote(ctx, c, userID)
	})
}
