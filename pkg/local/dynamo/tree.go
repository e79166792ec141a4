package dynamo

import (
	"iter"
	"slices"
	"sort"
)

// tree is an ordered map from byte strings that is never changed: set and remove give a new tree that shares all but the
// path to the key. Whoever holds a tree holds a snapshot, and readers need no lock. It is a B+ tree: the zero value is
// empty, a leaf holds keys and values, an inner node the lower bound of each child.
type tree[V any] struct {
	root *node[V]
	n    int
}

type node[V any] struct {
	keys     []string
	values   []V        // of a leaf
	children []*node[V] // of an inner node
}

const nodeWidth = 32

func (t tree[V]) len() int { return t.n }

func (t tree[V]) get(key string) (v V, found bool) {
	n := t.root
	if n == nil {
		return v, false
	}
	for n.children != nil {
		n = n.children[n.child(key)]
	}
	if i, found := slices.BinarySearch(n.keys, key); found {
		return n.values[i], true
	}
	return v, false
}

// child is the place of the child whose range holds key.
func (n *node[V]) child(key string) int {
	return max(sort.Search(len(n.keys), func(i int) bool { return n.keys[i] > key })-1, 0)
}

func (t tree[V]) set(key string, v V) tree[V] {
	if t.root == nil {
		return tree[V]{&node[V]{keys: []string{key}, values: []V{v}}, 1}
	}
	left, right, added := t.root.set(key, v)
	if right != nil {
		left = &node[V]{keys: []string{left.keys[0], right.keys[0]}, children: []*node[V]{left, right}}
	}
	if added {
		t.n++
	}
	return tree[V]{left, t.n}
}

// set gives the node's successor, or two where it was full.
func (n *node[V]) set(key string, v V) (left, right *node[V], added bool) {
	if n.children == nil {
		i, found := slices.BinarySearch(n.keys, key)
		if found {
			c := &node[V]{keys: n.keys, values: slices.Clone(n.values)}
			c.values[i] = v
			return c, nil, false
		}
		c := &node[V]{keys: inserted(n.keys, i, key), values: inserted(n.values, i, v)}
		left, right = c.split(i)
		return left, right, true
	}
	i := n.child(key)
	left, right, added = n.children[i].set(key, v)
	c := &node[V]{keys: slices.Clone(n.keys), children: slices.Clone(n.children)}
	c.children[i] = left
	c.keys[i] = min(c.keys[i], left.keys[0])
	if right == nil {
		return c, nil, added
	}
	c.keys = slices.Insert(c.keys, i+1, right.keys[0])
	c.children = slices.Insert(c.children, i+1, right)
	left, right = c.split(i + 1)
	return left, right, added
}

func inserted[E any](s []E, i int, e E) []E {
	out := make([]E, len(s)+1)
	copy(out, s[:i])
	out[i] = e
	copy(out[i+1:], s[i:])
	return out
}

// split parts a node that has grown too wide. Where it grew at its end the left part stays full, so that keys that come
// in order fill their nodes.
func (n *node[V]) split(grew int) (left, right *node[V]) {
	if len(n.keys) <= nodeWidth {
		return n, nil
	}
	at := len(n.keys) / 2
	if grew == len(n.keys)-1 {
		at = grew
	}
	return n.part(0, at), n.part(at, len(n.keys))
}

func (n *node[V]) part(from, to int) *node[V] {
	if n.children == nil {
		return &node[V]{keys: slices.Clone(n.keys[from:to]), values: slices.Clone(n.values[from:to])}
	}
	return &node[V]{keys: slices.Clone(n.keys[from:to]), children: slices.Clone(n.children[from:to])}
}

func (t tree[V]) remove(key string) tree[V] {
	if _, found := t.get(key); !found {
		return t
	}
	root := t.root.remove(key)
	for root != nil && len(root.children) == 1 {
		root = root.children[0]
	}
	return tree[V]{root, t.n - 1}
}

