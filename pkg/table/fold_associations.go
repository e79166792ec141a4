package table

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/customer"
	"charter/pkg/customer/roll"
	"charter/pkg/org"
)

// Roll is the table as it is seen by what keeps the rolls of associations.
//
// A roll is changed in steps that can end anywhere and be repeated: what is
// going to be made is noted first (the draft), sheets that nothing points to are
// made, and one transaction points to them. Whoever finds the draft of another
// takes its place, and the other's transaction can no longer succeed; what it
// made, and what a change replaced, is noted as trash and deleted in the next
// step, so that who still reads the state before seldom misses a sheet.
type Roll struct{ *Table }

// mostFolded is as many entries of the log as one transaction can delete that
// also changes the roll and the ends of the log.
const mostFolded = 100 - 1 - quarters

var (
	errNoLog     = errors.New("table: not the partition of a log")
	errOvertaken = errors.New("table: the roll was changed by another")
)

// Fold brings the roll of an organization up to date, whose log is the partition.
// It does nothing while the log is short. It may be called at any time, again
// and by several at once.
func (r Roll) Fold(ctx context.Context, partition string) error {
	parts := strings.Split(partition, sep)
	if len(parts) != 3 || partition != logPartition(parts[1]) {
		return errNoLog
	}
	for try := 0; ; {
		done, err := r.step(ctx, parts[1])
		switch {
		case errors.Is(err, org.Gone):
			return nil
		case errors.Is(err, errOvertaken), errors.Is(err, errMoved):
			if !pause(ctx, try) {
				return busy.Because(err)
			}
			try++
		case err != nil || done:
			return err
		default:
			try = 0
		}
	}
}

// step does what is to be done next, if anything is.
func (r Roll) step(ctx context.Context, organization string) (done bool, err error) {
	s, err := r.standingRoll(ctx, organization)
	if err != nil {
		return false, err
	}
	if s.full {
		return false, r.merge(ctx, organization, s)
	}
	log, _, err := r.log(ctx, organization, 0, quarters-1, mostFolded+quarters)
	switch {
	case err != nil || len(log) < r.measure().fold:
		return true, err
	case s.version == 0:
		return false, r.found(ctx, organization, s)
	}
	return false, r.fold(ctx, organization, s, log[:min(len(log), mostFolded)])
}

// draft is a change that is being made.
type draft struct {
	Roll
	books
	before standingRoll
	name   string
	size   int // sheets at most
	made   int // sheets so far
	parts  []item
}

// draft notes a change, and sweeps what former ones left.
func (r Roll) draft(ctx context.Context, organization string, s standingRoll, size int) (*draft, error) {
	d := &draft{Roll: r, books: books{ctx, r.Table, organization, s.contents}, name: r.ulid(), size: size}
	noted := s
	if s.draft != "" {
		noted.trash = append(slices.Clone(s.trash), join("draft", s.draft, strconv.Itoa(s.draftSize)))
	}
	noted.draft, noted.draftSize = d.name, size
	w := d.onCondition(s, noted)
	_, err := r.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.Name, Item: w.Put.Item,
		ConditionExpression: w.Put.ConditionExpression, ExpressionAttributeValues: w.Put.ExpressionAttributeValues})
	var overtaken *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &overtaken):
		return nil, errOvertaken
	case err != nil:
		return nil, failure(err)
	}
	d.before = noted
	return d, d.sweep(noted)
}

// begin is draft for an organization that is there. One that is erased from now
// on takes the draft's place; one that was erased before has nothing of it left.
func (r Roll) begin(ctx context.Context, organization string, s standingRoll, size int) (*draft, error) {
	d, err := r.draft(ctx, organization, s, size)
	if err != nil {
		return nil, err
	}
	found, err := r.fetch(ctx, orgKey(organization))
	if err == nil && found[orgKey(organization)] == nil {
		if err = org.Gone; s.version == 0 {
			err = cmp.Or(d.vanish(), err)
		}
	}
	return d, err
}

// vanish deletes the roll, unless another has taken the draft's place.
func (d *draft) vanish() error {
	gone, mine := d.remove(rollKey(d.organization)), "Draft = :draft"
	gone.Delete.ConditionExpression, gone.Delete.ExpressionAttributeValues = &mine, item{":draft": str(d.name)}
	gone.failed = means(errOvertaken)
	return d.transact(d.ctx, []write{gone})
}

// onCondition makes one state of the roll another.
func (d *draft) onCondition(from, to standingRoll) write {
	w := d.put(to.item(d.organization))
	condition, values := "Version = :version", item{":version": num(from.version)}
	if from.version == 0 {
		condition = "(attribute_not_exists(Version) OR Version = :version)"
	}
	if from.draft == "" {
		condition += " AND attribute_not_exists(Draft)"
	} else {
		condition += " AND Draft = :draft"
		values[":draft"] = str(from.draft)
	}
	w.Put.ConditionExpression, w.Put.ExpressionAttributeValues = &condition, values
	w.failed = means(errOvertaken)
	return w
}

