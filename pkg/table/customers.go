package table

import (
	"context"
	"errors"
	"strconv"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/org"
	"charter/pkg/pricing"
)

// Register is the table as package customer sees it.
type Register struct{ *Table }

var _ customer.Register = Register{}

var errCustomerRace = errors.New("table: the customer changed meanwhile")

func customerItem(organization string, c customer.Customer, version int64) item {
	return newItem(customerKey(organization, c.Number)).with("Number", string(c.Number)).with("CompanyName", c.CompanyName).
		with("CompanyEmail", c.CompanyEmail.String()).with("TierId", c.Tier.ID).with("Currency", string(c.Currency)).
		set("Active", flag(c.Active)).set("CreatedAt", moment(c.CreatedAt)).set("UpdatedAt", moment(c.UpdatedAt)).
		set("Version", num(version))
}

// readCustomer finds the customer's tier on the price list as it is now.
func readCustomer(i item, list pricing.Tiers) (customer.Customer, error) {
	email, err := i.address("CompanyEmail")
	tier, _ := list.Resolve(i.text("TierId"))
	return customer.Customer{Number: customer.Number(i.text("Number")), CompanyName: i.text("CompanyName"), CompanyEmail: email,
		Tier: tier, Currency: pricing.Currency(i.text("Currency")), Active: i.flag("Active"),
		CreatedAt: i.time("CreatedAt"), UpdatedAt: i.time("UpdatedAt")}, err
}

// Customer implements customer.Register.
func (r Register) Customer(ctx context.Context, c caller.Caller, n customer.Number) (customer.Customer, error) {
	k, tiers := customerKey(c.OrganizationID, n), tiersKey(c.OrganizationID)
	found, err := r.fetchAs(ctx, c, k, tiers)
	switch {
	case err != nil:
		return customer.Customer{}, err
	case found[k] == nil:
		return customer.Customer{}, customer.Unknown
	}
	return readCustomer(found[k], readTiers(found[tiers]))
}

// Enter implements customer.Register.
func (r Register) Enter(ctx context.Context, c caller.Caller, e customer.Entry) (customer.Customer, error) {
	k, tiers := customerKey(c.OrganizationID, e.Number), tiersKey(c.OrganizationID)
	return once(ctx, r.Table, readEntered, func(keep func(item) []write) (customer.Customer, error) {
		for range mostRounds {
			found, err := r.fetchAs(ctx, c, k, tiers)
			if err != nil {
				return customer.Customer{}, err
			}
			entered := customer.Customer{Number: e.Number, CompanyName: e.CompanyName, CompanyEmail: e.CompanyEmail,
				Currency: e.Currency, Active: e.Active, CreatedAt: r.Now(), UpdatedAt: r.Now()}
			if e.Tier != "" {
				if entered.Tier, err = readTiers(found[tiers]).Named(e.Tier); err != nil {
					return customer.Customer{}, pricing.UnknownTier.In("pricing")
				}
			}
			before := found[k]
			if before != nil {
				entered.CreatedAt = before.time("CreatedAt")
			}
			err = r.transactAs(ctx, c, append(keep(enteredItem(entered)), r.entering(c, before, entered)...)...)
			if !errors.Is(err, errCustomerRace) && !errors.Is(err, errTierClosed) {
				return entered, err
			}
		}
		return customer.Customer{}, busy
	})
}

// entering writes the customer and counts it with its tier.
func (r Register) entering(c caller.Caller, before item, entered customer.Customer) []write {
	version := before.number("Version")
	w := r.put(customerItem(c.OrganizationID, entered, version+1))
	condition := unique
	if before != nil {
		condition = sameVersion
		w.Put.ExpressionAttributeValues = item{":version": num(version)}
	}
	w.Put.ConditionExpression, w.failed = &condition, means(errCustomerRace)
	writes := []write{w, r.audit(c.OrganizationID, c.Subject(), "customer.enter", string(entered.Number), customerChanges(before, w.Put.Item)...)}
	from, to := before.text("TierId"), entered.Tier.ID
	if from == to {
		return writes
	}
	shard := shardOf(string(entered.Number), shards)
	if from != "" {
		writes = append(writes, r.update(tierUseKey(c.OrganizationID, from, shard), "ADD Customers :less", "Customers > :zero",
			item{":less": num(-1), ":zero": num(0)}, means(errCustomerRace)))
	}
	if to != "" {
		writes = append(writes, r.update(tierUseKey(c.OrganizationID, to, shard), "ADD Customers :one", "attribute_not_exists(Closed)",
			item{":one": num(1)}, means(errTierClosed)))
	}
	return writes
}

// customerChanges are the fields that differ; of who the customer is the names
// of the fields alone.
func customerChanges(before, after item) []org.Difference {
	var changes []org.Difference
	for _, field := range []string{"CompanyName", "CompanyEmail"} {
		if before.text(field) != after.text(field) {
			changes = append(changes, org.Difference{Field: field})
		}
	}
	for _, field := range []string{"TierId", "Currency"} {
		if from, to := before.text(field), after.text(field); from != to {
			changes = append(changes, org.Difference{Field: field, Old: from, New: to})
		}
	}
	active := org.Difference{Field: "Active", New: strconv.FormatBool(after.flag("Active"))}
	if before != nil {
		active.Old = strconv.FormatBool(before.flag("Active"))
	}
	if active.Old != active.New {
		changes = append(changes, active)
	}
	return changes
}

// enteredItem is a customer as an outcome keeps it: with the tier as it was.
func enteredItem(c customer.Customer) item {
	return item{"Customer": tree(customerItem("", c, 1)), "Tier": tierTree(c.Tier)}
}

func readEntered(i item) (customer.Customer, error) {
	t := i.tree("Tier")
	tier := pricing.Tier{ID: t.text("TierId"), Name: pricing.TierName(t.text("Name")), Currency: pricing.Currency(t.text("Currency"))}
	return readCustomer(i.tree("Customer"), pricing.Tiers{Live: []pricing.Tier{tier}})
}
