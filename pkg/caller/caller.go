// Package caller says who is asking.
package caller

import (
	"context"
	"strconv"
	"time"
)

// Caller is the holder of a verified access token. The zero Caller is nobody.
type Caller struct {
	UserID         string    // "kp_...", "" for an API client
	ClientID       string    // an API client's id, "" for a person
	Email          string    // as the account shows it, "" for an API client
	Verified       bool      // the account's e-mail was proved to be the person's before the token was made
	OrganizationID string    // the organization of the token, "" when it has none
	OrgCode        string    // that organization's code
	Admin          bool      // the token carries the Admin role; whether it still holds is the table's to say
	Foreign        bool      // the token is another issuer's, which has no say in roles
	Expires        time.Time // when the token ends
}

// Nobody reports whether there is no caller at all.
func (c Caller) Nobody() bool { return c.UserID == "" && c.ClientID == "" }

// MayBeAdmin reports whether the token leaves it to the table to say that its
// holder has the Admin role: a token of ours has to carry the role itself.
func (c Caller) MayBeAdmin() bool { return c.Admin || c.Foreign }

// Subject is the token's "sub": the user's id, or "client:" and the client's id.
func (c Caller) Subject() string {
	if c.ClientID != "" {
		return "client:" + c.ClientID
	}
	return c.UserID
}

// Flat is c as an API Gateway authorizer's context, whose values are strings.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
func (c Caller) Flat() map[string]any {
	flat := map[string]any{
		"userId": c.UserID, "clientId": c.ClientID, "email": c.Email,
		"emailVerified": strconv.FormatBool(c.Verified), "organizationId": c.OrganizationID, "orgCode": c.OrgCode,
		"admin": strconv.FormatBool(c.Admin), "exp": strconv.FormatInt(c.Expires.Unix(), 10),
	}
	if c.Foreign {
		flat["foreign"] = "true"
	}
	return flat
}

// FromFlat reads what Flat wrote. A context without a usable "exp" is nobody's.
func FromFlat(flat map[string]any) Caller {
	text := func(name string) string { s, _ := flat[name].(string); return s }
	exp, err := strconv.ParseInt(text("exp"), 10, 64)
	if err != nil {
		return Caller{}
	}
	return Caller{
		UserID: text("userId"), ClientID: text("clientId"), Email: text("email"),
		Verified: text("emailVerified") == "true", OrganizationID: text("organizationId"), OrgCode: text("orgCode"),
		Admin: text("admin") == "true", Foreign: text("foreign") == "true", Expires: time.Unix(exp, 0).UTC(),
	}
}

type key struct{}

// NewContext returns ctx with the caller in it.
func NewContext(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, key{}, c)
}

// FromContext returns the caller in ctx, or nobody.
func FromContext(ctx context.Context) Caller {
	c, _ := ctx.Value(key{}).(Caller)
	return c
}