// publish makes next the state of the roll, takes folded out of the log, and has
// it end with the version.
func (d *draft) publish(next standingRoll, folded []customer.Association) error {
	if err := d.flush(); err != nil {
		return err
	}
	next.version, next.draft, next.draftSize = d.before.version+1, "", 0
	writes := []write{d.onCondition(d.before, next)}
	for quarter := range quarters {
		writes = append(writes, d.put(newItem(endKey(d.organization, quarter)).set("Version", num(next.version))))
	}
	for _, a := range folded {
		writes = append(writes, d.remove(logKey(a)))
	}
	err := d.transact(d.ctx, writes)
	if errors.Is(err, errOvertaken) {
		// Who overtook has swept already, perhaps before all of this was made.
		return errors.Join(err, d.sweepDraft(d.name, d.made))
	}
	return err
}

// sheet makes a sheet. It may stay in hand until the next flush.
func (d *draft) sheet(keys, rest []byte) (name string, err error) {
	if d.made == d.size {
		return "", fmt.Errorf("table: a change of a roll needs more than the %d sheets it was thought to", d.size)
	}
	name = sheetName(d.name, d.made)
	d.made++
	d.parts = append(d.parts, partItem(d.organization, name, keysPart, keys), partItem(d.organization, name, restPart, rest))
	if len(d.parts) >= 4*mostWritten {
		err = d.flush()
	}
	return name, err
}

func sheetName(draft string, n int) string { return draft + "." + strconv.Itoa(n) }

// contents makes the contents, unless there are no sheets.
func (d *draft) contents(c roll.Contents) (name string) {
	if c.Rows() == 0 {
		return ""
	}
	d.parts = append(d.parts, partItem(d.organization, d.name, contentsPart, c.Encode()))
	return d.name
}

// flush writes what is in hand.
func (d *draft) flush() error {
	requests := make([]types.WriteRequest, len(d.parts))
	for n, i := range d.parts {
		requests[n].PutRequest = &types.PutRequest{Item: i}
	}
	d.parts = nil
	return d.write(d.ctx, requests)
}

// mostWritten is how many writes a batch takes.
const mostWritten = 25

// write does single writes, in no order.
func (t *Table) write(ctx context.Context, requests []types.WriteRequest) error {
	return parallel((len(requests)+mostWritten-1)/mostWritten, 4, func(n int) error {
		left := requests[n*mostWritten : min((n+1)*mostWritten, len(requests))]
		for try := 0; len(left) > 0; try++ {
			out, err := t.Client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{t.Name: left}})
			if err != nil {
				return failure(err)
			}
			if left = out.UnprocessedItems[t.Name]; len(left) > 0 && !pause(ctx, try) {
				return busy
			}
		}
		return nil
	})
}

