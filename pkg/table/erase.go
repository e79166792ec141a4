package table

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/org"
)

// Estate is all that there is of an organization.
type Estate struct {
	Slug    string         // "" where it has gone already
	Counts  map[string]int // items by what they are
	Leaving []string       // users who belong nowhere else: their accounts go, too
	Staying int            // members who belong elsewhere, too

	claims     []key            // its name, slug and code
	partitions map[string]bool  // all that is many
	loose      []key            // what is found by looking at everything alone
	members    map[string]bool  // who belongs to it
	homed      map[string]bool  // whose account was made with it
	placed     map[string]bool  // everybody who is a member or a customer's user elsewhere
	links      map[string][]key // what leads to an account: by which it is verified, and other issuers'
}

// Survey finds all of an organization, whether it is there or its erasure was
// cut off. It reads the whole table, once. Errors: NoOrganization.
func (o Operator) Survey(ctx context.Context, id string) (Estate, error) {
	e, err := o.survey(ctx, id, nil)
	if err == nil && len(e.Counts) == 0 {
		err = NoOrganization
	}
	return e, err
}

// survey also finds the links of the users who are asked for.
func (o Operator) survey(ctx context.Context, id string, users map[string]bool) (Estate, error) {
	e := Estate{Counts: map[string]int{}, partitions: map[string]bool{}, members: map[string]bool{}, homed: map[string]bool{},
		placed: map[string]bool{}, links: map[string][]key{}}
	pages := dynamodb.NewScanPaginator(o.Client, &dynamodb.ScanInput{TableName: &o.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Estate{}, failure(err)
		}
		for _, i := range page.Items {
			e.add(id, users, i)
		}
	}
	for user := range e.members {
		if e.placed[user] {
			e.Staying++
		} else {
			e.Leaving = append(e.Leaving, user)
		}
	}
	for user := range e.homed {
		if !e.members[user] && !e.placed[user] {
			e.Leaving = append(e.Leaving, user)
		}
	}
	slices.Sort(e.Leaving)
	return e, nil
}

// add looks at one item of the table.
func (e *Estate) add(id string, users map[string]bool, i item) {
	k := key{i.text("PK"), i.text("SK")}
	pk, sk := strings.Split(k.pk, sep), strings.Split(k.sk, sep)
	word, of := pk[0], pk[len(pk)-1]
	if len(pk) > 1 {
		of = pk[1]
	}
	switch {
	case word == "ORG" && of == id:
		e.partitions[k.pk] = true
		if sk[0] == "MEMBER" {
			e.members[sk[1]] = true
		}
	case word == "ORG" && pk[len(pk)-1] == "ASSOCIATIONS":
		e.placed[strings.Clone(sk[0])] = true
		return
	case word == "USER" && sk[0] == "ORG" && sk[1] == id:
		e.members[of] = true
	case word == "USER" && sk[0] == "ORG":
		e.placed[of] = true
		return
	case word == "USER":
		if i.text("HomeId") == id {
			e.homed[of] = true
		}
		return
	case word == "ISSUER", word == "VERIFY":
		if user := i.text("UserId"); users[user] {
			e.links[user] = append(e.links[user], k)
		}
		return
	case slices.Contains([]string{"NAME", "SLUG", "CODE"}, word) && i.text("OrganizationId") == id:
		e.claims = append(e.claims, k)
		if word == "SLUG" {
			e.Slug = of
		}
	case slices.Contains([]string{"HOLDS", "ROLL", "EXPIRY"}, word) && of == id,
		word == "CLIENT" && i.text("OrganizationId") == id,
		word == "LETTER" && letterOf(i) == id,
		word == "IDEMPOTENCY" && names(tree(i), id):
		e.loose = append(e.loose, k)
	default:
		return
	}
	e.Counts[cmp.Or(kinds[kindOf(pk, sk)].name, "items of no kind")]++
}

// letterOf is the organization of a letter: where it invites its token tells.
func letterOf(letter item) string {
	id, _, _ := org.ParseInvitationToken(letter.text("Token"))
	return letter.text("OrganizationId") + id
}

