package table

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"charter/pkg/customer"
	"charter/pkg/local/dynamo"
	"charter/pkg/org"
)

func TestClients(t *testing.T) {
	d := open(t)
	co, ctx, directory := incorporate(t, d), t.Context(), Directory{d.Table}
	d.clock.pass(time.Second)
	client, secret, err := directory.AddClient(ctx, co.client, "Newest")
	wants(t, "add", err)
	signed, err := org.SignInClient(ctx, directory, co.Code, client.ID, secret.Reveal(), "192.0.2.1")
	wants(t, "sign in", err)
	if signed.Name != "Newest" || signed.OrganizationID != co.ID || !signed.CreatedAt.Equal(d.Now()) {
		t.Errorf("signs in as %+v", signed)
	}
	for _, wrong := range [][3]string{
		{co.Code, client.ID, "wrong"}, {"org_00000000000", client.ID, secret.Reveal()}, {co.Code, co.spare.ID, secret.Reveal()},
	} {
		_, err := org.SignInClient(ctx, directory, wrong[0], wrong[1], wrong[2], "192.0.2.1")
		wants(t, "sign in wrongly", err, org.WrongCredentials)
	}
	clients, err := directory.Clients(ctx, co.owner)
	wants(t, "list", err)
	if len(clients) != 3 || clients[2].ID != client.ID || clients[0].ID > clients[1].ID {
		t.Errorf("listed %+v", clients)
	}
	for _, i := range d.all() {
		if v := shown(tree(i)); len(secret.Reveal()) < 40 || strings.Contains(v, secret.Reveal()) {
			t.Errorf("the secret is kept: %s", v)
		}
	}

	// A client's tokens end with it, also when it ends itself.
	newest := co.clientCaller(client.ID)
	d.unchanged("a token without the role", func() {
		poor := newest
		poor.Admin = false
		wants(t, "without the role", directory.RemoveClient(ctx, poor, client.ID), org.NotAdmin)
	})
	wants(t, "itself", directory.RemoveClient(ctx, newest, client.ID))
	d.unchanged("who is gone", func() {
		wants(t, "itself again", directory.RemoveClient(ctx, newest, client.ID), org.NotAdmin)
		wants(t, "one that is gone", directory.RemoveClient(ctx, co.owner, client.ID), org.UnknownClient)
		wants(t, "in an organization that is gone", directory.RemoveClient(ctx, elsewhere(newest), client.ID), org.Gone)
	})
	_, err = directory.Client(ctx, client.ID, "192.0.2.1")
	wants(t, "sign in", err, org.UnknownClient)
	_, owner := d.founded("Other Corp", "otto@other.example")
	d.unchanged("another organization's client", func() {
		wants(t, "remove", directory.RemoveClient(ctx, owner, co.spare.ID), org.UnknownClient)
	})
}

func TestMostClients(t *testing.T) {
	d := open(t)
	co, ctx, directory := incorporate(t, d), t.Context(), Directory{d.Table}
	for range org.MaxClients - 2 {
		_, _, err := directory.AddClient(ctx, co.owner, "")
		wants(t, "add", err)
	}
	d.unchanged("one over the limit", func() {
		_, _, err := directory.AddClient(ctx, co.owner, "")
		wants(t, "add", err, org.TooManyClients)
	})
	wants(t, "remove", directory.RemoveClient(ctx, co.owner, co.spare.ID))
	_, _, err := directory.AddClient(ctx, co.owner, "")
	wants(t, "add", err)
}

// Fifty writes of one client at once all succeed, though half of the first
// tries meet with a conflict.
func TestParallelWritesOfOneClient(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		co := incorporate(t, d)
		d.wire.jitter()
		d.engine.Inject(func(op string, n int) error {
			if op == "TransactWriteItems" && n <= 100 && n%2 == 0 {
				return dynamo.CancelWith("TransactionConflict")
			}
			return nil
		})
		together(50, func(n int) {
			number := customer.Number(fmt.Sprint("N", n))
			_, err := Register{d.Table}.Enter(t.Context(), co.client, entry(number, gold))
			wants(t, "enter", err)
			_, made, err := Register{d.Table}.Associate(t.Context(), co.client, co.member.ID, number)
			wants(t, "associate", err)
			if !made {
				t.Error("was there already")
			}
		})
		d.calm()
		if kinds := d.kinds(); kinds["CUSTOMERS"] != 51 || kinds["ASSOCIATIONS"] != 51 {
			t.Errorf("%v", kinds)
		}
	})
}
