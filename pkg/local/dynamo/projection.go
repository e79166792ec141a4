package dynamo

import (
	"cmp"
	"fmt"
	"slices"
)

// outline is the tree that the paths of a projection or an update make: none ends inside another, and what is a list to
// one is no map to another.
type outline struct {
	step     step
	path     path    // ends here, nil inside the tree
	action   *action // of an update
	branches []*outline
}

// add grows the tree by a path, or says with which it clashes.
func (o *outline) add(p path, a *action) error {
	at := o
	for i, s := range p {
		if at.path != nil {
			return clash("overlap", at.path, p)
		}
		j := slices.IndexFunc(at.branches, func(b *outline) bool { return b.step == s })
		if j < 0 {
			if n := len(at.branches); n > 0 && (at.branches[0].step.name == "") != (s.name == "") {
				return clash("conflict", at.branches[0].anyPath(), p)
			}
			j = len(at.branches)
			at.branches = append(at.branches, &outline{step: s})
		}
		at = at.branches[j]
		if i == len(p)-1 && (at.path != nil || at.branches != nil) {
			return clash("overlap", at.anyPath(), p)
		}
	}
	at.path, at.action = p, a
	return nil
}

func (o *outline) anyPath() path {
	for o.path == nil {
		o = o.branches[0]
	}
	return o.path
}

func clash(how string, one, two path) error {
	return fmt.Errorf("Two document paths %s with each other; must remove or rewrite one of these paths; "+
		"path one: %s, path two: %s", how, one, two)
}

// projection reads a projection expression: path { , path }.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
func (s *scope) projection(text string) (*outline, *parser, error) {
	root := &outline{}
	p, err := s.parse("ProjectionExpression", text, func(p *parser) {
		p.commas(func() {
			if err := root.add(p.path(), nil); err != nil {
				p.refuse("%v", err)
			}
		})
	})
	return root, p, err
}

// project keeps of an item what the tree names; elements of a list close ranks.
func (o *outline) project(it Item) Item {
	if cut, ok := o.cut(it).(Item); ok {
		return cut
	}
	return Item{}
}

// cut is what is left of a value, nil when nothing is.
func (o *outline) cut(v value) value {
	if o.path != nil || v == nil {
		return v
	}
	type part struct {
		step  step
		value value
	}
	var parts []part
	for _, b := range o.branches {
		if kept := b.cut(b.step.into(v)); kept != nil {
			parts = append(parts, part{b.step, kept})
		}
	}
	if parts == nil {
		return nil
	}
	if _, ok := v.(Item); ok {
		cut := make(Item, len(parts))
		for i, p := range parts {
			cut[i] = attribute{p.step.name, p.value}
		}
		slices.SortFunc(cut, byName)
		return cut
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.step.index, b.step.index) })
	cut := make(list, len(parts))
	for i, p := range parts {
		cut[i] = p.value
	}
	return cut
}
