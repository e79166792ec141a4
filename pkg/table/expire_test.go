package table

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"charter/pkg/customer"
	"charter/pkg/org"
)

// occupied is an organization that nobody has verified, with some of everything,
// and a customer's user from elsewhere.
func (d *desk) occupied() (o org.Organization, guest org.User) {
	d.t.Helper()
	must := func(err error) {
		d.t.Helper()
		if err != nil {
			d.t.Fatal(err)
		}
	}
	ctx := d.t.Context()
	d.newcomer("Elsewhere", "guest@else.example")
	guest = d.user("guest@else.example")
	o, c := d.newcomer("Squatter", "victoria@acme.example")
	_, _, err := Directory{d.Table}.AddClient(ctx, c, "Robot")
	must(err)
	must(Book{d.Table}.Add(ctx, c, gold, "EUR"))
	register := Register{d.Table}
	_, err = register.Enter(ctx, c, entry("1001", gold))
	must(err)
	for n := range 3 {
		_, _, err = register.Associate(ctx, c, guest.ID, customer.Number(fmt.Sprint(n)))
		must(err)
	}
	must(Directory{d.Table}.Promote(ctx, c, addressOf("guest@else.example")))
	team := Team{d.Table}
	must(team.AddRole(ctx, c, org.Definition{Role: "buyer"}))
	must(team.Invite(ctx, c, addressOf("somebody@acme.example"), "buyer"))
	must(Trail{d.Table}.Seal(ctx, o.ID))
	return o, guest
}

// gone fails for everything that still speaks of the organization or of whom it
// was home to. Letters and links end by themselves.
func (d *desk) gone(o org.Organization, user string) {
	d.t.Helper()
	for k, i := range d.all() {
		if k.sk == "LETTER" || k.sk == "VERIFY" || k.sk == "RATE" {
			continue
		}
		if s := strings.ReplaceAll(k.pk+" | "+k.sk, sep, "#") + shown(tree(i)); strings.Contains(s, o.ID) || strings.Contains(s, user) {
			d.t.Errorf("left: %s", s)
		}
	}
}

// After thirty days without a verified member all of an organization is erased,
// and what it had claimed is free: not a moment before, and not where anybody
// is verified.
//
// Tried with the controls that it must catch: Expire without the age erased it
// at once, without anyVerified it erased a verified member's.
func TestExpire(t *testing.T) {
	d := open(t)
	ctx, directory := t.Context(), Directory{d.Table}
	o, guest := d.occupied()
	user := d.user("victoria@acme.example").ID
	age := func(d *desk, to time.Duration) { d.clock.pass(o.CreatedAt.Add(to).Sub(d.Now())) }
	age(d, org.UnverifiedTime-time.Millisecond)
	d.unchanged("a moment before", func() { wants(t, "expire", directory.Expire(ctx, o.ID)) })
	age(d, org.UnverifiedTime)
	wants(t, "expire", directory.Expire(ctx, o.ID))
	d.gone(o, user)
	if d.user("guest@else.example").ID != guest.ID {
		t.Error("who is at home elsewhere is gone")
	}
	d.unchanged("again", func() { wants(t, "expire", directory.Expire(ctx, o.ID)) })
	again, _ := d.founded("Squatter", "victoria@acme.example")
	if again.Slug != o.Slug || d.user("victoria@acme.example").ID == user {
		t.Errorf("the slug %q, by the same user", again.Slug)
	}

	for who, verify := range map[string]func(d *desk){
		"the founder": func(d *desk) { wants(t, "verify", d.verify(d.letter("victoria@acme.example").Token)) },
		"another":     func(d *desk) { wants(t, "verify", d.verify(d.letter("guest@else.example").Token)) },
	} {
		d := open(t)
		o, _ = d.occupied()
		verify(d)
		age(d, 2*org.UnverifiedTime)
		d.unchanged(who, func() { wants(t, who, Directory{d.Table}.Expire(ctx, o.ID)) })
	}
}

