package table

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/org"
)

func associationItem(a customer.Association) item {
	return newItem(associationKey(a)).with("AssociationId", a.ID).set("CreatedAt", moment(a.CreatedAt))
}

// readAssociation reads from the keys what they say: said twice, 10,000
// associations would not be two pages of a Query.
func readAssociation(i item) customer.Association {
	a := customer.Association{ID: i.text("AssociationId"), CreatedAt: i.time("CreatedAt")}
	if parts := strings.Split(i.text("PK"), sep); len(parts) == 3 {
		a.OrganizationID = parts[1]
	}
	a.UserID, a.Number = readKey(i.text("SK"))
	return a
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
		account := beside(func() (map[key]item, error) { return r.fetch(ctx, userKey(userID), orgKey(c.OrganizationID)) })
		err := r.transactAs(ctx, c, append(keep(linkedItem(linked{a, true})), r.linking(c, a, r.newest(a, "attribute_exists(PK)", errNoMember))...)...)
		found, notFound := account()
		if errors.Is(err, errNoMember) {
			if err = notFound; err == nil {
				err = r.join(ctx, c, a, keep, found)
			}
		}
		if errors.Is(err, errMember) {
			err = r.transactAs(ctx, c, append(keep(linkedItem(linked{a, true})), r.linking(c, a, r.newest(a, "attribute_exists(PK)", errNoMember))...)...)
		}
		if before, ok := errors.AsType[stands](err); ok {
			a = before.Association
			return linked{a, false}, r.keepAlone(ctx, c, keep(linkedItem(linked{a, false})))
		}
		return linked{a, true}, err
	})
	return done.Association, done.made, err
}

// linking writes the association, and into the log, beside what becomes of the
// member. That comes first, for who is no member may have been linked before.
func (r Register) linking(c caller.Caller, a customer.Association, member ...write) []write {
	w := r.claim(associationItem(a), nil)
	w.failed = func(old item) error { return stands{readAssociation(old)} }
	return append(member, w, r.put(logItem(a)), r.audit(c.OrganizationID, c.Subject(), "association.add", a.UserID,
		org.Difference{Field: "CustomerNumber", New: string(a.Number)}))
}

// newest makes the customer the one that the member's tokens are enriched with.
func (r Register) newest(a customer.Association, condition string, failed error) write {
	return r.update(memberKey(a.OrganizationID, a.UserID), "SET Newest = :number", condition, item{":number": str(string(a.Number))}, means(failed))
}

// join makes the user a member with the association.
func (r Register) join(ctx context.Context, c caller.Caller, a customer.Association, keep func(item) []write,
	found map[key]item) error {

	user, err := readUser(found[userKey(a.UserID)])
	if err != nil {
		return err
	}
	if user.ID == "" {
		return customer.UnknownUser
	}
	o, err := readOrganization(found[orgKey(c.OrganizationID)])
	if err != nil {
		return err
	}
	if o.ID == "" {
		return org.Gone
	}
	items := r.belonging(o, user, org.Member, a.CreatedAt)
	items[0].with("Newest", string(a.Number))
	membership := append(r.stays(user, "Named", customer.UnknownUser), r.claim(items[0], errMember), r.put(items[1]))
	err = r.transactAs(ctx, c, append(keep(linkedItem(linked{a, true})), r.linking(c, a, membership...)...)...)
	if errors.As(err, new(stands)) {
		// The link has outlived a membership, which begins again.
		again := append(slices.Clip(membership), r.audit(c.OrganizationID, c.Subject(), "association.add", a.UserID,
			org.Difference{Field: "CustomerNumber", New: string(a.Number)}))
		return cmp.Or(r.transactAs(ctx, c, again...), err)
	}
	return err
}

// keepAlone keeps the outcome of a request that changed nothing, if it has a key.
func (r Register) keepAlone(ctx context.Context, c caller.Caller, keep []write) error {
	if len(keep) == 0 {
		return nil
	}
	return r.transactAs(ctx, c, keep...)
}

// mostRead is how many associations one list may read one by one: about 2 MB a
// second come from a partition, and a request is answered within ten. It is a variable
// for a test, which has no time to write so many.
var mostRead = 100_000

