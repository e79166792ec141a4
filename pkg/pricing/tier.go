package pricing

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"charter/pkg/fault"
	"charter/pkg/text"
)

// TierName is the name of a price tier, "" for none. What a caller sends
// becomes one only through ParseTierName.
type TierName string

// ParseTierName reads a tier's name: 1 to 64 code points. Errors:
// text.Required, text.Refused, or that it is too long.
func ParseTierName(s string) (TierName, error) {
	s, err := text.Parse(s, 1, 64)
	return TierName(s), err
}

// Tier is one tier of an organization's price list.
type Tier struct {
	ID        string // a ULID, so that an older tier's is lower; customers hold it
	Name      TierName
	Currency  Currency
	IsDefault bool // for customers without a tier; one of a list's tiers is
}

const (
	MaxTiers    = 200   // tiers that an organization can have
	MaxReplaced = 1_000 // tiers that are gone and whose customers another one took over
)

// Tiers is an organization's price list as one value. Its methods are all the
// rules of price tiers; those that change it return the changed list and leave
// the one that they were called on as it was. The zero Tiers is an empty list.
type Tiers struct {
	Live []Tier // in no order

	// Replaced leads from the id of a tier that is gone to that of the live
	// tier that took its customers over, in one step: they keep the old id.
	Replaced map[string]string
}

// List is the tiers ordered by name, as names are compared.
func (t Tiers) List() []Tier {
	type line struct {
		folded string
		tier   Tier
	}
	lines := make([]line, len(t.Live))
	for i, tier := range t.Live {
		lines[i] = line{text.Fold(string(tier.Name)), tier}
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Compare(a.folded, b.folded) })
	tiers := make([]Tier, len(lines))
	for i, line := range lines {
		tiers[i] = line.tier
	}
	return tiers
}

// Named is the tier of that name. Errors: UnknownTier.
func (t Tiers) Named(name TierName) (Tier, error) {
	if i := t.index(name); i >= 0 {
		return t.Live[i], nil
	}
	return Tier{}, UnknownTier
}

// Default is the default tier; ok is false when there are no tiers.
func (t Tiers) Default() (tier Tier, ok bool) {
	return t.find(func(tier Tier) bool { return tier.IsDefault })
}

// Resolve is the tier of customers who hold the id: the one that has it, or
// that took over from the one that had it. ok is false when none did.
func (t Tiers) Resolve(id string) (tier Tier, ok bool) {
	if heir, gone := t.Replaced[id]; gone {
		id = heir
	}
	return t.find(func(tier Tier) bool { return tier.ID == id })
}

// HeldAs lists the ids that a tier's customers hold: its own first, then those
// of the tiers that it replaced. Whoever counts its customers counts them all.
func (t Tiers) HeldAs(id string) []string {
	ids := []string{id}
	for gone, heir := range t.Replaced {
		if heir == id {
			ids = append(ids, gone)
		}
	}
	slices.Sort(ids[1:])
	return ids
}

var (
	// NameTaken is a name that another tier of the organization has.
	NameTaken = fault.Fault{Kind: fault.Taken, Code: "name_taken", Field: "Name",
		Message: "A price tier with this name exists already."}
	// TooManyTiers is a tier over MaxTiers.
	TooManyTiers = fault.Fault{Kind: fault.Invalid, Code: "too_many_tiers", Field: "Name",
		Message: fmt.Sprintf("An organization has at most %d price tiers.", MaxTiers)}
)

// Add puts a tier with a new id on the list. The first one becomes the
// default. Errors: NameTaken, TooManyTiers.
func (t Tiers) Add(id string, name TierName, currency Currency) (Tiers, error) {
	switch {
	case t.index(name) >= 0:
		return t, NameTaken
	case len(t.Live) >= MaxTiers:
		return t, TooManyTiers
	}
	t.Live = append(slices.Clip(t.Live), Tier{id, name, currency, len(t.Live) == 0})
	return t, nil
}

// UnknownTier is a name that no tier of the organization has.
var UnknownTier = fault.Fault{Kind: fault.Invalid, Code: "unknown_tier", Field: "Name",
	Message: "No price tier has this name."}

