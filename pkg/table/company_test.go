package table

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/mail"
	"charter/pkg/org"
	"charter/pkg/pricing"
)

// company is an organization with one of everything, beside two others.
type company struct {
	*desk
	org.Organization
	owner, admin, client caller.Caller
	member               org.User   // linked to customer 1001, no admin
	stranger             org.User   // has an account, is no member
	spare                org.Client // one that may be removed
	letter, spoilt       string     // the ids of one that waits and one that has failed for good
	link                 string     // verifies the stranger's e-mail
}

// Price tiers: Gold, the default, is that of customer 1001; Bronze took over
// from Copper; nobody has Silver or Bronze.
const gold, silver, bronze, copper = pricing.TierName("Gold"), pricing.TierName("Silver"), pricing.TierName("Bronze"), pricing.TierName("Copper")

// incorporated is a company and the calls that write all of its table.
var incorporated struct {
	sync.Once
	company
	calls []call
}

// incorporate makes a company in the table. It is made once through the
// patterns themselves, and then copied.
func incorporate(t testing.TB, d *desk) *company {
	t.Helper()
	incorporated.Do(func() {
		first, second := open(t), open(t)
		incorporated.company = *first.incorporate()
		items := slices.Collect(maps.Values(first.all()))
		incorporated.calls = second.record(func() {
			for some := range slices.Chunk(items, 100) {
				var writes []write
				for _, i := range some {
					writes = append(writes, second.put(i))
				}
				second.raw(writes...)
			}
		})
	})
	for _, c := range incorporated.calls {
		d.replay(c)
	}
	co := incorporated.company
	co.desk = d
	return &co
}

func (d *desk) incorporate() *company {
	ctx := context.Background()
	must := func(err error) {
		d.t.Helper()
		if err != nil {
			d.t.Fatal(err)
		}
	}
	co := &company{desk: d}
	co.Organization, co.owner = d.founded("Acme Corp", "olive@acme.example")
	client, _, err := Directory{d.Table}.AddClient(ctx, co.owner, "ERP")
	must(err)
	co.client = co.clientCaller(client.ID)
	co.spare, _, err = Directory{d.Table}.AddClient(ctx, co.owner, "Spare")
	must(err)
	d.founded("Adam's Shop", "adam@shop.example")
	d.founded("Mary's Shop", "mary@shop.example")
	d.founded("Stan's Shop", "stan@shop.example")
	must(Directory{d.Table}.Promote(ctx, co.client, addressOf("adam@shop.example")))
	co.admin = co.userCaller(d.user("adam@shop.example"))
	co.member, co.stranger = d.user("mary@shop.example"), d.user("stan@shop.example")
	book := Book{d.Table}
	_, err = Directory{d.Table}.Recognize(ctx, co.linked())
	must(err)
	must(book.Add(ctx, co.owner, gold, "EUR"))
	must(book.Add(ctx, co.owner, silver, "USD"))
	must(book.Add(ctx, co.owner, bronze, "GBP"))
	must(book.Add(ctx, co.owner, copper, "CHF"))
	must(book.Remove(ctx, co.owner, copper, bronze))
	_, err = Register{d.Table}.Enter(ctx, co.owner, entry("1001", gold))
	must(err)
	_, _, err = Register{d.Table}.Associate(ctx, co.owner, co.member.ID, "1001")
	must(err)
	co.link = d.letter("stan@shop.example").Token
	for k, i := range d.all() {
		switch {
		case k.sk != "LETTER":
		case co.spoilt == "":
			co.spoilt = i.text("LetterId")
			letter, err := readLetter(i)
			must(err)
			must(Outbox{d.Table}.Failed(ctx, letter, true))
		default:
			co.letter = i.text("LetterId")
		}
	}
	return co
}

// founded is an organization and its owner.
func (d *desk) founded(name, email string) (org.Organization, caller.Caller) {
	d.t.Helper()
	o, err := d.found(name, email)
	if err != nil {
		d.t.Fatal(err)
	}
	u := d.user(email)
	return o, caller.Caller{UserID: u.ID, Email: email, Verified: true, OrganizationID: o.ID, OrgCode: o.Code, Admin: true}
}

// application asks for an organization that says something of everything.
func application(name, email string) org.Application {
	password, err := org.ParsePassword("correct horse battery staple")
	if err != nil {
		panic(err)
	}
	return org.Application{Name: name, Password: password,
		Founder: org.Person{FirstName: "Firstname", LastName: "Lastname", Email: addressOf(email), Phone: "+1 555 0100"},
		Organization: org.Profile{Address1: "1 Road", Address2: "Door 2", City: "Town", Region: "Land", PostalCode: "12345",
			Country: "US", Phone: "+1 555 0199", Email: addressOf("office@acme.example"), Website: "https://acme.example"}}
}

func entry(n customer.Number, tier pricing.TierName) customer.Entry {
	return customer.Entry{Number: n, CompanyName: "Customer " + string(n), CompanyEmail: addressOf("buyer@customer.example"), Tier: tier, Active: true}
}

func addressOf(s string) mail.Address {
	a, err := mail.ParseAddress(s)
	if err != nil {
		panic(err)
	}
	return a
}

// user is who has the e-mail.
func (d *desk) user(email string) org.User {
	d.t.Helper()
	k := emailKey(addressOf(email))
	found, err := d.fetch(context.Background(), k)
	if err != nil {
		d.t.Fatal(err)
	}
	u, err := readUser(found[k])
	if err != nil || u.ID == "" {
		d.t.Fatalf("%s has no account: %v", email, err)
	}
	return u
}

// linked is how another issuer knows the member.
func (co *company) linked() caller.Identity {
	return caller.Identity{Issuer: "https://shop.example", Subject: "mary", Email: co.member.Email.String(), Organization: co.Code}
}

func (co *company) userCaller(u org.User) caller.Caller {
	return caller.Caller{UserID: u.ID, Email: u.Email.String(), Verified: true, OrganizationID: co.ID, OrgCode: co.Code, Admin: true}
}

func (co *company) clientCaller(id string) caller.Caller {
	return caller.Caller{ClientID: id, OrganizationID: co.ID, OrgCode: co.Code, Admin: true}
}
