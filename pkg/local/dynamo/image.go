package dynamo

import (
	"context"
	"iter"
)

// Image is the items of a table at one moment. It costs nothing to take, whatever there is in the table.
type Image struct {
	table *schema
	items tree[Item]
}

// Image is the table as it is now.
func (e *Engine) Image(table string) (Image, error) {
	t, err := e.find(table)
	if err != nil {
		return Image{}, err
	}
	return Image{t.schema, t.items}, nil
}

// All goes through the items in the order of their keys.
func (i Image) All() iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for _, it := range i.items.up("", "") {
			if !yield(it) {
				return
			}
		}
	}
}

// Since goes through the items that are others than in an earlier image of the table: as they were and as they are, nil
// where there was or is none.
func (i Image) Since(before Image) iter.Seq2[Item, Item] {
	return func(yield func(old, it Item) bool) {
		for _, d := range i.since(before) {
			if !yield(d.old, d.it) {
				return
			}
		}
	}
}

type replacement struct {
	key     string
	old, it Item
}

func (i Image) since(before Image) (list []replacement) {
	if i.items.root == before.items.root {
		return nil
	}
	for key, it := range i.items.up("", "") {
		if old, _ := before.items.get(key); !isItem(old, it) && !equalItems(old, it) {
			list = append(list, replacement{key, old, it})
		}
	}
	for key, old := range before.items.up("", "") {
		if _, stays := i.items.get(key); !stays {
			list = append(list, replacement{key, old, nil})
		}
	}
	return list
}

// isItem tells, without a look at them, that two items are one.
func isItem(a, b Item) bool { return len(a) > 0 && len(a) == len(b) && &a[0] == &b[0] }

// Restore makes the items those of an earlier image again, in one transaction of which the stream tells as of any other.
func (e *Engine) Restore(ctx context.Context, before Image) error {
	return e.change(ctx, func(x *edit) error {
		t, err := x.find(before.table.name)
		if err == nil && t.schema != before.table {
			err = errTableNotFound
		}
		if err != nil {
			return err
		}
		for _, d := range before.since(Image{t.schema, t.items}) {
			x.replace(before.table.name, d.key, d.old, d.it, false)
		}
		return nil
	})
}
