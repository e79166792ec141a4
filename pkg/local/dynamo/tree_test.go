package dynamo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTreeAgainstAMap runs random edits on a tree and on a map, and looks at ranges both ways. Snapshots taken on the way
// must not change.
func TestTreeAgainstAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tr tree[int]
		model := map[string]int{}
		var snapshot tree[int]
		var snapshotModel map[string]int
		width := rapid.IntRange(1, 4).Draw(t, "width")
		key := rapid.StringOfN(rapid.RuneFrom([]rune("abcdefgh")), 0, width, -1)
		for i := range rapid.IntRange(0, 600).Draw(t, "edits") {
			switch k := key.Draw(t, "key"); rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0, 1, 2, 3, 4, 5:
				tr, model[k] = tr.set(k, i), i
			case 6, 7, 8:
				tr = tr.remove(k)
				delete(model, k)
			case 9:
				snapshot, snapshotModel = tr, maps.Clone(model)
			}
		}
		checkTree(t, tr, model, key.Draw(t, "from"), key.Draw(t, "to"))
		checkTree(t, snapshot, snapshotModel, key.Draw(t, "from"), key.Draw(t, "to"))
	})
}

func checkTree(t *rapid.T, tr tree[int], model map[string]int, from, to string) {
	if tr.len() != len(model) {
		t.Fatalf("%d keys, want %d", tr.len(), len(model))
	}
	var want, up, down []string
	for _, k := range slices.Sorted(maps.Keys(model)) {
		if v, found := tr.get(k); !found || v != model[k] {
			t.Fatalf("%q is %d, %v; want %d", k, v, found, model[k])
		}
		if k >= from && (to == "" || k < to) {
			want = append(want, k)
		}
	}
	for k, v := range tr.up(from, to) {
		up = append(up, k)
		if v != model[k] {
			t.Fatalf("%q is %d, want %d", k, v, model[k])
		}
	}
	for k := range tr.down(from, to) {
		down = append(down, k)
	}
	slices.Reverse(down)
	if !slices.Equal(up, want) || !slices.Equal(down, want) {
		t.Fatalf("from %q to %q: up %q, down %q, want %q", from, to, up, down, want)
	}
}

func TestTreeGrownFromSortedKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[string]int{}
		var g growing[int]
		for i := range rapid.IntRange(0, 3000).Draw(t, "n") {
			k := fmt.Sprintf("%05d", i)
			g.add(k, i)
			model[k] = i
		}
		checkTree(t, g.tree(), model, "00100", "02000")
	})
}

func TestTreeIsLeftEarly(t *testing.T) {
	var tr tree[int]
	for i := range 500 {
		tr = tr.set(fmt.Sprintf("%03d", i), i)
	}
	var got []int
	for _, v := range tr.up("250", "") {
		got = append(got, v)
		if len(got) == 2 {
			break
		}
	}
	for _, v := range tr.down("", "250") {
		got = append(got, v)
		if len(got) == 4 {
			break
		}
	}
	if !slices.Equal(got, []int{250, 251, 249, 248}) {
		t.Error(got)
	}
}

// TestKeysSortAsTheirValues: the sort key's part of a tree key keeps the order of any two strings and any two numbers,
// also where one is the beginning of the other or holds zeros.
func TestKeysSortAsTheirValues(t *testing.T) {
	s := keySchema{hash: keyAttribute{"h", "S"}, sort: keyAttribute{"s", "S"}}
	key := func(v value) string { return s.key(Item{{"h", text("p")}, {"s", v}}) }
	part := rapid.StringOfN(rapid.RuneFrom([]rune("\x00\x01az\x7fé\U0001F600")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := part.Draw(t, "a"), part.Draw(t, "b")
		if got, want := strings.Compare(key(text(a)), key(text(b))), strings.Compare(a, b); got != want {
			t.Fatalf("%q against %q is %d, want %d", a, b, got, want)
		}
		prefix := string(appendPrefix(appendPartition(nil, text("p")), text(b)))
		if got, want := strings.HasPrefix(key(text(a)), prefix), strings.HasPrefix(a, b); got != want {
			t.Fatalf("%q begins with %q: %v", a, b, got)
		}
		n, _ := parseNumber(decimals().Draw(t, "n"))
		m, _ := parseNumber(decimals().Draw(t, "m"))
		if got, want := strings.Compare(key(n), key(m)), strings.Compare(string(n), string(m)); got != want {
			t.Fatalf("%s against %s is %d, want %d", n, m, got, want)
		}
	})
}

func TestAfter(t *testing.T) {
	for in, want := range map[string]string{"": "", "a": "b", "a\xff": "b", "\xff\xff": "", "ab": "ac", "a\x80": "a\x81", "\x80\xfe\xff": "\x80\xff"} {
		if got := after(in); got != want {
			t.Errorf("after %q is %q, want %q", in, got, want)
		}
	}
}
