package table

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/org"
)

// fromAbroad is an identity that nobody is linked with.
func fromAbroad(email string) caller.Identity {
	return caller.Identity{Issuer: "https://acme.example", Subject: "auth0|1", Email: email, Expires: time.Unix(1800000000, 0).UTC()}
}

func TestRecognize(t *testing.T) {
	d := open(t)
	directory := Directory{d.Table}
	o, _ := d.founded("Acme", "Ann@Acme.example")
	ann := d.user("Ann@Acme.example")
	other, _ := d.founded("Bolt", "ben@bolt.example")
	ben := d.user("ben@bolt.example")
	recognize := func(id caller.Identity) (caller.Caller, error) { return directory.Recognize(t.Context(), id) }
	want := func(what string, id caller.Identity, user org.User, organization org.Organization) {
		t.Helper()
		got, err := recognize(id)
		c := caller.Caller{UserID: user.ID, Email: user.Email.String(), OrganizationID: organization.ID, OrgCode: organization.Code,
			Verified: true, Foreign: true, Expires: id.Expires}
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

	nobody("an e-mail that is not verified", fromAbroad(""))
	nobody("an e-mail that no account has", fromAbroad("eve@acme.example"))
	nobody("an e-mail that is none", fromAbroad("Ann <ann@acme.example>"))

	want("the first time", fromAbroad("ann@ACME.example"), ann, none)
	d.unchanged("the second time", func() {
		want("the second time", fromAbroad("ann@acme.example"), ann, none)
		want("without an e-mail", fromAbroad(""), ann, none)
		want("with another's e-mail", fromAbroad("ben@bolt.example"), ann, none)
		want("with nobody's e-mail", fromAbroad("eve@acme.example"), ann, none)
	})
	for _, apart := range []caller.Identity{{Issuer: "https://acme.example", Subject: "auth0|2"}, {Issuer: "https://acme.example/", Subject: "auth0|1"},
		{Issuer: "https://acme.example" + sep + "auth0|1"}, {Subject: "https://acme.example" + sep + "auth0|1"}} {
		nobody(apart.Issuer+" "+apart.Subject, apart)
	}
	second := fromAbroad("ann@acme.example")
	second.Issuer = "https://bolt.example"
	want("from another issuer", second, ann, none)
	third := fromAbroad("ben@bolt.example")
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
		id := fromAbroad("")
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
	o, _ := d.founded("Acme", "ann@acme.example")
	d.founded("Bolt", "ben@bolt.example")
	ben := d.user("ben@bolt.example")
	id := fromAbroad("ann@acme.example")
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
	id = fromAbroad("ben@bolt.example")
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
		d.founded("Acme", "ann@acme.example")
		ann := d.user("ann@acme.example")
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
			if c, err := directory.Recognize(t.Context(), fromAbroad("ann@acme.example")); err != nil || c.UserID != ann.ID {
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
	d.founded("Acme", "ann@acme.example")
	ann := d.user("ann@acme.example")
	id := fromAbroad("ann@acme.example")
	if err := d.transact(t.Context(), []write{d.put(newItem(issuerKey(id)).with("UserId", "kp_gone"))}); err != nil {
		t.Fatal(err)
	}
	if c, err := directory.Recognize(t.Context(), fromAbroad("eve@acme.example")); !errors.Is(err, org.UnknownAccount) {
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
	d.founded("Acme", "ann@acme.example")
	away := errors.New("no route to the table")
	d.wire.set(func(call, func() (*http.Response, error)) (*http.Response, error) { return nil, away })
	if c, err := (Directory{d.Table}).Recognize(t.Context(), fromAbroad("ann@acme.example")); !errors.Is(err, fault.Unavailable) {
		t.Errorf("%+v, %v", c, err)
	}
}