// names reports whether a text in v holds the word.
func names(v types.AttributeValue, word string) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return strings.Contains(v.Value, word)
	case *types.AttributeValueMemberM:
		for _, member := range v.Value {
			if names(member, word) {
				return true
			}
		}
	case *types.AttributeValueMemberL:
		return slices.ContainsFunc(v.Value, func(e types.AttributeValue) bool { return names(e, word) })
	}
	return false
}

// Erase deletes all of an organization, and the accounts that belong nowhere
// else; gone are these. The first transaction makes it gone for everybody. Then
// the table is read for what is left of it, and that is deleted, until there is
// nothing; its name, slug and code are free when all else is gone. Cut off
// anywhere it goes on where it was when it is called again. What was kept under
// an Idempotency-Key and does not name the organization is found by nobody and
// ends by itself within a day.
func (o Operator) Erase(ctx context.Context, id string) (gone []string, err error) {
	if err := o.vanish(ctx, id); err != nil {
		return nil, err
	}
	known := map[string]bool{} // users whose links the next survey finds
	for range mostRounds {
		if err := o.bar(ctx, id, known); err != nil {
			return gone, err
		}
		e, err := o.survey(ctx, id, known)
		if err != nil {
			return gone, err
		}
		if e.cleared() {
			return gone, o.disclaim(ctx, e.claims)
		}
		handled := maps.Clone(known)
		for user := range known {
			left, err := o.leave(ctx, id, user, e.links[user], func(item) bool { return !e.placed[user] })
			if err != nil {
				return gone, err
			}
			if left {
				gone = append(gone, user)
			} else if e.placed[user] {
				delete(known, user) // they stay, with what leads to their account
			}
		}
		if err := o.discard(ctx, e.loose); err != nil {
			return gone, err
		}
		// What says whose roles there were goes after the roles.
		for _, pk := range slices.Backward(slices.Sorted(maps.Keys(e.partitions))) {
			if err := o.empty(ctx, pk); err != nil {
				return gone, err
			}
		}
		for _, user := range slices.AppendSeq(e.Leaving, maps.Keys(e.members)) {
			if !handled[user] {
				known[user] = true
			}
		}
	}
	return gone, busy
}

// cleared reports whether nothing is left but the claims.
func (e Estate) cleared() bool {
	return len(e.partitions) == 0 && len(e.loose) == 0 && len(e.members) == 0 && len(e.Leaving) == 0 && len(e.links) == 0
}

// vanish makes the organization gone for everybody, but for its claims: by them
// it is found again if that was all.
func (o Operator) vanish(ctx context.Context, id string) error {
	for range mostRounds {
		items, err := o.partition(ctx, orgPartition(id))
		if err != nil {
			return err
		}
		organization := whole(items).one("ORG")
		if organization == nil {
			return nil
		}
		if err := o.transact(ctx, o.ending(id, organization)); !errors.Is(err, errStale) {
			return err
		}
	}
	return busy
}

// bar ends the roles and the invitations of an organization that is gone, so
// that nobody can add to it. Its members are added to known.
func (o Operator) bar(ctx context.Context, id string, known map[string]bool) error {
	if err := o.releaseAll(ctx, id); err != nil {
		return err
	}
	var invitations []key
	err := o.query(ctx, &dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :pk"), ProjectionExpression: aws.String("PK, SK"),
		ExpressionAttributeValues: item{":pk": str(membersPartition(id))}}, func(i item) (bool, error) {
		if kind, user, _ := strings.Cut(i.text("SK"), sep); kind == "MEMBER" {
			known[user] = true
		} else {
			invitations = append(invitations, key{i.text("PK"), i.text("SK")})
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return o.discard(ctx, invitations)
}

// disclaim frees what the organization had claimed, at once.
func (o Operator) disclaim(ctx context.Context, claims []key) error {
	if len(claims) == 0 {
		return nil
	}
	writes := make([]write, len(claims))
	for n, k := range claims {
		writes[n] = o.remove(k)
	}
	return o.transact(ctx, writes)
}
