package table

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/org"
)

// Expire implements org.Directory. The first transaction makes the organization
// gone for everybody and frees what it had claimed; what it leaves is found by
// the organization's id, in as many calls as it takes.
func (d Directory) Expire(ctx context.Context, id string) error {
	for range mostRounds {
		items, err := d.partition(ctx, orgPartition(id))
		if err != nil {
			return err
		}
		o := whole(items).one("ORG")
		if o == nil {
			return d.clear(ctx, id)
		}
		if d.Now().Before(o.time("CreatedAt").Add(org.UnverifiedTime)) {
			return nil
		}
		members, err := d.partition(ctx, membersPartition(id))
		if err != nil {
			return err
		}
		verified, err := d.anyVerified(ctx, members)
		if err != nil || verified {
			return err
		}
		err = d.transact(ctx, d.vanishing(id, o, members))
		if err != nil && !errors.Is(err, errStale) {
			return err
		}
	}
	return busy
}

// unproved is the condition of USER that nobody has proved its e-mail, neither
// here nor with another issuer.
const unproved = "attribute_not_exists(VerifiedAt) AND attribute_not_exists(LinkedAt)"

// anyVerified reports whether the e-mail of a member is proved.
func (t *Table) anyVerified(ctx context.Context, members []item) (bool, error) {
	for some := range slices.Chunk(members, 100) {
		var keys []key
		for _, m := range some {
			if user := m.text("UserId"); user != "" {
				keys = append(keys, userKey(user))
			}
		}
		found, err := t.fetch(ctx, keys...)
		if err != nil {
			return false, err
		}
		for _, account := range found {
			if account["VerifiedAt"] != nil || account["LinkedAt"] != nil {
				return true, nil
			}
		}
	}
	return false, nil
}

// ending makes the organization gone, unless it changed since it was read.
func (t *Table) ending(id string, o item) []write {
	gone := t.remove(orgKey(id))
	gone.Delete.ConditionExpression, gone.failed = &sameVersion, means(errStale)
	gone.Delete.ExpressionAttributeValues = item{":version": o["Version"]}
	return []write{gone, t.remove(adminsKey(id)), t.remove(expiryKey(id))}
}

// vanishing is ending with all that was claimed, unless a member was verified
// since they were read. So many members as fit are looked at once more.
func (t *Table) vanishing(id string, o item, members []item) []write {
	writes := append(t.ending(id, o), t.remove(slugKey(o.text("Slug"))), t.remove(codeKey(o.text("Code"))))
	if o.flag("NameClaimed") {
		writes = append(writes, t.remove(nameKey(o.text("Name"))))
	}
	for _, m := range members {
		if user := m.text("UserId"); user != "" && len(writes) < 100 {
			writes = append(writes, t.check(userKey(user), unproved, nil, errStale))
		}
	}
	return writes
}

// clear deletes what an organization that is gone has left: first the roles, so
// that nobody can add to it, last what says whose roles there were.
func (t *Table) clear(ctx context.Context, id string) error {
	if err := t.releaseAll(ctx, id); err != nil {
		return err
	}
	for { // until nobody is left, neither to invite nor to accept
		members, err := t.partition(ctx, membersPartition(id))
		if err != nil {
			return err
		}
		if len(members) == 0 {
			break
		}
		for _, m := range members {
			if user := m.text("UserId"); user != "" {
				_, err = t.leave(ctx, id, user, nil, neverPlaced)
			} else {
				err = t.discard(ctx, []key{{m.text("PK"), m.text("SK")}})
			}
			if err != nil {
				return err
			}
		}
	}
	for _, many := range []string{"CUSTOMERS", "ASSOCIATIONS", "TIERUSE"} {
		if err := t.empty(ctx, join(orgPartition(id), many)); err != nil {
			return err
		}
	}
	if err := t.unroll(ctx, id); err != nil {
		return err
	}
	for _, pk := range []string{logPartition(id), trailPartition(id), sealsPartition(id), orgPartition(id)} {
		if err := t.empty(ctx, pk); err != nil {
			return err
		}
	}
	return nil
}

