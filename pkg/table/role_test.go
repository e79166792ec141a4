package table

import (
	"fmt"
	"maps"
	"testing"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/org"
)

// elsewhere is the caller in an organization that is gone.
func elsewhere(c caller.Caller) caller.Caller {
	c.OrganizationID = "org_00000000000000000000000000"
	return c
}

// Who may not is told so, whatever else is wrong with what they ask, and
// changes nothing: first that the organization is gone, then that the role is
// not held, whatever the token says.
func TestWhoMayNot(t *testing.T) {
	type stranger struct {
		caller caller.Caller
		want   fault.Fault
	}
	strangers := func(co *company) map[string]stranger {
		former, gone := co.admin, co.clientCaller(co.spare.ID)
		without := func(c caller.Caller) caller.Caller {
			c.Admin = false
			return c
		}
		nowhere := co.owner
		nowhere.OrganizationID = ""
		return map[string]stranger{
			"an organization that is gone":              {elsewhere(co.owner), org.Gone},
			"gone, and a token without the role":        {elsewhere(without(co.owner)), org.Gone},
			"gone, and an API client that is gone":      {elsewhere(gone), org.Gone},
			"a token without an organization":           {nowhere, org.NotAdmin},
			"an owner whose token does not say so":      {without(co.owner), org.NotAdmin},
			"an API client whose token does not say so": {without(co.client), org.NotAdmin},
			"a member":                          {co.userCaller(co.member), org.NotAdmin},
			"somebody else's admin":             {co.userCaller(co.stranger), org.NotAdmin},
			"who was an admin":                  {former, org.NotAdmin},
			"an API client that was removed":    {gone, org.NotAdmin},
			"a user who poses as an API client": {co.clientCaller(co.owner.UserID), org.NotAdmin},
		}
	}
	bubble(t, func(t *testing.T, d *desk) {
		co := incorporate(t, d)
		ctx := t.Context()
		wants(t, "demote", Directory{d.Table}.Demote(ctx, co.owner, co.admin.UserID))
		wants(t, "remove", Directory{d.Table}.RemoveClient(ctx, co.owner, co.spare.ID))
		for who, s := range strangers(co) {
			d.unchanged(who, func() {
				for _, p := range patterns {
					for how, call := range map[string]callFunc{"": p.call, "wrongly": p.refused} {
						if p.asks() && call != nil {
							_, err := call(ctx, co, s.caller)
							wants(t, fmt.Sprint(p, " ", how, " by ", who), err, s.want)
						}
					}
				}
			})
		}
	})
}

// An admin who repeats a request after the role is gone does not hear the first
// answer: the role comes before the outcome under the key.
func TestRoleBeforeOutcome(t *testing.T) {
	for _, p := range patterns {
		if !p.asks() || !p.keyed {
			continue
		}
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, d *desk) {
				co := incorporate(t, d)
				c := co.clientCaller(co.spare.ID)
				call := p.call
				if p.name == "Directory.RemoveClient" {
					call = removeClient(func(co *company) string { return co.client.ClientID })
				}
				ctx, _ := attempt(t.Context(), c, "key", "body")
				_, err := call(ctx, co, c)
				wants(t, "the first time", err)
				wants(t, "remove", Directory{d.Table}.RemoveClient(t.Context(), co.owner, co.spare.ID))
				for _, body := range []string{"body", "another body"} {
					ctx, again := attempt(t.Context(), c, "key", body)
					d.unchanged("a repeat without the role", func() {
						_, err = call(ctx, co, c)
						wants(t, "without the role", err, org.NotAdmin)
					})
					if again.Replayed {
						t.Error("replayed")
					}
				}
			})
		})
	}
}

// A write checks one of the items of the role by chance, and never another.
func TestRoleIsCheckedInEveryShard(t *testing.T) {
	d, c := &Table{}, caller.Caller{ClientID: "client_1", OrganizationID: "org_1"}
	given, checked := map[string]bool{}, map[string]bool{}
	for _, w := range d.hold(c.OrganizationID, c.Subject()) {
		given[item(w.Put.Item).text("PK")] = true
	}
	for range 1000 {
		checked[item(d.holds(c).ConditionCheck.Key).text("PK")] = true
	}
	if len(given) != shards || !maps.Equal(given, checked) {
		t.Errorf("the role is given in %v and checked in %v", given, checked)
	}
}
