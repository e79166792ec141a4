package table

import (
	"context"
	"errors"

	"charter/pkg/caller"
	"charter/pkg/org"
	"charter/pkg/text"
)

// errOrganizationRace is an organization that changed between our read and our write.
var errOrganizationRace = errors.New("table: the organization changed meanwhile")

// Change implements org.Directory.
func (d Directory) Change(ctx context.Context, c caller.Caller, changes org.Changes) (org.Record, error) {
	return once(ctx, d.Table, readRecord, func(keep func(item) []write) (org.Record, error) {
		for range mostRounds {
			whole, err := d.whole(ctx, c)
			if err != nil {
				return org.Record{}, err
			}
			record, err := whole.record()
			if err != nil {
				return org.Record{}, err
			}
			before := whole.one("ORG")
			writes := d.reprofile(before, record.Organization, changes)
			record.Organization = changes.Apply(record.Organization)
			record.UpdatedAt = d.Now()
			after := organizationItem(record.Organization).set("Version", num(before.number("Version")+1)).
				set("NameClaimed", flag(before.flag("NameClaimed") || changes.Name != nil))
			put := d.put(after)
			put.Put.ConditionExpression = &sameVersion
			put.Put.ExpressionAttributeValues = item{":version": num(before.number("Version"))}
			put.failed = means(errOrganizationRace)
			writes = append(writes, put, d.audit(c.OrganizationID, c.Subject(), "organization.update", c.OrganizationID, changes.Fields()...))
			err = d.transactAs(ctx, c, append(keep(recordItem(record)), writes...)...)
			if !errors.Is(err, errOrganizationRace) {
				return record, err
			}
		}
		return org.Record{}, busy
	})
}

var sameVersion = "Version = :version"

// reprofile moves the claim of the name. An organization whose name was never
// claimed, since the platform dialect claims none, claims its next one.
func (d Directory) reprofile(before item, o org.Organization, changes org.Changes) []write {
	if changes.Name == nil {
		return nil
	}
	own := item{":id": str(o.ID)}
	claim := d.put(newItem(nameKey(*changes.Name)).with("OrganizationId", o.ID))
	condition := unique + " OR OrganizationId = :id"
	claim.Put.ConditionExpression, claim.Put.ExpressionAttributeValues, claim.failed = &condition, own, means(org.NameTaken)
	if before.flag("NameClaimed") && !text.SameName(o.Name, *changes.Name) {
		return []write{claim, d.remove(nameKey(o.Name))}
	}
	return []write{claim}
}

// recordItem is a record as an outcome keeps it.
func recordItem(r org.Record) item {
	subscriptions := make([]item, len(r.Subscriptions))
	for n, s := range r.Subscriptions {
		subscriptions[n] = subscriptionItem(r.ID, s)
	}
	return item{"Organization": tree(organizationItem(r.Organization)), "Tiers": tree(tiersItem(r.ID, r.Tiers, 1)),
		"Subscriptions": trees(subscriptions)}
}

func readRecord(i item) (org.Record, error) {
	o, err := readOrganization(i.tree("Organization"))
	r := org.Record{Organization: o, Tiers: readTiers(i.tree("Tiers"))}
	for _, s := range i.list("Subscriptions") {
		r.Subscriptions = append(r.Subscriptions, readSubscription(s))
	}
	return r, err
}
