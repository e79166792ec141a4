package table

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/mail"
)

// item is one item of the table. Items are written and read by hand: reflection
// would cost a cold start more than the few lines that it saves.
type item map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
func bin(b []byte) types.AttributeValue       { return &types.AttributeValueMemberB{Value: b} }
func flag(b bool) types.AttributeValue        { return &types.AttributeValueMemberBOOL{Value: b} }
func set(s ...string) types.AttributeValue    { return &types.AttributeValueMemberSS{Value: s} }
func tree(i item) types.AttributeValue        { return &types.AttributeValueMemberM{Value: i} }
func moment(t time.Time) types.AttributeValue { return str(t.UTC().Format(momentFormat)) }

// momentFormat has a fixed width, so that text order is time order.
const momentFormat = "2006-01-02T15:04:05.000Z"

func newItem(k key) item { return k.attributes() }

// with adds a text, unless it is unset.
func (i item) with(name, value string) item {
	if value != "" {
		i[name] = str(value)
	}
	return i
}

func (i item) set(name string, value types.AttributeValue) item {
	i[name] = value
	return i
}

// and is i with the attributes of more, which go before its own.
func (i item) and(more item) item {
	both := maps.Clone(i)
	maps.Copy(both, more)
	return both
}

func (i item) text(name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func (i item) number(name string) int64 {
	if v, ok := i[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64)
		return n
	}
	return 0
}

func (i item) bytes(name string) []byte {
	if v, ok := i[name].(*types.AttributeValueMemberB); ok {
		return v.Value
	}
	return nil
}

func (i item) flag(name string) bool {
	v, ok := i[name].(*types.AttributeValueMemberBOOL)
	return ok && v.Value
}

func (i item) tree(name string) item {
	if v, ok := i[name].(*types.AttributeValueMemberM); ok {
		return v.Value
	}
	return nil
}

// has reports whether a set of texts holds the value.
func (i item) has(name, value string) bool { return slices.Contains(i.members(name), value) }

// members is a set of texts.
func (i item) members(name string) []string {
	if v, ok := i[name].(*types.AttributeValueMemberSS); ok {
		return v.Value
	}
	return nil
}

func (i item) list(name string) []item {
	v, ok := i[name].(*types.AttributeValueMemberL)
	if !ok {
		return nil
	}
	items := make([]item, 0, len(v.Value))
	for _, e := range v.Value {
		if m, ok := e.(*types.AttributeValueMemberM); ok {
			items = append(items, m.Value)
		}
	}
	return items
}

func trees(items []item) types.AttributeValue {
	list := make([]types.AttributeValue, len(items))
	for n, i := range items {
		list[n] = tree(i)
	}
	return &types.AttributeValueMemberL{Value: list}
}

func (i item) time(name string) time.Time {
	t, _ := time.Parse(momentFormat, i.text(name))
	return t
}

// address reads an e-mail address, which may be unset. One that no
// ParseAddress would take did not come from this package.
func (i item) address(name string) (mail.Address, error) {
	s := i.text(name)
	if s == "" {
		return mail.Address{}, nil
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return a, fmt.Errorf("table: %s of %q is no e-mail address", name, i.text("SK"))
	}
	return a, nil
}
