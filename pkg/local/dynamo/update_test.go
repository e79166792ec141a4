package dynamo_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestAnUpdateThatOnlyTakesMakesNoItem(t *testing.T) {
	c, _ := newTable(t)
	for _, expression := range []string{"REMOVE a", "DELETE a :set", "REMOVE b DELETE a :set"} {
		var values attributes
		if strings.Contains(expression, ":set") {
			values = attributes{":set": SS("x")}
		}
		o, err := c.update("a", expression, "", nil, values, types.ReturnValueAllNew)
		must(t, err, eq("attributes", showItem(o.Attributes), "{}"))
		got, err := c.get("a")
		must(t, err, eq("item", showItem(got), "{}"))
	}
	must(t, c.tx("", c.txUpd("a", "REMOVE a", "", nil)))
	got, err := c.get("a")
	must(t, err, eq("item", showItem(got), "{}"))
}

// deep nests lists around a value.
func deep(levels int) types.AttributeValue {
	v := S("core")
	for range levels {
		v = L(v)
	}
	return v
}

func TestNestingHasALimit(t *testing.T) {
	c, _ := newTable(t)
	const tooDeep = "Nesting Levels have exceeded supported limits"
	must(t, c.put("a", attributes{"v": deep(32)}), want(c.put("a", attributes{"v": deep(33)}), valEx, tooDeep))
	_, err := c.update("a", "SET v[0] = :v", "", nil, attributes{":v": deep(31)}, "")
	_, err2 := c.update("a", "SET v[0] = :v", "", nil, attributes{":v": deep(32)}, "")
	must(t, err, want(err2, valEx, tooDeep))
}

func TestReturnedParts(t *testing.T) {
	c, _ := newTable(t)
	must(t, c.put("a", attributes{"m": M(attributes{"x": N("1"), "y": N("2")}), "l": L(S("a"), S("b"))}))
	o, err := c.update("a", "SET m.x = :n, l[1] = :n REMOVE m.y", "", nil, attributes{":n": N("9")}, types.ReturnValueUpdatedOld)
	must(t, err, eq("old", showItem(o.Attributes), `{l:L[S("b")] m:{x:N(1) y:N(2)}}`))
	o, err = c.update("a", "SET m.x = :n, l[0] = :n REMOVE m.y", "", nil, attributes{":n": N("8")}, types.ReturnValueUpdatedNew)
	must(t, err, eq("new", showItem(o.Attributes), `{l:L[N(8)] m:{x:N(8)}}`))
}