// remove gives the node's successor, nil when nothing is left. The key is there.
func (n *node[V]) remove(key string) *node[V] {
	if n.children == nil {
		i, _ := slices.BinarySearch(n.keys, key)
		if len(n.keys) == 1 {
			return nil
		}
		return &node[V]{keys: without(n.keys, i), values: without(n.values, i)}
	}
	i := n.child(key)
	child := n.children[i].remove(key)
	if child == nil {
		if len(n.children) == 1 {
			return nil
		}
		return &node[V]{keys: without(n.keys, i), children: without(n.children, i)}
	}
	c := &node[V]{keys: slices.Clone(n.keys), children: slices.Clone(n.children)}
	c.children[i] = child
	if len(child.keys) < nodeWidth/4 {
		c.mergeAround(i)
	}
	return c
}

func without[E any](s []E, i int) []E {
	out := make([]E, 0, len(s)-1)
	return append(append(out, s[:i]...), s[i+1:]...)
}

// mergeAround joins a small child with a neighbour that has room for it. The node is the caller's own.
func (n *node[V]) mergeAround(i int) {
	for _, left := range []int{i - 1, i} {
		if left < 0 || left+1 >= len(n.children) {
			continue
		}
		a, b := n.children[left], n.children[left+1]
		if len(a.keys)+len(b.keys) > nodeWidth {
			continue
		}
		n.children[left] = &node[V]{
			keys:     slices.Concat(a.keys, b.keys),
			values:   slices.Concat(a.values, b.values),
			children: slices.Concat(a.children, b.children),
		}
		n.keys = slices.Delete(n.keys, left+1, left+2)
		n.children = slices.Delete(n.children, left+1, left+2)
		return
	}
}

// up goes through the keys at or above from and below to, in order; to "" is no bound.
func (t tree[V]) up(from, to string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		if t.root != nil {
			t.root.up(from, to, yield)
		}
	}
}

func (n *node[V]) up(from, to string, yield func(string, V) bool) bool {
	if n.children != nil {
		for i := n.child(from); i < len(n.children); i++ {
			if !n.children[i].up(from, to, yield) {
				return false
			}
		}
		return true
	}
	i, _ := slices.BinarySearch(n.keys, from)
	for ; i < len(n.keys); i++ {
		if to != "" && n.keys[i] >= to || !yield(n.keys[i], n.values[i]) {
			return false
		}
	}
	return true
}

// down goes through the same keys from the last to the first.
func (t tree[V]) down(from, to string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		if t.root != nil {
			t.root.down(from, to, yield)
		}
	}
}

func (n *node[V]) down(from, to string, yield func(string, V) bool) bool {
	last := len(n.keys) - 1
	if n.children != nil {
		if to != "" {
			last = n.child(to)
		}
		for i := last; i >= 0; i-- {
			if !n.children[i].down(from, to, yield) {
				return false
			}
		}
		return true
	}
	if to != "" {
		i, _ := slices.BinarySearch(n.keys, to)
		last = i - 1
	}
	for i := last; i >= 0; i-- {
		if n.keys[i] < from || !yield(n.keys[i], n.values[i]) {
			return false
		}
	}
	return true
}

// growing builds a tree from keys that come in order, without a path copied for each.
type growing[V any] struct {
	leaves []*node[V]
	n      int
}

func (g *growing[V]) add(key string, v V) {
	if g.n%nodeWidth == 0 {
		g.leaves = append(g.leaves, &node[V]{keys: make([]string, 0, nodeWidth), values: make([]V, 0, nodeWidth)})
	}
	leaf := g.leaves[len(g.leaves)-1]
	leaf.keys = append(leaf.keys, key)
	leaf.values = append(leaf.values, v)
	g.n++
}

func (g *growing[V]) tree() tree[V] {
	level := g.leaves
	for len(level) > 1 {
		var above []*node[V]
		for part := range slices.Chunk(level, nodeWidth) {
			inner := &node[V]{children: slices.Clone(part)}
			for _, child := range part {
				inner.keys = append(inner.keys, child.keys[0])
			}
			above = append(above, inner)
		}
		level = above
	}
	if len(level) == 0 {
		return tree[V]{}
	}
	return tree[V]{level[0], g.n}
}