// Change gives the tier named old another name and currency; another spelling
// of its own name is one too. Errors, together: UnknownTier in OldName,
// NameTaken in NewName.
func (t Tiers) Change(old, name TierName, currency Currency) (Tiers, error) {
	var wrong []error
	changed, holder := t.index(old), t.index(name)
	if changed < 0 {
		wrong = append(wrong, UnknownTier.In("OldName"))
	}
	if holder >= 0 && holder != changed {
		wrong = append(wrong, NameTaken.In("NewName"))
	}
	if len(wrong) > 0 {
		return t, errors.Join(wrong...)
	}
	t.Live = slices.Clone(t.Live)
	t.Live[changed].Name, t.Live[changed].Currency = name, currency
	return t, nil
}

// TierInUse is a tier with customers and nobody to take them over.
func TierInUse(customers int) fault.Fault {
	who := fmt.Sprintf("%d customers use", customers)
	if customers == 1 {
		who = "1 customer uses"
	}
	return fault.Fault{Kind: fault.Invalid, Code: "tier_in_use", Field: "Name",
		Message: who + " this price tier; name another one in ReplaceWith to take over."}
}

var (
	// ReplacesItself is a tier that is to be removed and to take over.
	ReplacesItself = fault.Fault{Kind: fault.Invalid, Code: "replaces_itself", Field: "ReplaceWith",
		Message: "Must be another price tier than the one that is removed."}
	// TooManyReplaced is a replacement over MaxReplaced.
	TooManyReplaced = fault.Fault{Kind: fault.Invalid, Code: "too_many_replaced", Field: "ReplaceWith",
		Message: fmt.Sprintf("An organization can replace at most %d price tiers.", MaxReplaced)}
)

// Remove takes a tier off the list. Its customers, as many as hold one of the
// ids of HeldAs, go to the tier named heir, "" for none; so does being the
// default. Without an heir the oldest tier left becomes the default, as the
// first one did when it was alone. Errors: UnknownTier in Name or ReplaceWith
// (together), ReplacesItself, TierInUse, TooManyReplaced.
func (t Tiers) Remove(name, heir TierName, customers int) (Tiers, error) {
	gone, next := t.index(name), -1
	var wrong []error
	if gone < 0 {
		wrong = append(wrong, UnknownTier)
	}
	if heir != "" {
		if next = t.index(heir); next < 0 {
			wrong = append(wrong, UnknownTier.In("ReplaceWith"))
		}
	}
	switch {
	case len(wrong) > 0:
		return t, errors.Join(wrong...)
	case next == gone:
		return t, ReplacesItself
	case next < 0 && customers > 0:
		return t, TierInUse(customers)
	case next >= 0 && len(t.Replaced) >= MaxReplaced:
		return t, TooManyReplaced
	}
	id := t.Live[gone].ID
	after := Tiers{Live: slices.Clone(t.Live), Replaced: maps.Clone(t.Replaced)}
	if next >= 0 {
		after.handOver(id, t.Live[next].ID)
	} else {
		maps.DeleteFunc(after.Replaced, func(_, heir string) bool { return heir == id })
	}
	if t.Live[gone].IsDefault && len(t.Live) > 1 {
		if next < 0 {
			next = t.oldestBut(gone)
		}
		after.Live[next].IsDefault = true
	}
	after.Live = slices.Delete(after.Live, gone, gone+1)
	return after, nil
}

// handOver leads from id, and from all that led there, to heir.
func (t *Tiers) handOver(id, heir string) {
	if t.Replaced == nil {
		t.Replaced = map[string]string{}
	}
	for _, held := range t.HeldAs(id) {
		t.Replaced[held] = heir
	}
}

// oldestBut is the index of the oldest tier but the one at skip, -1 when there is none.
func (t Tiers) oldestBut(skip int) int {
	oldest := -1
	for i, tier := range t.Live {
		if i != skip && (oldest < 0 || tier.ID < t.Live[oldest].ID) {
			oldest = i
		}
	}
	return oldest
}

// index is where the tier of that name is, -1 when there is none.
func (t Tiers) index(name TierName) int {
	folded := text.Fold(string(name))
	return slices.IndexFunc(t.Live, func(tier Tier) bool { return text.Fold(string(tier.Name)) == folded })
}

func (t Tiers) find(is func(Tier) bool) (Tier, bool) {
	if i := slices.IndexFunc(t.Live, is); i >= 0 {
		return t.Live[i], true
	}
	return Tier{}, false
}
