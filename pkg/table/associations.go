package table

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/org"
)

func associationItem(a customer.Association) item {
	return newItem(associationKey(a)).with("AssociationId", a.ID).with("OrganizationId", a.OrganizationID).
		with("UserId", a.UserID).with("Number", string(a.Number)).set("CreatedAt", moment(a.CreatedAt))
}

func readAssociation(i item) customer.Association {
	return customer.Association{ID: i.text("AssociationId"), OrganizationID: i.text("OrganizationId"), UserID: i.text("UserId"),
		Number: customer.Number(i.text("Number")), CreatedAt: i.time("CreatedAt")}
}

var (
	errNoMember = errors.New("table: the user is no member")
	errMember   = errors.New("table: the user became a member meanwhile")
)

// stands is an association that was there before.
type stands struct{ customer.Association }

func (stands) Error() string { return "table: the association stands" }

// linked is the answer of Associate, as an outcome keeps it.
type linked struct {
	customer.Association
	made bool
}

func linkedItem(l linked) item {
	return item{"Association": tree(associationItem(l.Association)), "Made": flag(l.made)}
}

func readLinked(i item) (linked, error) {
	return linked{readAssociation(i.tree("Association")), i.flag("Made")}, nil
}

// Associate implements customer.Register. Most users are members already, so
// that is tried first; the account of one who is not is read beside the try,
// and waited for: what outlives a request is cut off when Lambda freezes.
func (r Register) Associate(ctx context.Context, c caller.Caller, userID string, n customer.Number) (customer.Association, bool, error) {
	done, err := once(ctx, r.Table, readLinked, func(keep func(item) []write) (linked, error) {
		a := customer.Association{ID: r.ulid(), OrganizationID: c.OrganizationID, UserID: userID, Number: n, CreatedAt: r.Now()}
		account := make(chan result[map[key]item], 1)
		go func() {
			found, err := r.fetch(ctx, userKey(userID), orgKey(c.OrganizationID))
			account <- result[map[key]item]{found, err}
		}()
		err := r.transactAs(ctx, c, append(keep(linkedItem(linked{a, true})), r.linking(c, a, r.newest(a, "attribute_exists(PK)", errNoMember))...)...)
		read := <-account
		if errors.Is(err, errNoMember) {
			err = r.join(ctx, c, a, keep, read)
		}
		if errors.Is(err, errMember) {
			err = r.transactAs(ctx, c, append(keep(linkedItem(linked{a, true})), r.linking(c, a, r.newest(a, "attribute_exists(PK)", errNoMember))...)...)
		}
		var before stands
		if errors.As(err, &before) {
			a = before.Association
			return linked{a, false}, r.keepAlone(ctx, c, keep(linkedItem(linked{a, false})))
		}
		return linked{a, true}, err
	})
	return done.Association, done.made, err
}

type result[T any] struct {
	value T
	err   error
}

// linking writes the association beside what becomes of the member.
func (r Register) linking(c caller.Caller, a customer.Association, member ...write) []write {
	w := r.claim(associationItem(a), nil)
	w.failed = func(old item) error { return stands{readAssociation(old)} }
	return append(append([]write{w}, member...), r.audit(c.OrganizationID, c.Subject(), "association.add", a.UserID))
}

// newest makes the customer the one that the member's tokens are enriched with.
func (r Register) newest(a customer.Association, condition string, failed error) write {
	return r.update(memberKey(a.OrganizationID, a.UserID), "SET Newest = :number", condition, item{":number": str(string(a.Number))}, means(failed))
}

// join makes the user a member with the association.
func (r Register) join(ctx context.Context, c caller.Caller, a customer.Association, keep func(item) []write,
	read result[map[key]item]) error {

	if read.err != nil {
		return read.err
	}
	user, err := readUser(read.value[userKey(a.UserID)])
	if err != nil {
		return err
	}
	if user.ID == "" {
		return customer.UnknownUser
	}
	o, err := readOrganization(read.value[orgKey(c.OrganizationID)])
	if err != nil {
		return err
	}
	items := r.belonging(o, user, org.Member, a.CreatedAt)
	items[0].with("Newest", string(a.Number))
	member := append(r.stays(user, customer.UnknownUser), r.claim(items[0], errMember), r.put(items[1]))
	return r.transactAs(ctx, c, append(keep(linkedItem(linked{a, true})), r.linking(c, a, member...)...)...)
}

// keepAlone keeps the outcome of a request that changed nothing, if it has a key.
func (r Register) keepAlone(ctx context.Context, c caller.Caller, keep []write) error {
	if len(keep) == 0 {
		return nil
	}
	return r.transactAs(ctx, c, keep...)
}

// mostRead is how many associations one list may read: about 2 MB a second
// come from a partition, and a request is answered within ten. It is a variable
// for a test, which has no time to write so many.
var mostRead = 100_000

// Associations implements customer.Register.
func (r Register) Associations(ctx context.Context, c caller.Caller, q customer.Query) (customer.Page, error) {
	role := make(chan error, 1)
	go func() {
		_, err := r.fetchAs(ctx, c)
		role <- err
	}()
	matching, err := r.matching(ctx, c, q)
	if refused := <-role; refused != nil {
		return customer.Page{}, refused
	}
	if err != nil {
		return customer.Page{}, err
	}
	return q.Page(matching), nil
}

func (r Register) matching(ctx context.Context, c caller.Caller, q customer.Query) ([]customer.Association, error) {
	keys, possible := q.Plan()
	if !possible || c.OrganizationID == "" {
		return nil, nil
	}
	condition, values := "PK = :pk", item{":pk": str(associationsPartition(c.OrganizationID))}
	switch {
	case keys.From != "" && keys.Before != "":
		condition += " AND SK BETWEEN :from AND :before"
		values[":from"], values[":before"] = str(keys.From), str(keys.Before)
	case keys.From != "":
		condition += " AND SK >= :from"
		values[":from"] = str(keys.From)
	case keys.Before != "":
		condition += " AND SK < :before"
		values[":before"] = str(keys.Before)
	}
	in := &dynamodb.QueryInput{TableName: &r.Name, ConsistentRead: aws.Bool(true), KeyConditionExpression: &condition,
		ExpressionAttributeValues: values}
	var matching []customer.Association
	for read := 0; ; {
		out, err := r.Client.Query(ctx, in)
		if err != nil {
			return nil, failure(err)
		}
		for _, i := range out.Items {
			if a := readAssociation(i); q.Match(a) {
				matching = append(matching, a)
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return matching, nil
		}
		if read += len(out.Items); read >= mostRead {
			return nil, customer.TooBroad
		}
	}
}
