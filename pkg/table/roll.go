package table

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/oklog/ulid/v2"

	"charter/pkg/customer"
	"charter/pkg/customer/roll"
	"charter/pkg/org"
)

// scale is from how many associations on things are done.
type scale struct {
	few   int // up to so many in sheets, their contents stand in the roll itself
	fold  int // so many in the log are folded
	loose int // at least so many loose ones are merged, and a 256th of all
	sheet int // at most so many are on a sheet
}

// usual is the scale unless a test has its own. A log of fewer than 95 stays:
// an organization with so few has no roll, and a fold is worth its writes.
var usual = scale{few: 10_000, fold: mostFolded, loose: 1024, sheet: roll.SheetRows}

func (t *Table) measure() scale {
	if t.scale == (scale{}) {
		return usual
	}
	return t.scale
}

// standingRoll is the item that says what a roll is made of at this moment.
type standingRoll struct {
	version   int64    // counts its changes; 0 until it was first made
	rows      int      // in sheets, the loose one included
	contents  string   // name of the contents, "" while there are no sheets
	loose     string   // name of the loose sheet, "" for none
	looseRows int      // on it
	full      bool     // the loose sheet is to be merged
	few       []byte   // the contents themselves, while they are of few rows, else nil
	draft     string   // name of the change that is being made, or was given up
	draftSize int      // how many sheets it may have made
	trash     []string // what the last change left over
}

func (s standingRoll) item(organization string) item {
	i := newItem(rollKey(organization)).set("Version", num(s.version)).set("Rows", num(int64(s.rows))).
		with("Contents", s.contents).with("Loose", s.loose).set("LooseRows", num(int64(s.looseRows))).set("Full", flag(s.full)).
		with("Draft", s.draft).set("DraftSize", num(int64(s.draftSize)))
	if s.few != nil {
		i.set("Few", bin(s.few))
	}
	if len(s.trash) > 0 {
		i.set("Trash", set(s.trash...))
	}
	return i
}

func readRoll(i item) standingRoll {
	return standingRoll{version: i.number("Version"), rows: int(i.number("Rows")), contents: i.text("Contents"),
		loose: i.text("Loose"), looseRows: int(i.number("LooseRows")), full: i.flag("Full"), few: i.bytes("Few"),
		draft: i.text("Draft"), draftSize: int(i.number("DraftSize")), trash: i.members("Trash")}
}

// standingRoll reads the roll as it stands.
func (t *Table) standingRoll(ctx context.Context, organization string) (standingRoll, error) {
	found, err := t.fetch(ctx, rollKey(organization))
	return readRoll(found[rollKey(organization)]), err
}

// logItem is as small as can be, for each list of a large organization reads
// the whole log: the id in binary, and the milliseconds from the time in it to
// when the association was created.
func logItem(a customer.Association) item {
	id, err := ulid.ParseStrict(strings.ToUpper(a.ID))
	if err != nil {
		panic("table: the id of an association is no ULID")
	}
	return newItem(logKey(a)).set("Link", bin(binary.AppendVarint(id[:], a.CreatedAt.UnixMilli()-int64(id.Time()))))
}

func readLog(organization string, i item) customer.Association {
	a := customer.Association{OrganizationID: organization}
	_, key, _ := strings.Cut(i.text("SK"), sep)
	a.UserID, a.Number = readKey(key)
	var id ulid.ULID
	since, _ := binary.Varint(i.bytes("Link")[copy(id[:], i.bytes("Link")):])
	a.ID, a.CreatedAt = strings.ToLower(id.String()), time.UnixMilli(int64(id.Time())+since).UTC()
	return a
}

// log reads quarters of the log, the first and the last of which are given: limit
// items at most or, with 0, all of them, if that is no more than a list may read.
// ends are the versions that they end with. Errors: customer.TooBroad.
func (t *Table) log(ctx context.Context, organization string, from, to, limit int) (rows []customer.Association, ends []int64, err error) {
	in := &dynamodb.QueryInput{TableName: &t.Name, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("PK = :pk AND SK BETWEEN :from AND :end"),
		ExpressionAttributeValues: item{":pk": str(logPartition(organization)), ":from": str(strconv.Itoa(from)), ":end": str(endKey(organization, to).sk)}}
	if limit > 0 {
		in.Limit = aws.Int32(int32(limit))
	}
	for {
		out, err := t.Client.Query(ctx, in)
		if err != nil {
			return nil, nil, failure(err)
		}
		for _, i := range out.Items {
			if i["Version"] != nil {
				ends = append(ends, item(i).number("Version"))
			} else {
				rows = append(rows, readLog(organization, i))
			}
		}
		switch in.ExclusiveStartKey = out.LastEvaluatedKey; {
		case in.ExclusiveStartKey == nil, limit > 0:
			return rows, ends, nil
		case len(rows) > mostRead/quarters*(to-from+1):
			return nil, nil, customer.TooBroad
		}
	}
}

