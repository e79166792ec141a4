package table

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/fault"
	"charter/pkg/org"
)

// newcomer is an account whose e-mail nobody has proved, at home.
func (d *desk) newcomer(name, email string) (org.Organization, caller.Caller) {
	d.t.Helper()
	o, c := d.founded(name, email)
	c.Verified = false
	return o, c
}

// verify proves an e-mail by a link to it.
func (d *desk) verify(link string) error {
	d.t.Helper()
	p, err := org.ParsePassword("chosen by the owner")
	if err != nil {
		d.t.Fatal(err)
	}
	return Directory{d.Table}.verify(context.Background(), link, p, "192.0.2.1", func() (string, error) { return "$argon2id$of-the-owner", nil })
}

// A role that an unverified account is given elsewhere counts from the moment
// of verification on, for tokens made after it, and for no token before.
//
// Tried with the controls that it must catch: proven without a check let the
// newcomer change a price list; isProven without its comparison let them read;
// verified without free left the older tokens at home.
func TestUnverifiedElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		co, ctx := incorporate(t, d), t.Context()
		home, c := d.newcomer("Mallory's", "victoria@acme.example")
		there := c
		there.OrganizationID, there.OrgCode = co.ID, co.Code
		team := Team{d.Table}

		// Before there is a role, that is what is missing.
		_, err := Directory{d.Table}.Record(ctx, there)
		wants(t, "no role", err, org.NotAdmin)
		_, err = team.Organization(ctx, there)
		wants(t, "no member", err, org.NotMember)

		wants(t, "promote", Directory{d.Table}.Promote(ctx, co.owner, addressOf("victoria@acme.example")))
		link := d.letter("victoria@acme.example").Token
		if link == "" {
			t.Fatal("the second letter to an unverified account has no link")
		}
		refused := func(when string, c caller.Caller) {
			t.Helper()
			d.unchanged(when, func() {
				for _, p := range patterns {
					if !p.asks() {
						continue
					}
					for how, call := range map[string]callFunc{"": p.call, "wrongly": p.refused} {
						if call == nil {
							continue
						}
						_, err := call(ctx, co, c)
						wants(t, fmt.Sprint(when, ": ", p, " ", how), err, org.Unverified)
					}
				}
				for what, err := range map[string]error{
					"revise": team.Revise(ctx, c, org.Changes{City: new(string)}), "assign": team.Assign(ctx, c, co.member.ID, org.Admin),
					"dismiss": team.Dismiss(ctx, c, co.member.ID), "invite": team.Invite(ctx, c, addressOf("new@acme.example"), org.Member),
					"revoke": team.Revoke(ctx, c, "inv_1"), "add a role": team.AddRole(ctx, c, org.Definition{Role: "buyer"}),
					"demote": Directory{d.Table}.Demote(ctx, c, co.admin.UserID),
				} {
					wants(t, when+": "+what, err, org.Unverified)
				}
				_, err := team.Organization(ctx, c)
				wants(t, when+": read", err, org.Unverified)
				_, err = team.Roster(ctx, c, "")
				wants(t, when+": roster", err, org.Unverified)
				_, err = team.Establish(ctx, c, "Too", "too", org.Profile{})
				wants(t, when+": establish", err, org.Unverified)
				_, err = Register{d.Table}.Enrich(ctx, c, co.Code, "", "")
				wants(t, when+": enrich", err, org.Unverified)
			})
		}
		refused("elsewhere", there)
		_, err = Register{d.Table}.Enrich(ctx, c, co.Code, "", "")
		wants(t, "enrich from home", err, org.Unverified)
		if list, err := team.Organizations(ctx, c); err != nil || len(list) != 1 || list[0].ID != home.ID {
			t.Errorf("lists %v, %v; want home alone", list, err)
		}
		if e, err := (Register{d.Table}).Enrich(ctx, c, home.Code, "", ""); err != nil || e.Verified {
			t.Errorf("at home enriched as %+v, %v", e, err)
		}
		wants(t, "at home", Book{d.Table}.Add(ctx, c, gold, "EUR"))

		wants(t, "verify", d.verify(link))
		refused("an older token", there)
		wants(t, "an older token, at home", Book{d.Table}.Add(ctx, c, silver, "EUR"), org.Unverified)
		_, err = Directory{d.Table}.Record(ctx, c)
		wants(t, "an older token reads at home", err, org.Unverified)
		if list, err := team.Organizations(ctx, c); err != nil || len(list) != 0 {
			t.Errorf("an older token lists %v, %v", list, err)
		}
		there.Verified, c.Verified = true, true
		for _, c := range []caller.Caller{there, c} {
			wants(t, "verified", Book{d.Table}.Add(ctx, c, "Tin", "EUR"))
		}
		account, err := Directory{d.Table}.Account(ctx, addressOf("victoria@acme.example"), "192.0.2.1")
		if err != nil || !account.Verified() || account.PasswordHash == "$argon2id$of-nobody" {
			t.Errorf("the account %+v, %v", account, err)
		}
		for k := range d.all() {
			if strings.HasPrefix(k.pk, "UNVERIFIED"+sep+c.UserID) || k == expiryKey(home.ID) {
				t.Errorf("%q is left", k)
			}
		}
		if b := d.letter("victoria@acme.example"); b.Token != link {
			t.Error("a letter that nobody ordered")
		}
	})
}