// Associations implements customer.Register. The role, the roll and the first
// associations are read at once, which is all there is to most organizations.
// Others are read from the roll or, before there is one, from both ends.
func (r Register) Associations(ctx context.Context, c caller.Caller, q customer.Query) (customer.Page, error) {
	id := c.OrganizationID
	keys, possible := q.Plan()
	// Of what is known to be many the first are not read for nothing, but for a
	// range of few: it may be one user's.
	large, many := onShelf[bool](r.Shelf, "many of "+id)
	begin := beside(func() (stretch, error) {
		if !possible || id == "" || many && (large || keys == customer.Range{}) {
			return stretch{rest: keys, more: true}, nil
		}
		return r.stretch(ctx, id, keys, false, firstRead)
	})
	found, err := r.fetchAs(ctx, c, rollKey(id))
	begun, notBegun := begin()
	if err != nil {
		return customer.Page{}, err
	}
	if q, err = q.Open(derived(r.Secret, "cursor"), id); err != nil {
		return customer.Page{}, err
	}
	page, err := func() (customer.Page, error) {
		s := readRoll(found[rollKey(id)])
		switch {
		case notBegun != nil:
			return customer.Page{}, notBegun
		case !possible:
			return q.Page(nil), nil
		case begun.more && s.version > 0:
			r.Shelf.put("many of "+id, s.rows > r.measure().few, 100)
			return r.fromRoll(ctx, id, q, s)
		}
		matching, err := r.matching(ctx, id, q, begun)
		return q.Page(matching), err
	}()
	if err != nil {
		return customer.Page{}, err
	}
	if page.More {
		page.NextCursor = q.Seal(derived(r.Secret, "cursor"), id, page.Data[len(page.Data)-1])
	}
	return page, nil
}

// derived is a key for one purpose.
func derived(secret []byte, purpose string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(purpose))
	return h.Sum(nil)
}

// firstRead is how many associations are read beside the role. It is more than
// an organization has that has no roll and is not about to get one.
const firstRead = 100

// stretch is what one Query has read of a range.
type stretch struct {
	rows []customer.Association
	rest customer.Range // which was not read
	more bool           // there may be something in rest
}

// stretch reads the beginning of a range, or its end: up to 1 MB or, unless it
// is 0, limit associations.
func (t *Table) stretch(ctx context.Context, organization string, keys customer.Range, backward bool, limit int32) (stretch, error) {
	condition, values := "PK = :pk", item{":pk": str(associationsPartition(organization))}
	switch {
	case keys.From != "" && keys.Before != "":
		condition += " AND SK BETWEEN :from AND :before" // Before too: no condition leaves it out
		values[":from"], values[":before"] = str(keys.From), str(keys.Before)
	case keys.From != "":
		condition += " AND SK >= :from"
		values[":from"] = str(keys.From)
	case keys.Before != "":
		condition += " AND SK < :before"
		values[":before"] = str(keys.Before)
	}
	in := &dynamodb.QueryInput{TableName: &t.Name, ConsistentRead: aws.Bool(true), KeyConditionExpression: &condition,
		ExpressionAttributeValues: values, ScanIndexForward: aws.Bool(!backward)}
	if limit > 0 {
		in.Limit = &limit
	}
	out, err := t.Client.Query(ctx, in)
	if err != nil {
		return stretch{}, failure(err)
	}
	s := stretch{rest: keys, more: out.LastEvaluatedKey != nil}
	for _, i := range out.Items {
		if a := readAssociation(i); keys.Holds(a.Key()) {
			s.rows = append(s.rows, a)
		}
	}
	if last := item(out.LastEvaluatedKey).text("SK"); backward {
		s.rest.Before = last
	} else {
		s.rest.From = last + "\x00" // which comes right after
	}
	s.more = s.more && (s.rest.Before == "" || s.rest.From < s.rest.Before)
	return s, nil
}

// matching reads all associations that match: those that were read at first,
// and the rest. Errors: customer.TooBroad.
func (r Register) matching(ctx context.Context, organization string, q customer.Query, begin stretch) (matching []customer.Association, err error) {
	read := 0
	take := func(rows []customer.Association) error {
		for _, a := range rows {
			if q.Match(a) {
				matching = append(matching, a)
			}
		}
		if read += len(rows); read > mostRead {
			return customer.TooBroad
		}
		return nil
	}
	err = take(begin.rows)
	if err == nil && begin.more {
		err = r.through(ctx, organization, begin.rest, take)
	}
	return matching, err
}

// through hands all associations of a range to take, page by page. It is read
// from both ends at once, so that two pages take one trip.
func (t *Table) through(ctx context.Context, organization string, keys customer.Range, take func([]customer.Association) error) error {
	for more := true; more; {
		var ends [2]stretch
		err := parallel(2, 2, func(n int) (err error) {
			ends[n], err = t.stretch(ctx, organization, keys, n == 1, 0)
			return err
		})
		if err != nil {
			return err
		}
		rows := ends[0].rows
		more = ends[0].more
		keys.From = ends[0].rest.From
		for _, a := range ends[1].rows { // what both have is taken once
			if more && a.Key() >= keys.From {
				rows = append(rows, a)
			}
		}
		if more {
			keys.Before = ends[1].rest.Before
			more = ends[1].more && keys.From < keys.Before
		}
		if err := take(rows); err != nil {
			return err
		}
	}
	return nil
}
