package table

import (
	"context"

	"charter/pkg/caller"
	"charter/pkg/org"
)

// Record implements org.Directory.
func (d Directory) Record(ctx context.Context, c caller.Caller) (org.Record, error) {
	whole, err := d.whole(ctx, c)
	if err != nil {
		return org.Record{}, err
	}
	return whole.record()
}

// whole is the partition of an organization: all of it that is few.
type whole []item

// whole reads the caller's organization in one trip and judges the caller with
// it. An organization that is gone is found before the role is judged.
func (t *Table) whole(ctx context.Context, c caller.Caller) (whole, error) {
	if c.OrganizationID == "" {
		return nil, org.NotAdmin
	}
	w, err := t.partition(ctx, orgPartition(c.OrganizationID))
	switch {
	case err != nil:
		return nil, err
	case whole(w).find(orgKey(c.OrganizationID)) == nil:
		return nil, org.Gone
	case !c.Admin || whole(w).find(roleKey(c)) == nil:
		return nil, org.NotAdmin
	}
	return w, nil
}

// roleKey is the item whose being there is the caller's Admin role.
func roleKey(c caller.Caller) key {
	if c.ClientID != "" {
		return clientKey(c.OrganizationID, c.ClientID)
	}
	return adminKey(c.OrganizationID, c.UserID)
}

func (w whole) find(k key) item {
	for _, i := range w {
		if i.text("SK") == k.sk && i.text("PK") == k.pk {
			return i
		}
	}
	return nil
}

// under lists the items whose sort key starts with the part.
func (w whole) under(part string) []item {
	var items []item
	for _, i := range w {
		if sk := i.text("SK"); len(sk) > len(part) && sk[:len(part)+1] == part+sep {
			items = append(items, i)
		}
	}
	return items
}

func (w whole) record() (org.Record, error) {
	var record org.Record
	for _, i := range w {
		if i.text("SK") == "ORG" {
			o, err := readOrganization(i)
			if err != nil {
				return org.Record{}, err
			}
			record.Organization = o
		}
	}
	for _, i := range w.under("SUB") {
		if s := readSubscription(i); s.Status == org.Active {
			record.Subscriptions = append(record.Subscriptions, s)
		}
	}
	return record, nil
}
