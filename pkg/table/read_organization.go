package table

import (
	"cmp"
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
// it.
func (t *Table) whole(ctx context.Context, c caller.Caller) (whole, error) {
	if c.OrganizationID == "" {
		return nil, org.NotAdmin
	}
	marked := beside(func() (map[key]item, error) { return t.fetch(ctx, provingKeys(c)...) })
	items, err := t.partition(ctx, orgPartition(c.OrganizationID))
	found, failed := marked()
	if err := cmp.Or(err, failed); err != nil {
		return nil, err
	}
	for _, i := range items {
		found[key{i.text("PK"), i.text("SK")}] = i
	}
	return items, judge(c, found)
}

// one is the item with the sort key.
func (w whole) one(sk string) item {
	for _, i := range w {
		if i.text("SK") == sk {
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
	o, err := readOrganization(w.one("ORG"))
	record := org.Record{Organization: o, Tiers: readTiers(w.one("TIERS"))}
	for _, i := range w.under("SUB") {
		if s := readSubscription(i); s.Status == org.Active {
			record.Subscriptions = append(record.Subscriptions, s)
		}
	}
	return record, err
}