// Who founded twice goes with the last of both; whom others named stays.
func TestExpireOneOfTwo(t *testing.T) {
	d := open(t)
	ctx, directory := t.Context(), Directory{d.Table}
	co := incorporate(t, d)
	first, _ := d.newcomer("First", "victoria@acme.example")
	named, _ := d.newcomer("Named", "ned@acme.example")
	wants(t, "promote", directory.Promote(ctx, co.owner, addressOf("ned@acme.example")))
	d.clock.pass(time.Hour)
	second, _ := d.newcomer("Second", "victoria@acme.example")
	user := d.user("victoria@acme.example").ID
	d.clock.pass(org.UnverifiedTime - time.Minute)
	wants(t, "expire", directory.Expire(ctx, second.ID))
	wants(t, "expire", directory.Expire(ctx, first.ID))
	wants(t, "expire", directory.Expire(ctx, named.ID))
	if d.all()[orgKey(first.ID)] != nil || d.all()[expiryKey(first.ID)] != nil {
		t.Error("the first organization is there")
	}
	if d.user("victoria@acme.example").ID != user {
		t.Error("the second organization has lost its owner")
	}
	d.clock.pass(time.Hour)
	wants(t, "expire", directory.Expire(ctx, second.ID))
	d.gone(second, user)
	ned := d.user("ned@acme.example")
	wants(t, "a link when home is gone", d.verify(d.letter("ned@acme.example").Token), org.InvalidToken) // over since long
	wants(t, "another promotion", directory.Promote(ctx, co.owner, addressOf("ned@acme.example")))
	d.clock.pass(time.Millisecond)
	d.founded("Again", "ned@acme.example")
	wants(t, "a new link", d.verify(d.letter("ned@acme.example").Token))
	c := co.userCaller(ned)
	wants(t, "and all counts", Book{d.Table}.Add(ctx, c, "Tin", "EUR"))
}

// Killed at any call, before or after it was carried out, it goes on where it
// was, and the organization is gone for everybody or whole.
func TestExpireKilledAtAnyCall(t *testing.T) {
	whole := open(t)
	o, _ := whole.occupied()
	user := whole.user("victoria@acme.example").ID
	expire := func(d *desk) error { return Directory{d.Table}.Expire(d.t.Context(), o.ID) }
	whole.killedAtAnyCall(t, org.UnverifiedTime, expire, func(d *desk) {
		if left := d.all(); left[orgKey(o.ID)] == nil && (left[slugKey(o.Slug)] != nil || left[codeKey(o.Code)] != nil || left[nameKey(o.Name)] != nil) {
			d.t.Error("it is gone and its claims are not")
		}
		wants(d.t, "once more", expire(d))
		d.gone(o, user)
	})
}

// Who verifies at the very moment keeps the organization, or comes too late.
func TestExpireAgainstVerify(t *testing.T) {
	for round := range 20 {
		bubble(t, func(t *testing.T, d *desk) {
			o, c := d.newcomer("Squatter", "victoria@acme.example")
			d.clock.pass(org.UnverifiedTime - time.Hour)
			d.newcomer("Other", "victoria@acme.example") // for a link that is not over
			link := d.letter("victoria@acme.example").Token
			d.clock.pass(time.Hour)
			if round%2 == 0 {
				d.wire.lockstep()
			} else {
				d.wire.jitter()
			}
			var expired, verified error
			together(2, func(n int) {
				if n == 0 {
					expired = Directory{d.Table}.Expire(t.Context(), o.ID)
				} else {
					verified = d.verify(link)
				}
			})
			wants(t, "expire", expired)
			wants(t, "verify", verified) // the account stays, for it belongs elsewhere, too
			d.wire.set(nil)
			c.Verified = true
			_, err := Directory{d.Table}.Record(t.Context(), c)
			if there := d.all()[orgKey(o.ID)] != nil; there {
				wants(t, "the organization is whole", err)
			} else {
				wants(t, "the organization is gone", err, org.Gone)
			}
		})
	}
}
