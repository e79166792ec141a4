package table

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/mail"
	"charter/pkg/org"
)

// account makes an organization with its founder.
func (d *desk) account(name, email string) (org.Organization, org.User) {
	d.t.Helper()
	address, err := mail.ParseAddress(email)
	if err != nil {
		d.t.Fatal(err)
	}
	password, err := org.ParsePassword("correct horse battery")
	if err != nil {
		d.t.Fatal(err)
	}
	o, err := Directory{d.Table}.Found(d.t.Context(), org.Application{Name: name,
		Founder: org.Person{FirstName: "Ann", LastName: "Roe", Email: address}, Password: password})
	if err != nil {
		d.t.Fatal(err)
	}
	user, err := readUser(d.all()[emailKey(address)])
	if err != nil {
		d.t.Fatal(err)
	}
	return o, user
}

// stranger is an identity that nobody is linked with.
func stranger(email string) caller.Identity {
	return caller.Identity{Issuer: "https://acme.example", Subject: "auth0|1", Email: email, Expires: time.Unix(1800000000, 0).UTC()}
}

func TestRecognize(t *testing.T) {
	d := open(t)
	directory := Directory{d.Table}
	o, ann := d.account("Acme", "Ann@Acme.example")
	other, ben := d.account("Bolt", "ben@bolt.example")
	recognize := func(id caller.Identity) (caller.Caller, error) { return directory.Recognize(t.Context(), id) }
	want := func(what string, id caller.Identity, user org.User, organization org.Organization) {
		t.Helper()
		got, err := recognize(id)
		c := caller.Caller{UserID: user.ID, Email: user.Email.String(), OrganizationID: organization.ID, OrgCode: organization.Code,
			Foreign: true, Expires: id.Expires}
		if err != nil || got != c {
			t.Errorf("%s: %+v, %v; want %+v", what, got, err, c)
		}
	}
	nobody := func(what string, id caller.Identity) {
		t.Helper()
		d.unchanged(what, func() {
			if c, err := recognize(id); !errors.Is(err, org.UnknownAccount) {
				t.Errorf("%s: %+v, %v", what, c, err)
			}
		})
	}
	none := org.Organization{}

	nobody("an e-mail that is not verified", stranger(""))
	nobody("an e-mail that no account has", stranger("eve@acme.example"))
	nobody("an e-mail that is none", stranger("Ann <ann@acme.example>"))

	want("the first time", stranger("ann@ACME.example"), ann, none)
	d.unchanged("the second time", func() {
		want("the second time", stranger("ann@acme.example"), ann, none)
		want("without an e-mail", stranger(""), ann, none)
		want("with another's e-mail", stranger("ben@bolt.example"), ann, none)
		want("with nobody's e-mail", stranger("eve@acme.example"), ann, none)
	})
	for _, apart := range []caller.Identity{{Issuer: "https://acme.example", Subject: "auth0|2"}, {Issuer: "https://acme.example/", Subject: "auth0|1"},
		{Issuer: "https://acme.example" + sep + "auth0|1"}, {Subject: "https://acme.example" + sep + "auth0|1"}} {
		nobody(apart.Issuer+" "+apart.Subject, apart)
	}
	second := stranger("ann@acme.example")
	second.Issuer = "https://bolt.example"
	want("from another issuer", second, ann, none)
	third := stranger("ben@bolt.example")
	third.Subject = "auth0|3"
	want("another person", third, ben, none)

	for name, test := range map[string]struct {
		claim string
		want  org.Organization
	}{
		"a code":           {o.Code, o},
		"an id":            {o.ID, o},
		"one of others":    {other.Code, other}, // whether Ann belongs there is judged where the role is
		"nobody's code":    {"org_00000000000", none},
		"nobody's id":      {"org_01jz0000000000000000000000", none},
		"too long":         {o.ID + "00000000000000000000000000000000000", none},
		"with a separator": {o.ID + sep + "MEMBERS", none},
		"not ASCII":        {"örg", none},
	} {
		id := stranger("")
		id.Organization = test.claim
		want(name, id, ann, test.want)
	}
}

