package table

import (
	"fmt"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/idempotency"
	"charter/pkg/mail"
	"charter/pkg/org"
)

func TestEstablish(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, ann := t.Context(), d.account("ann@acme.example")
		email, _ := mail.ParseAddress("billing@acme.example")
		profile := org.Profile{Address1: "1 Road", City: "Nairobi", Country: "Kenya", Email: email, KRAPin: "P1", LogoURL: "https://acme.example/"}
		var o org.Organization
		team := team{desk: d, Team: Team{d.Table}}
		team.takes("establishing", 1, func() (err error) {
			o, err = team.Establish(ctx, ann, "Acme", "acme", profile)
			return err
		})
		if o.Name != "Acme" || o.Slug != "acme" || o.Profile != profile || o.KYBStatus != org.KYBPending || o.CreatedAt != d.Now() {
			t.Errorf("%+v", o)
		}
		// It is whole in the other dialect, and its owner is known there by name.
		ann.OrganizationID, ann.Admin = o.ID, true
		commerce := Directory{d.Table}
		record, err := commerce.Record(ctx, ann)
		if err != nil || record.Organization != o || len(record.Subscriptions) != 1 || len(o.Code) != 15 {
			t.Errorf("%+v, %v", record, err)
		}
		if err := (Book{d.Table}).Add(ctx, ann, "Retail", "KES"); err != nil {
			t.Error(err)
		}
		admins, err := commerce.Admins(ctx, ann)
		if err != nil || len(admins) != 1 || admins[0].FirstName != "ann" || admins[0].Phone != "7" {
			t.Errorf("%+v, %v", admins, err)
		}
		if account, err := commerce.Account(ctx, admins[0].Email, "192.0.2.1"); err != nil || len(account.Memberships) != 1 || account.Memberships[0].Code != o.Code {
			t.Errorf("%+v, %v", account, err)
		}
		// A slug is taken for both dialects; a name that was given here is not.
		d.unchanged("a slug that is taken", func() {
			_, err := team.Establish(ctx, ann, "Other", "acme", profile)
			wants(t, "taken slug", err, org.SlugTaken)
		})
		password, _ := org.ParsePassword("Password1234!")
		made, err := commerce.Found(ctx, org.Application{Name: "ACME", Founder: org.Person{FirstName: "Ann", LastName: "Roe", Email: admins[0].Email}, Password: password})
		if err != nil || made.Slug != "acme-2" || made.KYBStatus != org.KYBPending {
			t.Errorf("%+v, %v", made, err)
		}
		_, err = team.Establish(ctx, ann, "Other", "acme-2", profile)
		wants(t, "slug of the other dialect", err, org.SlugTaken)
	})
}

// The same request under one key gets the first answer, at once too.
func TestEstablishUnderAKey(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ann := d.account("ann@acme.example")
		attempt := func() (o org.Organization, replayed bool) {
			a := &idempotency.Attempt{Subject: ann.UserID, Route: "POST /v1/organizations", Key: "k", Body: []byte("{}")}
			o, err := Team{d.Table}.Establish(idempotency.NewContext(t.Context(), a), ann, "Acme", "acme", org.Profile{})
			if err != nil {
				t.Error(err)
			}
			return o, a.Replayed
		}
		made, replays := make([]org.Organization, 4), make([]bool, 4)
		together(4, func(n int) { made[n], replays[n] = attempt() })
		first := 0
		for n := range made {
			if made[n] != made[0] {
				t.Errorf("%+v and %+v", made[0], made[n])
			}
			if !replays[n] {
				first++
			}
		}
		if first != 1 {
			t.Errorf("%d of 4 were not replays", first)
		}
	})
}

func TestOrganizationsOfAUser(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, ann := t.Context(), d.account("ann@acme.example")
		team := team{desk: d, Team: Team{d.Table}}
		for n := range 101 {
			if _, err := team.Establish(ctx, ann, "Acme", fmt.Sprintf("acme-%03d", 100-n), org.Profile{}); err != nil {
				t.Fatal(err)
			}
			d.clock.pass(time.Millisecond)
			if n == 99 {
				team.takes("a hundred organizations", 2, func() error { _, err := team.Organizations(ctx, ann); return err })
			}
		}
		var list []org.Organization
		team.takes("a hundred and one", 3, func() (err error) { list, err = team.Organizations(ctx, ann); return err })
		if len(list) != 101 {
			t.Fatalf("%d organizations", len(list))
		}
		for n, o := range list {
			if o.Slug != fmt.Sprintf("acme-%03d", 100-n) {
				t.Errorf("%d: %s", n, o.Slug)
			}
		}
		if list, err := team.Organizations(ctx, d.account("ben@acme.example")); err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
	})
}

