package table

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/idempotency"
	"charter/pkg/mail"
	"charter/pkg/org"
	"charter/pkg/pricing"
)

// furnished is a table with every kind of item in it, and an admin of one of its
// organizations.
func furnished(t *testing.T) (*desk, caller.Caller) {
	t.Helper()
	d, ctx := open(t), t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	directory, book, register := Directory{d.Table}, Book{d.Table}, Register{d.Table}
	password, err := org.ParsePassword("Password1234!")
	check(err)
	o, err := directory.Found(ctx, org.Application{Name: "Acme", Password: password,
		Founder: org.Person{FirstName: "Ann", LastName: "Roe", Email: address(t, "ann@acme.example")}})
	check(err)
	account, err := directory.Account(ctx, address(t, "ann@acme.example"), "192.0.2.1")
	check(err)
	ann := caller.Caller{UserID: account.ID, Email: "ann@acme.example", OrganizationID: o.ID, OrgCode: o.Code, Admin: true}

	m := d.newTeam("bolt")
	m.has("buyer", org.CreateOrders)
	m.joins("tom", "buyer")
	m.joins("sue", org.Admin)
	m.invited(m.owner, "joe@bolt.example", org.Member)

	check(directory.Promote(ctx, ann, address(t, "tom@bolt.example")))
	_, _, err = directory.AddClient(ctx, ann, "robot")
	check(err)
	for _, name := range []pricing.TierName{"Retail", "Old", "Heir", "Closed"} {
		check(book.Add(ctx, ann, name, "EUR"))
	}
	enter := func(n customer.Number, tier pricing.TierName) {
		_, err := register.Enter(ctx, ann, customer.Entry{Number: n, CompanyName: "Globex", Tier: tier, Active: true})
		check(err)
	}
	enter("C-1", "Retail")
	enter("C-2", "Old")
	check(book.Remove(ctx, ann, "Old", "Heir"))
	check(book.Remove(ctx, ann, "Closed", ""))
	check(Outbox{d.Table}.Mark(ctx, mail.Letter{To: address(t, "gone@bolt.example")}, mail.Bounced))
	_, _, err = register.Associate(ctx, ann, "kp_sue_bolt", "C-1")
	check(err)
	// Sheets for all but the links that wait: of another organization, so that
	// the first has its links in the log alone.
	d.scale, d.Shelf = small, &Shelf{}
	owner := m.owner
	owner.Admin = true
	for n := range 40 {
		_, _, err = register.Associate(ctx, owner, "kp_tom_bolt", customer.Number(fmt.Sprintf("C-%02d", n)))
		check(err)
		check(Roll{d.Table}.Fold(ctx, logPartition(m.ID)))
	}
	_, err = directory.Recognize(ctx, caller.Identity{Issuer: "https://issuer.example", Subject: "ann", Email: "ann@acme.example"})
	check(err)
	once := idempotency.NewContext(ctx, &idempotency.Attempt{Subject: ann.Subject(), Route: "PUT /api/organization", Key: "1", Body: []byte("{}")})
	_, err = directory.Change(once, ann, org.Changes{City: new("Nairobi")})
	check(err)
	check(Trail{d.Table}.Seal(ctx, o.ID))
	check(Trail{d.Table}.Seal(ctx, m.ID))
	return d, ann
}

