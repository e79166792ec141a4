package table

import (
	"testing"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/fault"
)

func TestEnrich(t *testing.T) {
	d := open(t)
	co, ctx, register := incorporate(t, d), t.Context(), Register{d.Table}
	e := entry("1002", "")
	e.Currency = "CHF"
	_, err := register.Enter(ctx, co.owner, e)
	wants(t, "enter", err)
	for _, n := range []customer.Number{"unrecorded", "1002"} {
		_, _, err = register.Associate(ctx, co.owner, co.member.ID, n)
		wants(t, "associate", err)
	}
	member, stranger := co.userCaller(co.member), co.userCaller(co.stranger)
	member.Admin = false
	fromElsewhere := func(c caller.Caller) caller.Caller {
		c.OrganizationID, c.OrgCode = "", ""
		return c
	}
	owners := customer.Enrichment{OrganizationID: co.ID, Code: co.Code, UserID: co.owner.UserID, Email: "olive@acme.example", Admin: true,
		Terms: customer.Terms{Tier: gold, Currency: "EUR"}} // without a customer: the default tier
	members := customer.Enrichment{OrganizationID: co.ID, Code: co.Code, UserID: co.member.ID, Email: "mary@shop.example",
		Number: "1002", Terms: customer.Terms{Tier: gold, Currency: "CHF"}} // the newest one, its own currency
	named := func(n customer.Number, terms customer.Terms) customer.Enrichment {
		e := members
		e.Number, e.Terms = n, terms
		return e
	}
	other := fromElsewhere(co.admin)
	other.OrganizationID, other.OrgCode = d.home(co.admin.UserID, co.ID)
	for _, c := range []struct {
		what   string
		caller caller.Caller
		code   string
		user   string
		number customer.Number
		want   customer.Enrichment
		faults []fault.Fault
	}{
		{"oneself", co.owner, co.Code, "", "", owners, nil},
		{"oneself by id", co.owner, co.Code, co.owner.UserID, "", owners, nil},
		{"a member", member, co.Code, "", "", members, nil},
		{"a member who signed in nowhere", fromElsewhere(member), co.Code, "", "", members, nil},
		{"a named customer", member, co.Code, "", "1001", named("1001", customer.Terms{Tier: gold, Currency: "EUR"}), nil},
		{"a customer without a record", member, co.Code, "", "unrecorded", named("unrecorded", customer.Terms{Tier: gold, Currency: "EUR"}), nil},
		{"another, by an owner", co.owner, co.Code, co.member.ID, "", members, nil},
		{"another, by an API client", co.client, co.Code, co.member.ID, "", members, nil},
		{"an unknown code", member, "org_00000000000", "", "", customer.Enrichment{}, []fault.Fault{customer.UnknownCode}},
		{"no code", fromElsewhere(member), "", "", "", customer.Enrichment{}, []fault.Fault{customer.UnknownCode}},
		{"a code that is none", member, string(make([]byte, 4000)), "", "", customer.Enrichment{}, []fault.Fault{customer.UnknownCode}},
		{"a stranger", fromElsewhere(stranger), co.Code, "", "", customer.Enrichment{}, []fault.Fault{customer.NotMember}},
		{"a stranger, by an owner", co.owner, co.Code, co.stranger.ID, "", customer.Enrichment{}, []fault.Fault{customer.UnknownMember}},
		{"another, by a member", member, co.Code, co.owner.UserID, "", customer.Enrichment{}, []fault.Fault{customer.AdminOnly}},
		{"another, by one whose token says too much", co.userCaller(co.member), co.Code, co.owner.UserID, "",
			customer.Enrichment{}, []fault.Fault{customer.AdminOnly}},
		{"another, by an admin signed in elsewhere", other, co.Code, co.member.ID, "", customer.Enrichment{}, []fault.Fault{customer.AdminOnly}},
		{"an API client for itself", co.client, co.Code, "", "", customer.Enrichment{}, []fault.Fault{customer.NotMember}},
		{"an API client elsewhere", co.client, other.OrgCode, co.admin.UserID, "", customer.Enrichment{}, []fault.Fault{customer.NotMember}},
		{"another's customer", co.owner, co.Code, "", "1001", customer.Enrichment{}, []fault.Fault{customer.NotLinked}},
		{"an organization that is gone", elsewhere(co.owner), co.Code, "", "", customer.Enrichment{}, []fault.Fault{customer.UnknownCode}},
	} {
		d.unchanged(c.what, func() {
			got, err := register.Enrich(ctx, c.caller, c.code, c.user, c.number)
			wants(t, c.what, err, c.faults...)
			if got != c.want {
				t.Errorf("%s: %+v; want %+v", c.what, got, c.want)
			}
		})
	}
}

// home is another organization of the user than the one with the id.
func (d *desk) home(user, but string) (id, code string) {
	for k, i := range d.all() {
		if k.pk == userPartition(user) && i.text("OrganizationId") != but && i.text("Code") != "" {
			return i.text("OrganizationId"), i.text("Code")
		}
	}
	d.t.Fatalf("%s is at home nowhere", user)
	return "", ""
}