// A link works once and for seven days, only its hash is kept, and what was
// verified otherwise meanwhile it verifies no more.
func TestVerify(t *testing.T) {
	d := open(t)
	d.newcomer("Acme", "ann@acme.example")
	first := d.letter("ann@acme.example").Token
	for k, i := range d.all() {
		if k.sk != "LETTER" && strings.Contains(k.pk+shown(tree(i)), first) {
			t.Errorf("%q holds the link", k)
		}
	}
	for _, wrong := range []string{"", "a", first + "a", first[:len(first)-1], strings.Repeat("x", 60_000)} {
		wants(t, "no token", d.verify(wrong), org.InvalidToken)
	}
	d.clock.pass(time.Second)
	d.newcomer("Bolt", "ann@acme.example") // known: a second link
	second := d.letter("ann@acme.example").Token
	if second == first || second == "" {
		t.Fatalf("the second link is %q", second)
	}
	guess, _ := org.ParsePassword("ANN@acme.example")
	err := Directory{d.Table}.Verify(t.Context(), second, guess, "192.0.2.1")
	if faults, _ := fault.All(err); len(faults) != 1 || faults[0].Field != "Password" {
		t.Errorf("a password that anybody would guess: %v", err)
	}
	d.clock.pass(org.VerifyTime - time.Second)
	wants(t, "the first, after seven days", d.verify(first), org.InvalidToken)
	wants(t, "the second, in time", d.verify(second))
	wants(t, "again", d.verify(second), org.InvalidToken)
	d.clock.pass(time.Second)
	if d.founded("Core", "ann@acme.example"); d.letter("ann@acme.example").Token != "" {
		t.Error("a verified account gets a link")
	}
	d.clock.pass(-org.VerifyTime)
	d.unchanged("the first", func() { wants(t, "another link of the account", d.verify(first), org.InvalidToken) })
}

// Of all who use a link at once one does.
func TestVerifyAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.newcomer("Acme", "ann@acme.example")
		link := d.letter("ann@acme.example").Token
		d.wire.lockstep()
		errs := make([]error, 8)
		together(len(errs), func(n int) { errs[n] = d.verify(link) })
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			wants(t, "a loser", err, org.InvalidToken)
		}
		if won != 1 {
			t.Errorf("%d verified", won)
		}
	})
}

