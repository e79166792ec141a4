package table

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/caller"
	"charter/pkg/org"
	"charter/pkg/pricing"
	"charter/pkg/text"
)

// Book is the table as package pricing sees it.
type Book struct{ *Table }

var _ pricing.Book = Book{}

// The price list is one item. Its tiers are a map by the digest of the folded
// name, so that one condition says that a name is free.
func tiersItem(organization string, tiers pricing.Tiers, version int64) item {
	live, replaced := item{}, item{}
	i := newItem(tiersKey(organization)).set("Version", num(version))
	for _, t := range tiers.Live {
		live[tierName(t.Name)] = tierTree(t)
		if t.IsDefault {
			i.with("DefaultId", t.ID)
		}
	}
	for gone, heir := range tiers.Replaced {
		replaced[gone] = str(heir)
	}
	return i.set("Tiers", tree(live)).set("Replaced", tree(replaced))
}

func tierName(name pricing.TierName) string { return digest(text.Fold(string(name))) }

func tierTree(t pricing.Tier) types.AttributeValue {
	return tree(item{"TierId": str(t.ID), "Name": str(string(t.Name)), "Currency": str(string(t.Currency))})
}

func readTiers(i item) pricing.Tiers {
	var tiers pricing.Tiers
	live, replaced := i.tree("Tiers"), i.tree("Replaced")
	for name := range live {
		t := live.tree(name)
		tiers.Live = append(tiers.Live, pricing.Tier{ID: t.text("TierId"), Name: pricing.TierName(t.text("Name")),
			Currency: pricing.Currency(t.text("Currency")), IsDefault: t.text("TierId") == i.text("DefaultId")})
	}
	if len(replaced) > 0 {
		tiers.Replaced = map[string]string{}
	}
	for gone := range replaced {
		tiers.Replaced[gone] = replaced.text(gone)
	}
	return tiers
}

// Tiers implements pricing.Book.
func (b Book) Tiers(ctx context.Context, c caller.Caller) (pricing.Tiers, error) {
	found, err := b.fetchAs(ctx, c, tiersKey(c.OrganizationID))
	return readTiers(found[tiersKey(c.OrganizationID)]), err
}

var (
	errTiersRace  = errors.New("table: the price list changed meanwhile")
	errTierClosed = errors.New("table: the tier was removed meanwhile")
)

// Add implements pricing.Book. In one trip the rules of Tiers.Add are a
// condition; when it fails, Tiers.Add says why.
func (b Book) Add(ctx context.Context, c caller.Caller, name pricing.TierName, currency pricing.Currency) error {
	_, err := once(ctx, b.Table, nothing, func(keep func(item) []write) (struct{}, error) {
		tier := pricing.Tier{ID: b.ulid(), Name: name, Currency: currency}
		w := b.update(tiersKey(c.OrganizationID),
			"SET Tiers.#name = :tier, DefaultId = if_not_exists(DefaultId, :id) ADD Version :one",
			"attribute_exists(PK) AND attribute_not_exists(Tiers.#name) AND size(Tiers) < :most",
			item{":tier": tierTree(tier), ":id": str(tier.ID), ":one": num(1), ":most": num(pricing.MaxTiers)},
			func(old item) error {
				_, err := readTiers(old).Add(tier.ID, name, currency)
				if err == nil {
					err = errTiersRace // the list is gone, and with it the role
				}
				return err
			})
		w.Update.ExpressionAttributeNames = map[string]string{"#name": tierName(name)}
		return struct{}{}, b.transactAs(ctx, c, append(keep(nil), w, b.audit(c.OrganizationID, c.Subject(), "price_tier.add", tier.ID,
			tierChanges(pricing.Tiers{}, pricing.Tiers{Live: []pricing.Tier{tier}}, tier.ID)...))...)
	})
	return err
}

// Change implements pricing.Book.
func (b Book) Change(ctx context.Context, c caller.Caller, old, name pricing.TierName, currency pricing.Currency) error {
	return b.rewrite(ctx, c, "price_tier.change", func(list pricing.Tiers) (after pricing.Tiers, id string, more []write, err error) {
		after, err = list.Change(old, name, currency)
		changed, _ := list.Named(old)
		return after, changed.ID, nil, err
	})
}

