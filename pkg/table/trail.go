package table

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/caller"
	"charter/pkg/org"
)

// Trail is the table as the audit trail of each organization.
type Trail struct{ *Table }

var _ org.Trail = Trail{}

// audit writes down who did what to what, in the transaction that does it. It
// names the organization once more for the stream, which tells of entries that
// are to be sealed.
func (t *Table) audit(organization, subject, action, target string, changes ...org.Difference) write {
	id := t.ulid()
	i := newItem(auditKey(organization, id)).with("AuditId", id).with("OrganizationId", organization).set("At", moment(t.Now())).
		with("Subject", subject).with("Action", action).with("Target", target)
	if len(changes) > 0 {
		list := make([]item, len(changes))
		for n, c := range changes {
			list[n] = item{}.with("Field", c.Field).with("Old", c.Old).with("New", c.New)
		}
		i.set("Changes", trees(list))
	}
	return t.put(i)
}

func readEntry(i item) org.Entry {
	e := org.Entry{ID: i.text("AuditId"), At: i.time("At"), Subject: i.text("Subject"), Action: i.text("Action"), Target: i.text("Target")}
	for _, c := range i.list("Changes") {
		e.Changes = append(e.Changes, org.Difference{Field: c.text("Field"), Old: c.text("Old"), New: c.text("New")})
	}
	return e
}

// isULID reports whether id has the form of the ids that the table makes.
func isULID(id []byte) bool {
	return len(id) == 26 && strings.Trim(string(id), "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// Entries implements org.Trail. A cursor is the id of the last entry shown. It
// says nothing that its holder has not seen, and leads nowhere but into the
// trail of the caller's own organization, so it needs no signature.
func (t Trail) Entries(ctx context.Context, c caller.Caller, size int, cursor string) (org.TrailPage, error) {
	role := beside(func() (map[key]item, error) { return t.fetchAs(ctx, c) })
	page, err := t.page(ctx, c.OrganizationID, size, cursor)
	if _, refused := role(); refused != nil {
		return org.TrailPage{}, refused
	}
	return page, err
}

// page reads one entry more than it shows, to know whether another page follows.
func (t Trail) page(ctx context.Context, organization string, size int, cursor string) (org.TrailPage, error) {
	in := &dynamodb.QueryInput{TableName: &t.Name, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: aws.String("PK = :pk"), ExpressionAttributeValues: item{":pk": str(trailPartition(organization))}}
	if cursor != "" {
		id, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || !isULID(id) {
			return org.TrailPage{}, org.InvalidCursor
		}
		in.ExclusiveStartKey = auditKey(organization, string(id)).attributes()
	}
	var page org.TrailPage
	for {
		in.Limit = aws.Int32(int32(size + 1 - len(page.Entries)))
		out, err := t.Client.Query(ctx, in)
		if err != nil {
			return org.TrailPage{}, failure(err)
		}
		for _, i := range out.Items {
			page.Entries = append(page.Entries, readEntry(i))
		}
		if len(page.Entries) > size {
			page.Entries = page.Entries[:size]
			page.Next = base64.RawURLEncoding.EncodeToString([]byte(page.Entries[size-1].ID))
			return page, nil
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return page, nil
		}
	}
}

// query reads a partition page by page, consistently, until each says to stop.
func (t *Table) query(ctx context.Context, in *dynamodb.QueryInput, each func(i item) (more bool, err error)) error {
	in.TableName, in.ConsistentRead = &t.Name, aws.Bool(true)
	for {
		out, err := t.Client.Query(ctx, in)
		if err != nil {
			return failure(err)
		}
		for _, i := range out.Items {
			if more, err := each(i); err != nil || !more {
				return err
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return nil
		}
	}
}

func texts(list []string) types.AttributeValue {
	values := make([]types.AttributeValue, len(list))
	for n, s := range list {
		values[n] = str(s)
	}
	return &types.AttributeValueMemberL{Value: values}
}

// texts is a list of texts, in its order.
func (i item) texts(name string) []string {
	v, ok := i[name].(*types.AttributeValueMemberL)
	if !ok {
		return nil
	}
	list := make([]string, len(v.Value))
	for n, e := range v.Value {
		if s, ok := e.(*types.AttributeValueMemberS); ok {
			list[n] = s.Value
		}
	}
	return list
}
