package dynamo_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"charter/pkg/local/dynamo"
)

// An image stays what it was, tells what differs from another, and can be restored, indexes and the file included.
//
// Tried with the controls that it must catch: a Restore that left alone what had come meanwhile; one that set the tree of
// items without the indexes.
func TestImages(t *testing.T) {
	file := t.TempDir() + "/table.db"
	e := open(t, file)
	c := tableOn(t, e)
	image := func() dynamo.Image {
		t.Helper()
		i, err := e.Image(c.table)
		must(t, err)
		return i
	}
	indexed := func(v string) attributes { return attributes{"v": S(v), "g1pk": S("g"), "g1sk": S("x")} }
	must(t, c.put("stays", indexed("1")), c.put("changes", indexed("1")), c.put("goes", indexed("1")))
	before := image()
	must(t, c.put("stays", indexed("1")), c.put("changes", indexed("2")), c.put("comes", indexed("1")))
	_, err := c.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &c.table, Key: c.k("goes")})
	must(t, err)

	var differ []string
	for old, it := range image().Since(before) {
		differ = append(differ, fmt.Sprintf("%s%s -> %s%s", old.Text("sk"), old.Text("v"), it.Text("sk"), it.Text("v")))
	}
	slices.Sort(differ)
	must(t, eq("what differs", fmt.Sprint(differ), "[ -> comes1 changes1 -> changes2 goes1 -> ]"))
	for range image().Since(image()) {
		t.Error("an image differs from itself")
	}
	must(t, e.Restore(t.Context(), before))
	for old, it := range image().Since(before) {
		t.Errorf("not restored: %s is %s", text(t, old), text(t, it))
	}
	all := func(c *checker) string {
		t.Helper()
		o, err := c.q("g1pk = :p", attributes{":p": S("g")}, func(in *dynamodb.QueryInput) { in.IndexName = s("GSI1") })
		must(t, err)
		return sks(o.Items)
	}
	must(t, eq("in the index", all(c), "changes,goes,stays"))
	n := 0
	for range before.All() {
		n++
	}
	must(t, eq("in the image", fmt.Sprint(n), "3"), e.Close())
	e = open(t, file)
	c.db = connect(t, e)
	must(t, eq("in the file", all(c), "changes,goes,stays"))
	if e.Restore(t.Context(), before) == nil {
		t.Error("restored an image of another table")
	}
}

func text(t *testing.T, it dynamo.Item) string {
	t.Helper()
	b, err := json.Marshal(it)
	must(t, err)
	return string(b)
}
