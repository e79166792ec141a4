package page

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// separator parts the parts of a key. It is shown as "#".
const separator = "\x01"

const (
	itemsAPage = 25
	maxReads   = 40      // how many requests a page makes of the table at most, each of up to 1 MB
	maxValue   = 4 << 10 // bytes that are shown of a value
)

type tableView struct {
	Name          string
	Kinds         []*kind
	Patterns      []pattern
	Organizations []organization
}

type organization struct{ ID, Name, PK string }

func (p *Page) showTable(w http.ResponseWriter, r *http.Request) {
	v := tableView{Name: p.TableName, Patterns: p.patterns, Kinds: p.kinds}
	var err error
	if v.Organizations, err = p.organizations(r.Context()); err != nil {
		p.trouble(w, http.StatusInternalServerError, "table", "The table cannot be read", err.Error())
		return
	}
	p.write(w, http.StatusOK, "table", sheet{Title: "Table", Section: "table", Data: v})
}

// organizations are some of those that there are, by their names.
func (p *Page) organizations(ctx context.Context) (list []organization, err error) {
	n := slices.IndexFunc(p.kinds, func(k *kind) bool { return k.ID == "organization" })
	if n < 0 {
		return nil, nil
	}
	found, err := p.read(ctx, reach{kind: p.kinds[n]}, nil)
	for _, i := range found.items {
		pk, _ := keyOf(i)
		_, id, _ := strings.Cut(pk, separator)
		list = append(list, organization{id, cmp.Or(text(i["Name"]), id), pk})
	}
	slices.SortFunc(list, func(a, b organization) int {
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return list, err
}

// reach says which items are meant.
type reach struct {
	kind *kind  // nil for all kinds
	any  bool   // of the kind only the partition key counts
	pk   string // the one partition, "" for all
	sk   string // what sort keys begin with
}

func (a reach) holds(i stored) bool {
	pk, sk := keyOf(i)
	switch {
	case a.kind == nil:
		return true
	case a.any:
		return slices.ContainsFunc(a.kind.pk, func(t form) bool { return t.fits(pk) })
	}
	return a.kind.fits(pk, sk)
}

type itemsView struct {
	Title  string
	Kind   *kind
	All    bool // whatever lies in the partitions of the kind
	PK     []part
	Fields []asked
	Items  []item
	First  string // address of the first page, "" on it
	Next   string // address of the next page, "" on the last
	Looked int    // how many items were looked at, where the search stopped early; else 0
	Kinds  []*kind
}

// asked is a part of a partition key that one may fill in.
type asked struct{ Name, Label, Value string }

// item is an item, as it is shown.
type item struct {
	PK, SK     []part
	Partition  string // address of all items with this partition key
	Attributes []attribute
}

type attribute struct {
	Name, Type string
	Parts      []part // of a text with separators
	Value      string
	Note       string
	Link       string // to the partition that the value names
}

type stored = map[string]types.AttributeValue

func (p *Page) showItems(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	v := itemsView{Title: "Items", Kinds: p.kinds, All: query.Get("all") != ""}
	a := reach{pk: query.Get("pk"), any: v.All}
	if typed := strings.TrimSpace(query.Get("key")); typed != "" { // with # for separators
		a.pk = strings.ReplaceAll(typed, "#", separator)
	}
	if n := slices.IndexFunc(p.kinds, func(k *kind) bool { return k.ID == query.Get("kind") }); n >= 0 {
		a.kind, v.Kind, v.Title = p.kinds[n], p.kinds[n], p.kinds[n].What
		v.fill(&a, query)
	}
	if a.pk != "" {
		v.PK = cutKey(a.pk)
	}
	if a.kind == nil && a.pk == "" {
		p.trouble(w, http.StatusNotFound, "table", "No such items", "There is no such kind of items.")
		return
	}
	after, err := readCursor(query.Get("after"))
	if err != nil {
		p.trouble(w, http.StatusBadRequest, "table", v.Title, "The address of this page is not whole.")
		return
	}
	found, err := p.read(r.Context(), a, after)
	if err != nil {
		p.trouble(w, http.StatusInternalServerError, "table", v.Title, err.Error())
		return
	}
	for _, i := range found.items {
		v.Items = append(v.Items, newItem(i))
	}
	if found.stopped {
		v.Looked = found.looked
	}
	query.Del("after")
	if after != nil {
		v.First = "/_local/table/items?" + query.Encode()
	}
	if found.next != nil {
		query.Set("after", cursor(found.next))
		v.Next = "/_local/table/items?" + query.Encode()
	}
	p.write(w, http.StatusOK, "items", sheet{Title: v.Title, Section: "table", Wide: true, Data: v})
}

// fill puts what was filled in into the kind's partition key. The key is known
// once all of it is.
func (v *itemsView) fill(a *reach, query url.Values) {
	if len(a.kind.pk) != 1 {
		return
	}
	var parts []string
	whole := true
	for n, p := range a.kind.pk[0] {
		value := p.Text
		if p.Name {
			name := "part" + strconv.Itoa(n)
			value = strings.TrimSpace(query.Get(name))
			v.Fields = append(v.Fields, asked{name, strings.Trim(p.Text, "<>"), value})
			whole = whole && value != ""
		}
		parts = append(parts, value)
	}
	if whole && len(v.Fields) > 0 {
		a.pk = strings.Join(parts, separator)
	}
	if len(a.kind.sk) == 1 && !a.any {
		a.sk = a.kind.sk[0].head()
	}
}

// found is a page of items.
type found struct {
	items   []stored
	next    stored // the key after which the next page begins, nil on the last one
	looked  int
	stopped bool // there was more to search than one page may
}

// read reads a page of items: a Query where the partition is known, else as much
// of a Scan as it takes.
func (p *Page) read(ctx context.Context, a reach, after stored) (f found, err error) {
	for range maxReads {
		items, last, looked, err := p.readOnce(ctx, a, after)
		if err != nil {
			return f, err
		}
		f.looked += looked
		for _, i := range items {
			if !a.holds(i) {
				continue
			}
			if len(f.items) == itemsAPage {
				pk, sk := keyOf(f.items[itemsAPage-1])
				f.next = key(pk, sk)
				return f, nil
			}
			f.items = append(f.items, i)
		}
		if after = last; after == nil {
			return f, nil
		}
	}
	f.next, f.stopped = after, true
	return f, nil
}

func (p *Page) readOnce(ctx context.Context, a reach, after stored) (items []stored, last stored, looked int, err error) {
	if a.pk != "" {
		in := &dynamodb.QueryInput{TableName: &p.TableName, ConsistentRead: aws.Bool(true), ExclusiveStartKey: after,
			KeyConditionExpression: aws.String("PK = :pk"), ExpressionAttributeValues: stored{":pk": str(a.pk)},
			Limit: aws.Int32(10 * itemsAPage)}
		if a.sk != "" {
			*in.KeyConditionExpression += " AND begins_with(SK, :sk)"
			in.ExpressionAttributeValues[":sk"] = str(a.sk)
		}
		out, err := p.Table.Query(ctx, in)
		if err != nil {
			return nil, nil, 0, err
		}
		return out.Items, out.LastEvaluatedKey, int(out.ScannedCount), nil
	}
	in := &dynamodb.ScanInput{TableName: &p.TableName, ConsistentRead: aws.Bool(true), ExclusiveStartKey: after}
	var conditions []string
	in.ExpressionAttributeValues = stored{}
	add := func(name, condition, value string) {
		if value != "" {
			conditions = append(conditions, condition)
			in.ExpressionAttributeValues[name] = str(value)
		}
	}
	if len(a.kind.pk) == 1 {
		add(":head", "begins_with(PK, :head)", a.kind.pk[0].head())
		add(":tail", "contains(PK, :tail)", a.kind.pk[0].tail())
	}
	add(":sk", "begins_with(SK, :sk)", a.sk)
	if conditions == nil {
		in.ExpressionAttributeValues = nil
	} else {
		in.FilterExpression = aws.String(strings.Join(conditions, " AND "))
	}
	out, err := p.Table.Scan(ctx, in)
	if err != nil {
		return nil, nil, 0, err
	}
	return out.Items, out.LastEvaluatedKey, int(out.ScannedCount), nil
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func key(pk, sk string) stored { return stored{"PK": str(pk), "SK": str(sk)} }

func keyOf(i stored) (pk, sk string) { return text(i["PK"]), text(i["SK"]) }

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// cursor is a key in an address.
func cursor(k stored) string {
	pk, sk := keyOf(k)
	both, _ := json.Marshal([2]string{pk, sk}) // texts can be encoded
	return base64.RawURLEncoding.EncodeToString(both)
}

func readCursor(c string) (stored, error) {
	if c == "" {
		return nil, nil
	}
	both, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil {
		return nil, err
	}
	var k [2]string
	if err := json.Unmarshal(both, &k); err != nil {
		return nil, err
	}
	return key(k[0], k[1]), nil
}

// cutKey parts a key for showing.
func cutKey(k string) (list []part) {
	for n, piece := range strings.Split(k, separator) {
		if n > 0 {
			list = append(list, part{Text: "#", Separator: true})
		}
		list = append(list, part{Text: piece})
	}
	return list
}

func partition(pk string) string { return "/_local/table/items?pk=" + url.QueryEscape(pk) }

func newItem(i stored) item {
	pk, sk := keyOf(i)
	out := item{PK: cutKey(pk), SK: cutKey(sk), Partition: partition(pk)}
	for _, name := range slices.Sorted(maps.Keys(i)) {
		if name != "PK" && name != "SK" {
			out.Attributes = append(out.Attributes, newAttribute(name, i[name]))
		}
	}
	return out
}

// ids name a partition.
var ids = regexp.MustCompile(`^(org|kp)_[0-9a-z]{26}$`)

func newAttribute(name string, v types.AttributeValue) attribute {
	a := attribute{Name: name}
	a.Type, a.Value = inWords(v)
	if a.Type == "S" && strings.Contains(a.Value, separator) {
		a.Parts = cutKey(a.Value)
	}
	if m := ids.FindStringSubmatch(a.Value); m != nil && a.Type == "S" {
		a.Link = partition(map[string]string{"org": "ORG", "kp": "USER"}[m[1]] + separator + a.Value)
	}
	if seconds, err := strconv.ParseInt(a.Value, 10, 64); name == "ExpiresAt" && a.Type == "N" && err == nil {
		a.Note = time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return a
}

// inWords is the type of a value, as DynamoDB names it, and the value.
func inWords(v types.AttributeValue) (kind, value string) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return "S", abridged(v.Value)
	case *types.AttributeValueMemberN:
		return "N", v.Value
	case *types.AttributeValueMemberB:
		return "B", binary(v.Value)
	case *types.AttributeValueMemberBOOL:
		return "BOOL", strconv.FormatBool(v.Value)
	case *types.AttributeValueMemberNULL:
		return "NULL", "null"
	case *types.AttributeValueMemberSS:
		return "SS", abridged(strings.Join(v.Value, "\n"))
	case *types.AttributeValueMemberNS:
		return "NS", abridged(strings.Join(v.Value, "\n"))
	case *types.AttributeValueMemberBS:
		var all []string
		for _, b := range v.Value {
			all = append(all, binary(b))
		}
		return "BS", abridged(strings.Join(all, "\n"))
	case *types.AttributeValueMemberL:
		return "L", abridged(string(tree(v)))
	case *types.AttributeValueMemberM:
		return "M", abridged(string(tree(v)))
	}
	return "", ""
}

// tree is a list or a map as indented JSON.
func tree(v types.AttributeValue) []byte {
	encoded, err := json.MarshalIndent(bare(v), "", "  ")
	if err != nil { // a number that is none
		return []byte(err.Error())
	}
	return encoded
}

func bare(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, each := range v.Value {
			list = append(list, bare(each))
		}
		return list
	case *types.AttributeValueMemberM:
		members := map[string]any{}
		for name, each := range v.Value {
			members[name] = bare(each)
		}
		return members
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberNULL:
		return nil
	case *types.AttributeValueMemberSS:
		return v.Value
	}
	_, value := inWords(v)
	return value
}

func abridged(s string) string {
	if len(s) <= maxValue {
		return s
	}
	end := maxValue
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s … and %d bytes more", s[:end], len(s)-end)
}

func binary(b []byte) string {
	const most = 96
	if len(b) <= most {
		return base64.StdEncoding.EncodeToString(b)
	}
	return fmt.Sprintf("%s… %d bytes in all", base64.StdEncoding.EncodeToString(b[:most]), len(b))
}