// errMoved is a roll that was changed while it was read.
var errMoved = errors.New("table: the roll was changed meanwhile")

// logOf is what is in those quarters of the log, and not in that state of the
// roll, which was read before. A Query takes its partition in order, and of what
// a transaction changes meanwhile it finds the rest changed (the isolation that
// AWS calls read-committed:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
// So no association of a quarter that ends with the same version was moved to a
// sheet before it was looked for.
func (t *Table) logOf(ctx context.Context, organization string, s standingRoll, from, to int) ([]customer.Association, error) {
	rows, ends, err := t.log(ctx, organization, from, to, 0)
	if err == nil && (len(ends) != to-from+1 || slices.ContainsFunc(ends, func(v int64) bool { return v != s.version })) {
		err = errMoved
	}
	return rows, err
}

// fromRoll is the page that the query asks for, read from the roll as it stands.
func (r Register) fromRoll(ctx context.Context, organization string, q customer.Query, s standingRoll) (customer.Page, error) {
	for try := 0; ; try++ {
		page, err := r.page(books{ctx, r.Table, organization, s.contents}, q, s)
		if !errors.Is(err, errMoved) {
			return page, err
		}
		if !pause(ctx, try) {
			return customer.Page{}, busy.Because(err)
		}
		if s, err = r.standingRoll(ctx, organization); err != nil {
			return customer.Page{}, err
		}
		if s.version == 0 {
			return customer.Page{}, org.Gone // with which alone a roll goes
		}
	}
}

// page is read from one state of the roll. Its sheets never change, so they are
// read at leisure, and at half the price. Where the contents are at hand, the
// sheets that the page can be on are read at once, and each quarter of the log by
// itself, so that one trip is enough for thousands that were not folded yet.
func (r Register) page(b books, q customer.Query, s standingRoll) (customer.Page, error) {
	logs := 1
	if s.few != nil || s.contents == "" {
		logs = quarters
	}
	var fresh [quarters + 1][]customer.Association
	var contents roll.Contents
	err := parallel(logs+2, logs+2, func(n int) (err error) {
		switch {
		case n < logs:
			fresh[n], err = r.logOf(b.ctx, b.organization, s, n, n+quarters-logs)
		case n == logs:
			fresh[n], err = b.loose(s)
		default:
			if contents, err = b.contents(s.contents, s.few); err == nil && logs == quarters {
				o, spans := roll.Needs(q, contents)
				_, _, err = b.load(o, spans)
			}
		}
		return err
	})
	if err != nil {
		return customer.Page{}, err
	}
	return roll.Read(q, contents, slices.Concat(fresh[:]...), b)
}

// books are the sheets of an organization. They implement roll.Sheets. What is
// not there has been swept: errMoved.
type books struct {
	ctx          context.Context
	table        *Table
	organization string
	of           string // name of the contents
}

// The parts of a sheet, and the contents: sort keys, all in binary attributes
// of one name.
const (
	keysPart     = "KEYS"
	restPart     = "REST"
	contentsPart = "CONTENTS"
)

func partItem(organization, name, part string, data []byte) item {
	return newItem(partKey(organization, name, part)).set("Part", bin(data))
}

// contents are those of the name. They are read unless their text is at hand.
func (b books) contents(name string, text []byte) (c roll.Contents, err error) {
	if name == "" {
		return c, nil
	}
	if c, ok := onShelf[roll.Contents](b.table.Shelf, name); ok {
		return c, nil
	}
	open := func(_ int, text []byte) (err error) {
		if c, err = roll.OpenContents(text); err == nil {
			b.table.Shelf.put(name, c, 8*len(text))
		}
		return err
	}
	if text != nil {
		err = open(0, text)
	} else {
		err = b.parts([]key{partKey(b.organization, name, contentsPart)}, open)
	}
	return c, err
}

// loose are the rows of the loose sheet.
func (b books) loose(s standingRoll) ([]customer.Association, error) {
	if s.loose == "" {
		return nil, nil
	}
	shelved := "rows of " + s.loose
	if rows, ok := onShelf[[]customer.Association](b.table.Shelf, shelved); ok {
		return rows, nil
	}
	all, err := b.Rows(customer.ByUser, []roll.Span{{Sheet: s.loose, Rows: s.looseRows}})
	if err != nil {
		return nil, err
	}
	b.table.Shelf.put(shelved, all[0], 256*len(all[0]))
	return all[0], nil
}

