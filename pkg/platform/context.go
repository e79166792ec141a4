package platform

import (
	"context"
	"strings"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/httpapi"
	"charter/pkg/idempotency"
	"charter/pkg/org"
)

var (
	noPerson = fault.Fault{Kind: fault.Forbidden, Message: "An API client has no organizations of its own."}
	noHeader = fault.Fault{Kind: fault.Forbidden, Message: "X-Organization-Id header is required."}
	mismatch = fault.Fault{Kind: fault.Forbidden, Message: "X-Organization-Id does not match the requested organization."}
)

const organizationHeader = "X-Organization-Id"

// personal is the context of what is about the caller, who has to be a person.
func personal(do httpapi.Do) httpapi.Do {
	return func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		if c.ClientID != "" {
			return httpapi.Reply{}, noPerson
		}
		return do(ctx, c, in)
	}
}

// inOrganization is the context of what is about an organization: the one that
// the header names, which the path has to name too where it names any. What the
// token says of an organization and a role counts for nothing here.
func inOrganization(do httpapi.Do) httpapi.Do {
	return func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		named := in.Header(organizationHeader)
		path := in.Path("id")
		switch {
		case len(named) == 0 || len(named) == 1 && named[0] == "":
			return httpapi.Reply{}, noHeader
		case len(named) > 1 || strings.Contains(named[0], ",") || path != "" && path != named[0]:
			return httpapi.Reply{}, mismatch
		case !isID(named[0]):
			return httpapi.Reply{}, org.NotMember
		}
		c.OrganizationID, c.OrgCode, c.Admin = named[0], "", false
		if attempt := idempotency.FromContext(ctx); attempt != nil {
			// One key in two organizations is two keys, where no path tells them apart.
			attempt.Route += " in " + c.OrganizationID
		}
		return do(ctx, c, in)
	}
}

// isID reports whether s can be an id of ours.
func isID(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// pathID is an id in the path. What cannot be one is as good as an id that
// nothing has: who may not ask is told that first.
func pathID(in *httpapi.Input, name string) string {
	if id := in.Path(name); isID(id) {
		return id
	}
	return "none"
}