// sweep deletes the trash.
func (d *draft) sweep(s standingRoll) error {
	for _, trash := range s.trash {
		kind, name, _ := strings.Cut(trash, sep)
		var err error
		switch kind {
		case "sheet":
			err = d.discard(partKey(d.organization, name, keysPart), partKey(d.organization, name, restPart))
		case "contents":
			err = d.sweepContents(name, s.contents)
		case "draft":
			draft, size, _ := strings.Cut(name, sep)
			n, _ := strconv.Atoi(size)
			err = d.sweepDraft(draft, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepContents deletes contents that others replaced, after the sheets that
// only they have.
func (d *draft) sweepContents(old, current string) error {
	was, err := d.books.contents(old, nil)
	if errors.Is(err, errMoved) {
		return nil // swept before
	}
	if err != nil {
		return err
	}
	is, err := d.books.contents(current, nil)
	if err != nil {
		return err
	}
	still := is.Sheets()
	var keys []key
	for name := range was.Sheets() {
		if !still[name] {
			keys = append(keys, partKey(d.organization, name, keysPart), partKey(d.organization, name, restPart))
		}
	}
	if err := d.discard(keys...); err != nil {
		return err
	}
	return d.discard(partKey(d.organization, old, contentsPart))
}

// sweepDraft deletes what was made for a draft that came to nothing.
func (d *draft) sweepDraft(name string, size int) error {
	keys := []key{partKey(d.organization, name, contentsPart)}
	for n := range size {
		keys = append(keys, partKey(d.organization, sheetName(name, n), keysPart), partKey(d.organization, sheetName(name, n), restPart))
	}
	return d.discard(keys...)
}

func (d *draft) discard(keys ...key) error {
	requests := make([]types.WriteRequest, len(keys))
	for n, k := range keys {
		requests[n].DeleteRequest = &types.DeleteRequest{Key: k.attributes()}
	}
	return d.write(d.ctx, requests)
}

// fold moves entries of the log to the loose sheet.
func (r Roll) fold(ctx context.Context, organization string, s standingRoll, log []customer.Association) error {
	d, err := r.begin(ctx, organization, s, 1)
	if err != nil {
		return err
	}
	rows, err := d.loose(s)
	if err != nil {
		return err
	}
	rows = slices.Concat(rows, log)
	roll.Sort(customer.ByUser, rows)
	next := s
	if next.loose, err = d.sheet(roll.Encode(customer.ByUser, rows)); err != nil {
		return err
	}
	next.rows += len(log)
	next.looseRows = len(rows)
	next.full = len(rows) >= max(r.measure().loose, min(next.rows/256, mostLooseRows)) || roll.TextSize(rows) > mostLoose
	next.trash = nil
	if s.loose != "" {
		next.trash = []string{join("sheet", s.loose)}
	}
	return d.publish(next, log)
}

// What the loose sheet may have at most, in rows and in bytes of their keys, so
// that both its parts stay within the 400 KB of an item, however little of them
// can be compressed.
const (
	mostLooseRows = 10_000
	mostLoose     = 240 << 10
)

// merge moves the rows of the loose sheet to the others.
func (r Roll) merge(ctx context.Context, organization string, s standingRoll) error {
	b := books{ctx, r.Table, organization, s.contents}
	loose, err := b.loose(s)
	if err != nil {
		return err
	}
	before, err := b.contents(s.contents, s.few)
	if err != nil {
		return err
	}
	next := s
	next.loose, next.looseRows, next.full = "", 0, false
	next.trash = []string{join("sheet", s.loose)}
	if s.contents != "" {
		next.trash = append(next.trash, join("contents", s.contents))
	}
	return r.spread(ctx, organization, s, next, before, loose)
}

// found makes the first sheets: of all associations that are older than the log
// of the organization. Those in the log are left to be folded. Who reads the
// associations first and the log afterwards finds each that was there in one of
// them; those in both are still in the log.
func (r Roll) found(ctx context.Context, organization string, s standingRoll) error {
	var rows []customer.Association
	err := r.through(ctx, organization, customer.Range{}, func(more []customer.Association) error {
		rows = append(rows, more...)
		return nil
	})
	if err != nil {
		return err
	}
	logged := map[string]bool{}
	in := &dynamodb.QueryInput{TableName: &r.Name, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("PK = :pk"),
		ExpressionAttributeValues: item{":pk": str(logPartition(organization))}, ProjectionExpression: aws.String("SK")}
	for more := true; more; more = in.ExclusiveStartKey != nil {
		out, err := r.Client.Query(ctx, in)
		if err != nil {
			return failure(err)
		}
		for _, i := range out.Items {
			logged[item(i).text("SK")] = true
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
	rows = slices.DeleteFunc(rows, func(a customer.Association) bool { return logged[logKey(a).sk] })
	next := s
	next.rows, next.trash = len(rows), nil
	return r.spread(ctx, organization, s, next, roll.Contents{}, rows)
}

// spread puts rows on the sheets of both orders.
func (r Roll) spread(ctx context.Context, organization string, s, next standingRoll, before roll.Contents, rows []customer.Association) error {
	sheets := 0
	for _, o := range customer.Orders {
		sheets += roll.Pieces(o, before[o], rows, r.measure().sheet)
	}
	d, err := r.begin(ctx, organization, s, sheets)
	if err != nil {
		return err
	}
	var after roll.Contents
	for _, o := range customer.Orders {
		if after[o], err = roll.Merge(o, before[o], rows, r.measure().sheet, d.ahead(o, before[o], rows), d.sheet); err != nil {
			return err
		}
	}
	next.contents = d.contents(after)
	next.few = nil
	if next.contents != "" && next.rows <= r.measure().few {
		next.few = after.Encode()
	}
	return d.publish(next, nil)
}

// ahead reads the rows of spans that are asked for in order, with those of the
// next ones that fresh rows belong to.
func (d *draft) ahead(o customer.Order, spans []roll.Span, fresh []customer.Association) func(roll.Span) ([]customer.Association, error) {
	fresh = slices.Clone(fresh)
	roll.Sort(o, fresh)
	coming := roll.Touched(o, spans, fresh)
	var ready [][]customer.Association
	return func(roll.Span) (rows []customer.Association, err error) {
		if len(ready) == 0 {
			n := min(len(coming), 2*partsAtOnce)
			if ready, err = d.Rows(o, coming[:n]); err != nil {
				return nil, err
			}
			coming = coming[n:]
		}
		rows, ready = ready[0], ready[1:]
		return rows, nil
	}
}