// Remove implements pricing.Book. Without an heir the transaction closes every
// counter of the tier's customers, each of which must be at zero.
func (b Book) Remove(ctx context.Context, c caller.Caller, name, heir pricing.TierName) error {
	return b.rewrite(ctx, c, "price_tier.remove", func(list pricing.Tiers) (after pricing.Tiers, id string, more []write, err error) {
		if after, err = list.Remove(name, heir, 0); err != nil {
			return after, "", nil, err
		}
		gone, _ := list.Named(name)
		if heir != "" {
			return after, gone.ID, nil, nil
		}
		held := list.HeldAs(gone.ID)
		// Tiers that this one replaced take no new customers: their counters can
		// be closed before, as many as fit into a transaction.
		for ids := range slices.Chunk(held[1:], 90/shards) {
			if err := b.transactAs(ctx, c, b.closeCounters(c, ids, inUse{held})...); err != nil {
				return after, "", nil, err
			}
		}
		return after, gone.ID, b.closeCounters(c, held[:1], inUse{held}), nil
	})
}

// tierChanges are the fields of a tier that differ between two price lists.
func tierChanges(before, after pricing.Tiers, id string) []org.Difference {
	find := func(list pricing.Tiers) pricing.Tier {
		n := slices.IndexFunc(list.Live, func(t pricing.Tier) bool { return t.ID == id })
		if n < 0 {
			return pricing.Tier{}
		}
		return list.Live[n]
	}
	from, to := find(before), find(after)
	var changes []org.Difference
	for _, c := range []org.Difference{
		{Field: "Name", Old: string(from.Name), New: string(to.Name)},
		{Field: "Currency", Old: string(from.Currency), New: string(to.Currency)},
		{Field: "ReplacedBy", New: after.Replaced[id]},
	} {
		if c.Old != c.New {
			changes = append(changes, c)
		}
	}
	return changes
}

// inUse is a counter that is not at zero, of a tier that is held as these ids.
type inUse struct{ ids []string }

func (inUse) Error() string { return "table: the tier has customers" }

// refused says how many customers there are. None by now are a race.
func (u inUse) refused(ctx context.Context, b Book, c caller.Caller) error {
	customers := 0
	for ids := range slices.Chunk(u.ids, 100/shards) {
		var keys []key
		for _, id := range ids {
			for n := range shards {
				keys = append(keys, tierUseKey(c.OrganizationID, id, n))
			}
		}
		counters, err := b.fetch(ctx, keys...)
		if err != nil {
			return err
		}
		for _, i := range counters {
			customers += int(i.number("Customers"))
		}
	}
	if customers == 0 {
		return errTiersRace
	}
	return pricing.TierInUse(customers)
}

func (b Book) closeCounters(c caller.Caller, ids []string, used inUse) []write {
	var writes []write
	for _, id := range ids {
		for n := range shards {
			writes = append(writes, b.update(tierUseKey(c.OrganizationID, id, n), "SET Closed = :yes",
				"attribute_not_exists(Customers) OR Customers = :zero", item{":yes": flag(true), ":zero": num(0)}, means(used)))
		}
	}
	return writes
}

// rewrite reads the price list, changes it by its own rules, and writes it if
// it is still the one that was read.
func (b Book) rewrite(ctx context.Context, c caller.Caller, action string,
	change func(list pricing.Tiers) (after pricing.Tiers, tierID string, more []write, err error)) error {

	k := tiersKey(c.OrganizationID)
	_, err := once(ctx, b.Table, nothing, func(keep func(item) []write) (struct{}, error) {
		for range mostRounds {
			found, err := b.fetchAs(ctx, c, k)
			if err != nil {
				return struct{}{}, err
			}
			after, id, more, err := change(readTiers(found[k]))
			if err == nil {
				version := found[k].number("Version")
				w := b.put(tiersItem(c.OrganizationID, after, version+1))
				w.Put.ConditionExpression, w.Put.ExpressionAttributeValues = &sameVersion, item{":version": num(version)}
				w.failed = means(errTiersRace)
				err = b.transactAs(ctx, c, slices.Concat(keep(nil), []write{w, b.audit(c.OrganizationID, c.Subject(), action, id, tierChanges(readTiers(found[k]), after, id)...)}, more)...)
			}
			if used, ok := errors.AsType[inUse](err); ok {
				err = used.refused(ctx, b, c)
			}
			if !errors.Is(err, errTiersRace) {
				return struct{}{}, err
			}
		}
		return struct{}{}, busy
	})
	return err
}
