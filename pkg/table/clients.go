package table

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"charter/pkg/caller"
	"charter/pkg/org"
)

func clientAttributes(k key, c org.Client) item {
	return newItem(k).with("ClientId", c.ID).with("Name", c.Name).with("OrganizationId", c.OrganizationID).
		with("Code", c.Code).set("CreatedAt", moment(c.CreatedAt))
}

func readClient(i item) org.Client {
	return org.Client{ID: i.text("ClientId"), Name: i.text("Name"), OrganizationID: i.text("OrganizationId"),
		Code: i.text("Code"), SecretHash: i.bytes("SecretHash"), CreatedAt: i.time("CreatedAt")}
}

// AddClient implements org.Directory. The record under an Idempotency-Key holds
// nothing of the answer, which holds the secret.
func (d Directory) AddClient(ctx context.Context, c caller.Caller, name string) (org.Client, org.Secret, error) {
	type answer struct {
		org.Client
		org.Secret
	}
	notKept := func(item) (answer, error) { return answer{}, org.NotKept }
	made, err := once(ctx, d.Table, notKept, func(keep func(item) []write) (answer, error) {
		secret, err := org.NewSecret(d.Random)
		if err != nil {
			return answer{}, err
		}
		client := org.Client{ID: "client_" + d.ulid(), Name: name, OrganizationID: c.OrganizationID, Code: c.OrgCode, CreatedAt: d.Now()}
		signIn := clientAttributes(signInKey(client.ID), client).set("SecretHash", bin(secret.Hash()))
		writes := append(keep(nil), d.hold(c.OrganizationID, "client:"+client.ID)...)
		err = d.transactAs(ctx, c, append(writes,
			d.update(clientCountKey(c.OrganizationID), "ADD Clients :one", "attribute_not_exists(Clients) OR Clients < :most",
				item{":one": num(1), ":most": num(org.MaxClients)}, means(org.TooManyClients)),
			d.put(clientAttributes(clientKey(c.OrganizationID, client.ID), client)),
			d.put(signIn),
			d.audit(c.OrganizationID, c.Subject(), "client.add", client.ID, org.Difference{Field: "Name"}))...)
		return answer{client, secret}, err
	})
	return made.Client, made.Secret, err
}

// Clients implements org.Directory.
func (d Directory) Clients(ctx context.Context, c caller.Caller) ([]org.Client, error) {
	whole, err := d.whole(ctx, c)
	if err != nil {
		return nil, err
	}
	var clients []org.Client
	for _, i := range whole.under("CLIENT") {
		clients = append(clients, readClient(i))
	}
	slices.SortFunc(clients, func(a, b org.Client) int { return cmp.Compare(a.ID, b.ID) })
	return clients, nil
}

// RemoveClient implements org.Directory.
func (d Directory) RemoveClient(ctx context.Context, c caller.Caller, clientID string) error {
	_, err := once(ctx, d.Table, nothing, func(keep func(item) []write) (struct{}, error) {
		gone := d.remove(clientKey(c.OrganizationID, clientID))
		exists := "attribute_exists(PK)"
		gone.Delete.ConditionExpression, gone.failed = &exists, means(org.UnknownClient)
		dropped := d.drop(c.OrganizationID, "client:"+clientID)
		if c.ClientID == clientID && c.Admin {
			// Its own role is what is checked: one of the items that go, and a
			// transaction may name an item only once.
			dropped[0].Delete.ConditionExpression, dropped[0].failed = &exists, means(errNotHeld)
			err := d.transact(ctx, slices.Concat(keep(nil), []write{gone}, dropped, d.clientGone(c, clientID)))
			if errors.Is(err, errNotHeld) {
				err = d.notAdmin(ctx, c)
			}
			return struct{}{}, err
		}
		return struct{}{}, d.transactAs(ctx, c, slices.Concat(keep(nil), []write{gone}, dropped, d.clientGone(c, clientID))...)
	})
	return err
}

func (d Directory) clientGone(c caller.Caller, clientID string) []write {
	return []write{
		d.remove(signInKey(clientID)),
		d.update(clientCountKey(c.OrganizationID), "ADD Clients :less", "Clients > :zero", item{":less": num(-1), ":zero": num(0)},
			means(org.UnknownClient)),
		d.audit(c.OrganizationID, c.Subject(), "client.remove", clientID),
	}
}

// Client implements org.Directory.
func (d Directory) Client(ctx context.Context, clientID, source string) (org.Client, error) {
	signIn := signInKey(clientID)
	found, err := d.counted(ctx, []rate{d.Limits.address("sign in", source), {"client " + clientID, d.Limits.PerClient}}, signIn)
	if err != nil {
		return org.Client{}, err
	}
	client := readClient(found[signIn])
	id := cmp.Or(client.OrganizationID, nobody)
	standing, err := d.fetch(ctx, orgKey(id), clientKey(id, clientID))
	switch {
	case err != nil:
		return org.Client{}, err
	case client.ID == "" || standing[orgKey(id)] == nil || standing[clientKey(id, clientID)] == nil:
		return org.Client{}, org.UnknownClient
	}
	return client, nil
}