// Counts implements roll.Sheets. They are kept, too: whoever filters mostly goes
// on to the next page of the same.
func (b books) Counts(o customer.Order, spans []roll.Span, q customer.Query) ([]int, error) {
	shelved := fmt.Sprintf("counts of %s in order %d from %s: %s", b.of, o, spans[0].Sheet, q.Filters())
	if counts, ok := onShelf[[]int](b.table.Shelf, shelved); ok && len(counts) == len(spans) {
		return counts, nil
	}
	var here, elsewhere []int
	counts := make([]int, len(spans))
	known := make([]roll.Keys, len(spans))
	for i, s := range spans {
		if k, ok := onShelf[roll.Keys](b.table.Shelf, s.Sheet); ok {
			known[i], here = k, append(here, i)
		} else {
			elsewhere = append(elsewhere, i)
		}
	}
	const some = 16 // sheets at once, which is little work and little memory
	err := parallel((len(here)+some-1)/some, runtime.GOMAXPROCS(0), func(n int) error {
		for _, i := range here[n*some : min((n+1)*some, len(here))] {
			counts[i] = known[i].Count(q)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	keys := make([]key, len(elsewhere))
	for n, i := range elsewhere {
		keys[n] = partKey(b.organization, spans[i].Sheet, keysPart)
	}
	err = b.parts(keys, func(n int, part []byte) error {
		i := elsewhere[n]
		k, err := b.open(o, spans[i], part)
		if err == nil {
			counts[i] = k.Count(q)
		}
		return err
	})
	if err == nil {
		b.table.Shelf.put(shelved, counts, 8*len(counts)+2*len(shelved))
	}
	return counts, err
}

// open reads the keys of a sheet, and keeps them.
func (b books) open(o customer.Order, s roll.Span, part []byte) (roll.Keys, error) {
	k, err := roll.Open(o, part)
	if err == nil && k.Len() != s.Rows {
		err = fmt.Errorf("table: sheet %s has %d rows, not %d", s.Sheet, k.Len(), s.Rows)
	}
	if err == nil {
		b.table.Shelf.put(s.Sheet, k, k.Size())
	}
	return k, err
}

// Rows implements roll.Sheets.
func (b books) Rows(o customer.Order, spans []roll.Span) ([][]customer.Association, error) {
	known, rests, err := b.load(o, spans)
	rows := make([][]customer.Association, len(spans))
	for i := 0; i < len(spans) && err == nil; i++ {
		rows[i], err = known[i].Rows(b.organization, rests[i])
	}
	return rows, err
}

// load reads both parts of all spans, and keeps them.
func (b books) load(o customer.Order, spans []roll.Span) (known []roll.Keys, rests [][]byte, err error) {
	known, rests = make([]roll.Keys, len(spans)), make([][]byte, len(spans))
	var missing []key
	var place []int
	for i, s := range spans {
		var ok bool
		if known[i], ok = onShelf[roll.Keys](b.table.Shelf, s.Sheet); !ok {
			missing, place = append(missing, partKey(b.organization, s.Sheet, keysPart)), append(place, i)
		}
		if rests[i], ok = onShelf[[]byte](b.table.Shelf, "rest of "+s.Sheet); !ok {
			missing, place = append(missing, partKey(b.organization, s.Sheet, restPart)), append(place, i)
		}
	}
	err = b.parts(missing, func(n int, part []byte) (err error) {
		i := place[n]
		if missing[n].sk == restPart {
			rests[i] = part
			b.table.Shelf.put("rest of "+spans[i].Sheet, part, len(part))
			return nil
		}
		known[i], err = b.open(o, spans[i], part)
		return err
	})
	return known, rests, err
}

// The reading of parts: so many in a call, so many calls at once. An answer has
// about 600 KB, which a few goroutines decode while others wait for theirs.
const (
	partsAtOnce = 16
	callsAtOnce = 8
)

// parts reads parts by their keys and calls each for every one, in any order
// and several at once.
func (b books) parts(keys []key, each func(n int, part []byte) error) error {
	place := make(map[key]int, len(keys))
	for n, k := range keys {
		place[k] = n
	}
	return parallel((len(keys)+partsAtOnce-1)/partsAtOnce, callsAtOnce, func(n int) error {
		missing := keys[n*partsAtOnce : min((n+1)*partsAtOnce, len(keys))]
		// What was made just now may not have come everywhere yet.
		for _, consistent := range []bool{false, true} {
			found, err := b.table.read(b.ctx, consistent, missing...)
			if err != nil {
				return err
			}
			var left []key
			for _, k := range missing {
				i, ok := found[k]
				if !ok {
					left = append(left, k)
				} else if err := each(place[k], i.bytes("Part")); err != nil {
					return err
				}
			}
			if missing = left; missing == nil {
				return nil
			}
		}
		return errMoved
	})
}

// parallel calls f for 0 up to n, at most limit at once, and returns the first
// error, after which none is begun.
func parallel(n, limit int, f func(n int) error) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		next  int
		first error
	)
	for range min(n, limit) {
		wg.Go(func() {
			for {
				mu.Lock()
				i, over := next, next >= n || first != nil
				next++
				mu.Unlock()
				if over {
					return
				}
				if err := f(i); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return first
}