func TestRevise(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), d.newTeam("acme")
		m.has("editor", org.UpdateOrganization)
		admin, editor, robot := m.joins("ada", org.Admin), m.joins("eve", "editor"), m.robot()
		text := func(s string) *string { return &s }
		email := address(t, "b@acme.example")
		all := org.Changes{Name: text("Acme"), Address1: text("1"), Address2: text("2"), City: text("c"), Region: text("r"), PostalCode: text("p"),
			Country: text("co"), Phone: text("ph"), Email: &email, Website: text("w"), KRAPin: text("k"), LogoURL: text("l")}
		d.clock.pass(1000)
		m.takes("all", 1, func() error { return m.Revise(ctx, m.owner, all) })
		want := all.Apply(m.Organization)
		want.UpdatedAt = d.Now()
		var got org.Organization
		m.takes("reading", 1, func() (err error) { got, err = m.Team.Organization(ctx, m.owner); return err })
		if got != want {
			t.Errorf("%+v\nwant %+v", got, want)
		}
		for trips, by := range map[int][]caller.Caller{1: {m.owner, admin, robot}, 2: {editor}} {
			for _, by := range by {
				m.takes(by.UserID+by.ClientID, trips, func() error { return m.Revise(ctx, by, org.Changes{City: text("")}) })
			}
		}
		if got, err := m.Team.Organization(ctx, m.owner); err != nil || got.City != "" || got.Address1 != "1" || got.Name != "Acme" {
			t.Errorf("%+v, %v", got, err)
		}
		// What is written there keeps what is written here.
		there := m.owner
		there.Admin = true
		if record, err := (Directory{d.Table}).Change(ctx, there, org.Changes{Region: text("R")}); err != nil || record.KRAPin != "k" || record.KYBStatus != org.KYBPending {
			t.Errorf("%+v, %v", record, err)
		}
	})
}

// An organization that loses its claimed name here leaves it to others, and
// never takes theirs from them.
func TestReviseAClaimedName(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx, m := t.Context(), team{desk: d, Team: Team{d.Table}}
		commerce := Directory{d.Table}
		password, _ := org.ParsePassword("Password1234!")
		found := func(name, email string) (caller.Caller, error) {
			p := m.person(email)
			o, err := commerce.Found(ctx, org.Application{Name: name, Founder: p, Password: password})
			found, _ := d.fetch(ctx, emailKey(p.Email))
			return caller.Caller{UserID: found[emailKey(p.Email)].text("UserId"), Verified: true, OrganizationID: o.ID, Admin: true}, err
		}
		ann, err := found("Acme", "ann@acme.example")
		if err != nil {
			t.Fatal(err)
		}
		text := func(s string) *string { return &s }
		m.takes("another spelling", 2, func() error { return m.Revise(ctx, ann, org.Changes{Name: text("ACME")}) })
		_, err = found("acme", "ben@bolt.example")
		wants(t, "the name is claimed still", err, org.NameTaken)
		m.takes("without a name", 1, func() error { return m.Revise(ctx, ann, org.Changes{City: text("Nairobi")}) })
		m.takes("another name", 2, func() error { return m.Revise(ctx, ann, org.Changes{Name: text("Bolt")}) })
		d.sound()
		m.takes("and again", 1, func() error { return m.Revise(ctx, ann, org.Changes{Name: text("Core")}) })
		ben, err := found("Acme", "ben@bolt.example")
		if err != nil {
			t.Fatalf("the name is free: %v", err)
		}
		if err := m.Revise(ctx, ann, org.Changes{Name: text("Acme")}); err != nil {
			t.Error(err)
		}
		_, err = commerce.Change(ctx, ann, org.Changes{Name: text("Acme")})
		wants(t, "ben's name", err, org.NameTaken)
		if _, err := commerce.Change(ctx, ann, org.Changes{Name: text("Dune")}); err != nil {
			t.Error(err)
		}
		if record, err := commerce.Record(ctx, ben); err != nil || record.Name != "Acme" {
			t.Errorf("%+v, %v", record, err)
		}
	})
}