// releaseAll deletes the roles of all admins and API clients.
func (t *Table) releaseAll(ctx context.Context, id string) error {
	released := map[string]bool{}
	for more := true; more; { // until nothing has come after the roles were gone
		items, err := t.partition(ctx, orgPartition(id))
		if err != nil {
			return err
		}
		more = false
		for _, i := range items {
			if sk := i.text("SK"); !released[sk] {
				more, released[sk] = true, true
				if err := t.release(ctx, id, i); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// release deletes the role of an admin or an API client.
func (t *Table) release(ctx context.Context, id string, i item) error {
	kind, name, _ := strings.Cut(i.text("SK"), sep)
	subject, keys := name, []key{}
	switch {
	case name == "":
		return nil
	case kind == "CLIENT":
		subject, keys = "client:"+name, []key{signInKey(name)}
	case kind != "ADMIN":
		return nil
	}
	for n := range shards {
		keys = append(keys, holdsKey(id, subject, n))
	}
	return t.discard(ctx, keys)
}

// neverPlaced reports whether nobody has verified the account or given it a
// place: links to customers outlive a membership, and they name the account.
func neverPlaced(account item) bool {
	return account["VerifiedAt"] == nil && account["LinkedAt"] == nil && account["Named"] == nil
}

// leave ends a membership, and with it and its links the account of who belongs
// nowhere else, if goes says so; gone is whether it did. An account that changes
// meanwhile, as it does when somebody gives it a place, is looked at again.
func (t *Table) leave(ctx context.Context, id, user string, links []key, goes func(account item) bool) (gone bool, err error) {
	for range mostRounds {
		found, err := t.fetch(ctx, userKey(user)) // before the memberships: who joins changes it
		if err != nil {
			return false, err
		}
		items, err := t.partition(ctx, userPartition(user))
		if err != nil {
			return false, err
		}
		account := found[userKey(user)]
		writes := []write{t.remove(memberKey(id, user)), t.remove(membershipKey(user, id))}
		elsewhere := slices.ContainsFunc(whole(items).under("ORG"), func(m item) bool { return m.text("OrganizationId") != id })
		if gone = account != nil && !elsewhere && goes(account); gone {
			email, err := account.address("Email")
			if err != nil {
				return false, err
			}
			writes = append(append(writes, t.removeSame(account), t.remove(emailKey(email))), t.free(user)...)
		}
		if gone || account == nil { // links that are left over, or more than fit, are found again
			for _, k := range links[:min(len(links), 100-len(writes))] {
				writes = append(writes, t.remove(k))
			}
		}
		if err = t.transact(ctx, writes); !errors.Is(err, errStale) {
			return gone && err == nil, err
		}
	}
	return false, busy
}

// removeSame removes an account on condition that what tells of its places is
// as it was read.
func (t *Table) removeSame(account item) write {
	w := t.remove(userKey(account.text("UserId")))
	var conditions []string
	values := item{}
	for _, name := range []string{"VerifiedAt", "LinkedAt", "Named", "Founded"} {
		if value := account[name]; value != nil {
			conditions = append(conditions, name+" = :"+name)
			values[":"+name] = value
		} else {
			conditions = append(conditions, "attribute_not_exists("+name+")")
		}
	}
	if len(values) > 0 {
		w.Delete.ExpressionAttributeValues = values
	}
	same := strings.Join(conditions, " AND ")
	w.Delete.ConditionExpression, w.failed = &same, means(errStale)
	return w
}

// unroll deletes the roll of associations, its sheets first. It takes the place
// of whoever is changing it, who then cannot.
func (t *Table) unroll(ctx context.Context, id string) error {
	for try := 0; ; try++ {
		s, err := t.standingRoll(ctx, id)
		if err != nil || s.version == 0 && s.draft == "" {
			return err
		}
		d, err := Roll{t}.draft(ctx, id, s, 0)
		if err == nil {
			all := []string{join("sheet", s.loose)}
			if s.contents != "" {
				all = append(all, join("contents", s.contents))
			}
			err = d.sweep(standingRoll{trash: all})
		}
		if err == nil {
			err = d.vanish()
		}
		if !errors.Is(err, errOvertaken) {
			return err
		}
		if !pause(ctx, try) {
			return busy.Because(err)
		}
	}
}

// empty deletes all items of a partition.
func (t *Table) empty(ctx context.Context, pk string) error {
	in := &dynamodb.QueryInput{TableName: &t.Name, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("PK, SK"),
		KeyConditionExpression: aws.String("PK = :pk"), ExpressionAttributeValues: item{":pk": str(pk)}}
	for {
		out, err := t.Client.Query(ctx, in)
		if err != nil {
			return failure(err)
		}
		keys := make([]key, len(out.Items))
		for n, i := range out.Items {
			keys[n] = key{item(i).text("PK"), item(i).text("SK")}
		}
		if err := t.discard(ctx, keys); err != nil {
			return err
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return nil
		}
	}
}

// discard deletes items by key, in batches and no transaction.
func (t *Table) discard(ctx context.Context, keys []key) error {
	requests := make([]types.WriteRequest, len(keys))
	for n, k := range keys {
		requests[n].DeleteRequest = &types.DeleteRequest{Key: k.attributes()}
	}
	return t.write(ctx, requests)
}