func (d *desk) audited() Report {
	d.t.Helper()
	report, err := Auditor{d.Table}.Audit(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return report
}

// Every item of a whole table is missed when it is taken away, but for those
// that may go at any time; and what is found tells nothing of a person.
//
// Tried with controls that it must catch: an auditor that did not book what a
// user's e-mail is, and one that did not remember associations, each of which
// takes a whole table for broken.
func TestAuditorMissesEveryItem(t *testing.T) {
	d, _ := furnished(t)
	if report := d.audited(); !report.Whole() || report.Items != len(d.all()) {
		t.Fatalf("%+v", report)
	}
	d.clock.pass(unsealedFor + time.Second) // an entry that has lost its seal is missed then
	seen := map[string]bool{}
	for k, i := range d.all() {
		name := kindOf(strings.Split(k.pk, sep), strings.Split(k.sk, sep))
		seen[name] = true
		pk := strings.Split(k.pk, sep)
		free := slices.Contains([]string{"LETTER LETTER", "IDEMPOTENCY IDEMPOTENCY", "RATE RATE", "VERIFY VERIFY", "EXPIRY EXPIRY", "ISSUER ISSUER", "MARK MARK"}, name) ||
			pk[0] == "ROLL" && strings.Contains(strings.Join(readRoll(d.all()[rollKey(pk[1])]).trash, " "), pk[2]) ||
			strings.HasPrefix(k.sk, "INVITE") || name == "ORG TIERUSE" && i.flag("Closed")
		d.raw(d.remove(k))
		report := d.audited()
		if report.Whole() != free {
			t.Errorf("%s is gone: %+v", strings.ReplaceAll(k.pk+" | "+k.sk, sep, "#"), report)
		}
		if told := strings.Join(report.Broken, "\n"); strings.Contains(told, "@") || strings.Contains(told, "Ann") || strings.Contains(told, "Acme") {
			t.Errorf("tells of a person: %s", told)
		}
		d.raw(d.put(i))
	}
	for name := range kinds {
		if !seen[name] {
			t.Errorf("no item was %s", name)
		}
	}
}

// What an item says that is not so is found.
//
// Tried with controls that it and the test above must catch: an auditor without
// the checks of one kind of item, for eighteen of the kinds.
func TestAuditorFindsLies(t *testing.T) {
	d, ann := furnished(t)
	id := ann.OrganizationID
	all := d.all()
	var seals []key
	for k := range all {
		if k.pk == sealsPartition(id) {
			seals = append(seals, k)
		}
	}
	entry := readSeal(all[seals[0]]).entries[2]
	for what, lie := range map[string]item{
		"a name that is another's":       all[nameKey("Acme")].and(item{"OrganizationId": str("org_none")}),
		"another name":                   all[orgKey(id)].and(item{"Name": str("Else")}),
		"an e-mail that is another's":    all[emailKey(address(t, ann.Email))].and(item{"UserId": str("kp_sue_bolt")}),
		"an admin who is no owner":       all[adminKey(id, ann.UserID)].and(item{"Role": str("admin")}),
		"a member with another role":     all[memberKey(id, ann.UserID)].and(item{"Role": str("member")}),
		"a member with no known role":    all[memberKey(id, ann.UserID)].and(item{"Role": str("none")}),
		"sets without an owner":          all[adminsKey(id)].and(item{"Owners": set("kp_none")}),
		"a membership of another code":   all[membershipKey(ann.UserID, id)].and(item{"Code": str("org_0")}),
		"a count of clients":             all[clientCountKey(id)].and(item{"Clients": num(2)}),
		"a count of customers":           newItem(tierUseKey(id, "tier", 3)).set("Customers", num(1)),
		"a customer without a counter":   all[customerKey(id, "C-1")].and(item{"TierId": str("none")}),
		"a list without its tiers":       all[tiersKey(id)].and(item{"Tiers": tree(item{})}),
		"a letter due and failed":        newItem(letterKey("l")).with("LetterId", "l").with("Kind", "welcome").with("To", "a@b.example").with("FailedAt", "x").with("DuePK", "DUE").with("DueAt", "x"),
		"a letter to nobody":             newItem(letterKey("l")).with("LetterId", "l").with("Kind", "welcome").with("DuePK", "DUE").with("DueAt", "x"),
		"a mark without a reason":        newItem(markKey(address(t, "ann@acme.example"))).set("MarkedAt", moment(d.Now())),
		"an item of no kind":             newItem(key{join("ANYTHING", "1"), "X"}),
		"an item of no form":             newItem(key{"ann@acme.example", "X"}),
		"an item of no organization":     newItem(subKey("org_none", "s")).with("Plan", org.DefaultPlan),
		"an entry that was changed":      all[auditKey(id, entry)].and(item{"Subject": str("kp_else")}),
		"an entry that was put in":       all[auditKey(id, entry)].and(item{"SK": str(ulidFrom(d.Now().Add(-time.Hour)))}).and(item{"AuditId": str(ulidFrom(d.Now().Add(-time.Hour)))}),
		"a seal that was changed":        all[seals[0]].and(item{"SealedAt": moment(d.Now().Add(time.Hour))}),
		"a seal that was put behind":     all[seals[0]].and(item{"SK": str(sealKey(id, 2).sk), "Number": num(2)}),
		"a seal without a seal before":   all[seals[0]].and(item{"SK": str(sealKey(id, 3).sk), "Number": num(3)}),
		"an end of a log without a roll": newItem(endKey(id, 2)).set("Version", num(1)),
		"a role without a definition":    all[rolesKey(id)].and(item{"Custom": tree(item{roleName("x"): tree(item{"Name": str("x"), "Members": num(1)})})}),
		"a price tier on another's name": all[tiersKey(id)].and(item{"Tiers": tree(item{"x": tree(item{"Name": str("Y"), "TierId": str("y")})})}),
	} {
		k := key{lie.text("PK"), lie.text("SK")}
		d.raw(d.put(lie))
		if what == "an entry that was put in" {
			d.clock.pass(unsealedFor + time.Minute)
			if report := d.audited(); len(report.Unsealed) == 0 {
				t.Errorf("%s was not found unsealed: %+v", what, report)
			}
			d.clock.pass(-unsealedFor - time.Minute)
		} else if report := d.audited(); len(report.Broken) == 0 || strings.Contains(strings.Join(report.Broken, ""), "@") {
			t.Errorf("%s: %+v", what, report)
		}
		if d.raw(d.remove(k)); all[k] != nil {
			d.raw(d.put(all[k]))
		}
	}
}

// An entry of the log that is in another quarter than its own would never be
// taken out of it.
func TestAuditorFindsAQuarter(t *testing.T) {
	d, _ := furnished(t)
	for k, i := range d.all() {
		pk, sk := strings.Split(k.pk, sep), strings.Split(k.sk, sep)
		if kindOf(pk, sk) != "ORG LOG" {
			continue
		}
		sk[0] = map[bool]string{true: "0", false: "1"}[sk[0] == "1"]
		moved := i.and(item{"SK": str(join(sk...))})
		d.raw(d.remove(k), d.put(moved))
		if report := d.audited(); len(report.Broken) != 1 || !strings.Contains(report.Broken[0], "another quarter") {
			t.Errorf("%+v", report)
		}
		d.raw(d.put(i), d.remove(key{k.pk, moved.text("SK")}))
		return
	}
	t.Error("nothing is in a log")
}

// Seals alone tell of a trail that is gone.
//
// Tried with the control that it must catch: an auditor that only looks for
// trails where there are entries.
func TestAuditorMissesATrail(t *testing.T) {
	d, ann := furnished(t)
	var gone, back []write
	for k, i := range d.all() {
		if k.pk == trailPartition(ann.OrganizationID) {
			gone, back = append(gone, d.remove(k)), append(back, d.put(i))
		}
	}
	d.raw(gone...)
	if report := d.audited(); len(report.Broken) < len(gone) {
		t.Errorf("%d entries are gone: %+v", len(gone), report)
	}
	d.raw(back...)
}

// What others were writing during a walk is not taken for broken, which a second
// walk confirms or not.
//
// Tried with the control that it must catch: a report of the first walk alone.
func TestAuditorOnALiveTable(t *testing.T) {
	d, ann := furnished(t)
	claim := d.all()[codeKey(ann.OrgCode)]
	d.raw(d.remove(codeKey(ann.OrgCode)))
	walks := 0
	d.wire.set(func(c call, send func() (*http.Response, error)) (*http.Response, error) {
		if c.op == "Scan" {
			if walks++; walks == 2 {
				d.raw(d.put(claim)) // whoever was writing has ended
			}
		}
		return send()
	})
	if report := d.audited(); !report.Whole() || walks != 2 {
		t.Errorf("%d walks: %+v", walks, report)
	}
}
