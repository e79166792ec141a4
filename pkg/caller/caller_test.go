package caller_test

import (
	"testing"
	"time"

	"charter/pkg/caller"
)

// What an authorizer hands on is what a function reads.
func TestFlat(t *testing.T) {
	end := time.Unix(1800000000, 0).UTC()
	for name, c := range map[string]caller.Caller{
		"a person":         {UserID: "kp_1", Email: "ann@example.com", Expires: end},
		"an admin":         {UserID: "kp_1", Email: "ann@example.com", OrganizationID: "org_1", OrgCode: "org_a", Admin: true, Expires: end},
		"a client":         {ClientID: "c1", OrganizationID: "org_1", OrgCode: "org_a", Admin: true, Expires: end},
		"another issuer's": {UserID: "kp_1", OrganizationID: "org_1", OrgCode: "org_a", Foreign: true, Expires: end},
	} {
		flat := c.Flat()
		if got := caller.FromFlat(flat); got != c {
			t.Errorf("%s: %+v, want %+v", name, got, c)
		}
		for member, value := range flat {
			if _, is := value.(string); !is {
				t.Errorf("%s: %s is a %T: API Gateway makes texts of all", name, member, value)
			}
		}
		delete(flat, "exp")
		if got := caller.FromFlat(flat); !got.Nobody() {
			t.Errorf("%s without an end: %+v", name, got)
		}
	}
}

func TestMayBeAdmin(t *testing.T) {
	for _, c := range []struct {
		caller.Caller
		may bool
	}{{caller.Caller{}, false}, {caller.Caller{Admin: true}, true}, {caller.Caller{Foreign: true}, true}} {
		if c.MayBeAdmin() != c.may {
			t.Errorf("%+v", c)
		}
	}
}