// Accepting an invitation verifies, too, and the token at hand goes on.
//
// Tried with the control that it must catch: an acceptance that verified nothing.
func TestAcceptVerifies(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		co, ctx := incorporate(t, d), t.Context()
		_, c := d.newcomer("Ben's", "ben@ben.example")
		link := d.letter("ben@ben.example").Token
		m := team{d, Team{d.Table}, co.Organization, co.owner}
		wants(t, "accept", m.Accept(ctx, c, m.invited(co.owner, "ben@ben.example", org.Admin)))
		there := c
		there.OrganizationID, there.OrgCode = co.ID, co.Code
		for _, c := range []caller.Caller{c, there} {
			wants(t, "write", Book{d.Table}.Add(ctx, c, "Tin", "EUR"))
			_, err := m.Team.Organization(ctx, c)
			wants(t, "read", err)
		}
		_, err := m.Establish(ctx, c, "Too", "too", org.Profile{})
		wants(t, "establish", err)
		if e, err := (Register{d.Table}).Enrich(ctx, c, co.Code, "", customer.Number("")); err != nil || !e.Verified {
			t.Errorf("enriched as %+v, %v", e, err)
		}
		wants(t, "a link from before", d.verify(link), org.InvalidToken)
		for n := range marks {
			if i := d.all()[unverifiedKey(c.UserID, n)]; i.number("ExpiresAt") <= d.Now().Add(time.Hour).Unix() {
				t.Errorf("it goes before the token does, or never: %s", shown(tree(i)))
			}
		}
		second, c2 := d.newcomer("Cat's", "cat@cat.example")
		wants(t, "another's invitation", m.Accept(ctx, c2, m.invited(co.owner, "dan@dan.example", org.Member)), org.WrongRecipient)
		if u := d.user("cat@cat.example"); u.Verified() || second.ID != u.HomeID {
			t.Errorf("another's invitation verifies: %+v", u)
		}
	})
}

// What the public routes take of one address and about one e-mail.
//
// Tried with the control that it must catch: a Verify that counted nobody's attempts.
func TestPublicLimits(t *testing.T) {
	d := open(t)
	d.Limits = Limits{PerAddress: 3, PerEmail: 2, PerEmailAndAddress: 1e6, PerClient: 1e6}
	ctx, directory := t.Context(), Directory{d.Table}
	p, _ := org.ParsePassword("chosen by the owner")
	found := func(name, email, source string) error {
		a := application(name, email)
		a.Source = source
		_, err := directory.found(ctx, a, ofNobody)
		return err
	}
	wants(t, "one", found("A", "ann@acme.example", "192.0.2.1"))
	wants(t, "one that is refused counts", found("A", "ann@acme.example", "192.0.2.1"), org.NameTaken)
	wants(t, "the third about one e-mail", found("B", "ANN@acme.example", "192.0.2.2"), org.TooManyAttempts)
	wants(t, "the third from one address", found("B", "ben@acme.example", "192.0.2.1"))
	d.unchanged("the fourth", func() {
		wants(t, "the fourth from one address", found("C", "cat@acme.example", "192.0.2.1"), org.TooManyAttempts)
	})
	wants(t, "another address", found("C", "cat@acme.example", "192.0.2.3"))
	for want, source := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1"} {
		err := directory.Verify(ctx, "guess", p, source)
		wants(t, "verify", err, []fault.Fault{org.InvalidToken, org.InvalidToken, org.InvalidToken, org.TooManyAttempts}[want])
	}
	for n, want := range []fault.Fault{org.UnknownAccount, org.UnknownAccount, org.UnknownAccount, org.TooManyAttempts} {
		_, err := directory.Account(ctx, addressOf(fmt.Sprintf("n%d@acme.example", n)), "192.0.2.1")
		wants(t, "sign in", err, want)
	}
	_, err := directory.Client(ctx, "client_of_nobody", "192.0.2.1")
	wants(t, "an API client from there", err, org.TooManyAttempts)
	d.clock.pass(time.Minute)
	wants(t, "a minute later", found("D", "ann@acme.example", "192.0.2.1"))
}