// The role of such a caller is the table's alone, for reads and writes, while it
// is held. Control: without MayBeAdmin in judge or in transactAs, one of the
// first two is refused.
func TestRoleOfAForeigner(t *testing.T) {
	d := open(t)
	directory := Directory{d.Table}
	o, _ := d.account("Acme", "ann@acme.example")
	_, ben := d.account("Bolt", "ben@bolt.example")
	id := stranger("ann@acme.example")
	id.Organization = o.Code
	ann, err := directory.Recognize(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := directory.Record(t.Context(), ann); err != nil {
		t.Errorf("read: %v", err)
	}
	if _, _, err := directory.AddClient(t.Context(), ann, "ERP"); err != nil {
		t.Errorf("write: %v", err)
	}
	if err := directory.Promote(t.Context(), ann, ben.Email); err != nil {
		t.Errorf("promote: %v", err)
	}
	if err := directory.Demote(t.Context(), ann, ben.ID); err != nil {
		t.Errorf("demote: %v", err)
	}
	id = stranger("ben@bolt.example")
	id.Subject, id.Organization = "auth0|2", o.Code
	demoted, err := directory.Recognize(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	nowhere := ann
	nowhere.OrganizationID, nowhere.OrgCode = "", ""
	for name, c := range map[string]caller.Caller{"who was demoted": demoted, "whose token names no organization": nowhere} {
		d.unchanged(name, func() {
			_, read := directory.Record(t.Context(), c)
			_, _, write := directory.AddClient(t.Context(), c, "ERP")
			demote := directory.Demote(t.Context(), c, ann.UserID)
			if !errors.Is(read, org.NotAdmin) || !errors.Is(write, org.NotAdmin) || !errors.Is(demote, org.NotAdmin) {
				t.Errorf("%s: %v, %v, %v", name, read, write, demote)
			}
		})
	}
}

// Two tokens of one person that come first at once make one link. Control:
// without the condition on the item both write, which the count shows.
func TestLinkedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		directory := Directory{d.Table}
		_, ann := d.account("Acme", "ann@acme.example")
		var done atomic.Int64
		d.wire.set(func(c call, send func() (*http.Response, error)) (*http.Response, error) {
			time.Sleep(trip)
			answer, err := send()
			if c.op == "TransactWriteItems" && err == nil && answer.StatusCode == http.StatusOK {
				done.Add(1)
			}
			return answer, err
		})
		together(8, func(int) {
			if c, err := directory.Recognize(t.Context(), stranger("ann@acme.example")); err != nil || c.UserID != ann.ID {
				t.Errorf("%+v, %v", c, err)
			}
		})
		if n := done.Load(); n != 1 {
			t.Errorf("%d links were written", n)
		}
	})
}

// A link that leads nowhere, because its account is gone, is made anew, and only
// for a verified e-mail.
func TestLinkToNobody(t *testing.T) {
	d := open(t)
	directory := Directory{d.Table}
	_, ann := d.account("Acme", "ann@acme.example")
	id := stranger("ann@acme.example")
	if err := d.transact(t.Context(), []write{d.put(newItem(issuerKey(id)).with("UserId", "kp_gone"))}); err != nil {
		t.Fatal(err)
	}
	if c, err := directory.Recognize(t.Context(), stranger("eve@acme.example")); !errors.Is(err, org.UnknownAccount) {
		t.Errorf("%+v, %v", c, err)
	}
	for range 2 {
		if c, err := directory.Recognize(t.Context(), id); err != nil || c.UserID != ann.ID {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

// A table that cannot be asked is not a person that is not there.
func TestRecognizeWithoutATable(t *testing.T) {
	d := open(t)
	d.account("Acme", "ann@acme.example")
	away := errors.New("no route to the table")
	d.wire.set(func(call, func() (*http.Response, error)) (*http.Response, error) { return nil, away })
	if c, err := (Directory{d.Table}).Recognize(t.Context(), stranger("ann@acme.example")); !errors.Is(err, fault.Unavailable) {
		t.Errorf("%+v, %v", c, err)
	}
}
