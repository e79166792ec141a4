package table

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Exported is one record of an export: what it is, and its members, which have
// the names that they have in the table. Times are in UTC.
type Exported struct {
	Record string
	Data   map[string]any
}

// secrets are what no export holds: hashes of passwords, API clients' secrets
// and tokens, tokens in letters, and in whose home an account was made.
var secrets = []string{"PasswordHash", "SecretHash", "TokenHash", "Token", "HomeId"}

// bookkeeping is what is no person's and no organization's: keys, and where an
// item stands for the table itself.
var bookkeeping = []string{"PK", "SK", "Version", "NameClaimed", "DuePK", "DueAt", "Lease", "LeasedUntil", "Named", "Founded"}

// Export hands all of an organization to each, in an order that is the same each
// time: what there is one or few of, members with their accounts, invitations,
// customers, associations, the audit trail with its seals, and the letters that
// wait. No more than a page is in memory. Each part is as it was when it was
// read; what is written meanwhile may be in it or not. Errors: NoOrganization,
// those of each.
func (o Operator) Export(ctx context.Context, id string, each func(Exported) error) error {
	few, err := o.partition(ctx, orgPartition(id))
	if err != nil {
		return err
	}
	records, err := fewRecords(few)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := each(r); err != nil {
			return err
		}
	}
	if err := o.exportMembers(ctx, id, each); err != nil {
		return err
	}
	list := readTiers(whole(few).one("TIERS"))
	for _, many := range []struct {
		part   string
		record func(i item) Exported
	}{
		{"CUSTOMERS", func(i item) Exported {
			tier, _ := list.Resolve(i.text("TierId"))
			return exported("customer", i.and(item{}.with("Tier", string(tier.Name))))
		}},
		{"ASSOCIATIONS", func(i item) Exported {
			a := readAssociation(i)
			return exported("association", i.and(item{}.with("UserId", a.UserID).with("CustomerNumber", string(a.Number))))
		}},
		{"AUDIT", func(i item) Exported { return exported("audit entry", i) }},
		{"SEALS", func(i item) Exported { return exported("seal", i) }},
	} {
		err := o.query(ctx, all(join(orgPartition(id), many.part)), func(i item) (bool, error) { return true, each(many.record(i)) })
		if err != nil {
			return err
		}
	}
	return o.exportLetters(ctx, id, each)
}

// all asks for a whole partition.
func all(pk string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :pk"), ExpressionAttributeValues: item{":pk": str(pk)}}
}

// fewRecords are those of an organization's own partition.
func fewRecords(w whole) ([]Exported, error) {
	organization := w.one("ORG")
	if organization == nil {
		return nil, NoOrganization
	}
	records := []Exported{exported("organization", organization)}
	for _, kind := range []struct{ part, record string }{{"SUB", "subscription"}, {"ADMIN", "admin"}, {"CLIENT", "API client"}} {
		for _, i := range w.under(kind.part) {
			records = append(records, exported(kind.record, i))
		}
	}
	tiers := readTiers(w.one("TIERS"))
	for _, t := range tiers.List() {
		records = append(records, Exported{"price tier", map[string]any{"TierId": t.ID, "Name": t.Name, "Currency": t.Currency, "IsDefault": t.IsDefault}})
	}
	for _, gone := range slices.Sorted(maps.Keys(tiers.Replaced)) {
		records = append(records, Exported{"price tier replaced", map[string]any{"TierId": gone, "ReplacedBy": tiers.Replaced[gone]}})
	}
	custom := w.one("ROLES").tree("Custom")
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		records = append(records, exported("custom role", custom.tree(name)))
	}
	return records, nil
}

// exportMembers hands out members, each followed by their account, and invitations.
func (o Operator) exportMembers(ctx context.Context, id string, each func(Exported) error) error {
	var some []item
	flush := func() error {
		keys := make([]key, len(some))
		for n, m := range some {
			keys[n] = userKey(m.text("UserId"))
		}
		accounts, err := o.fetch(ctx, keys...)
		if err != nil {
			return err
		}
		for n, m := range some {
			if err := each(exported("member", m)); err != nil {
				return err
			}
			if account := accounts[keys[n]]; account != nil {
				if err := each(exported("account", account)); err != nil {
					return err
				}
			}
		}
		some = some[:0]
		return nil
	}
	err := o.query(ctx, all(membersPartition(id)), func(i item) (bool, error) {
		if i.text("UserId") == "" {
			return true, each(exported("invitation", i))
		}
		if some = append(some, i); len(some) < 100 {
			return true, nil
		}
		return true, flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// exportLetters looks at all letters that wait or were given up, since few do.
func (o Operator) exportLetters(ctx context.Context, id string, each func(Exported) error) error {
	var letters []item
	for _, ids := range []iter.Seq2[string, error]{Outbox(o).Waiting(ctx, o.Now().Add(time.Hour)), Outbox(o).GivenUp(ctx, o.Now().Add(time.Hour))} {
		var keys []key
		look := func() error {
			found, err := o.fetch(ctx, keys...)
			for _, l := range found {
				if letterOf(l) == id {
					letters = append(letters, l)
				}
			}
			keys = keys[:0]
			return err
		}
		for letter, err := range ids {
			if err != nil {
				return err
			}
			if keys = append(keys, letterKey(letter)); len(keys) == 100 {
				if err := look(); err != nil {
					return err
				}
			}
		}
		if err := look(); err != nil {
			return err
		}
	}
	slices.SortFunc(letters, func(a, b item) int { return cmp.Compare(a.text("LetterId"), b.text("LetterId")) })
	for _, l := range letters {
		if err := each(exported("letter", l)); err != nil {
			return err
		}
	}
	return nil
}

// exported is an item without what only the table needs and what nobody may see.
func exported(record string, i item) Exported {
	data := map[string]any{}
	for name, v := range i {
		if !slices.Contains(secrets, name) && !slices.Contains(bookkeeping, name) {
			data[name] = plain(v)
		}
	}
	if at := i.number("ExpiresAt"); at > 0 {
		data["ExpiresAt"] = time.Unix(at, 0).UTC().Format(momentFormat)
	}
	return Exported{record, data}
}

// plain is a value as encoding/json writes it.
func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberSS:
		return slices.Sorted(slices.Values(v.Value))
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for n, e := range v.Value {
			list[n] = plain(e)
		}
		return list
	case *types.AttributeValueMemberM:
		members := map[string]any{}
		for name, e := range v.Value {
			members[name] = plain(e)
		}
		return members
	}
	return nil
}
