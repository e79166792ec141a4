package pricing

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"charter/pkg/fault"
	"charter/pkg/text"
)

func TestParseTierName(t *testing.T) {
	long := strings.Repeat("😀", 64)
	for in, want := range map[string]TierName{"Gold": "Gold", "\u00a0 Gold  Plus\t": "Gold  Plus", long: TierName(long)} {
		if got, err := ParseTierName(in); err != nil || got != want {
			t.Errorf("ParseTierName(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]error{
		"": text.Required, " ": text.Required, "Go\u202eld": text.Refused, "Go\x01ld": text.Refused, long + "x": fault.Invalid,
	} {
		if _, err := ParseTierName(in); !errors.Is(err, want) {
			t.Errorf("ParseTierName(%q): %v; want %v", in, err, want)
		}
	}
}

// threeTiers are Silver, the default, Gold and Bronze, in the order of their age.
func threeTiers() Tiers {
	return Tiers{Live: []Tier{{"3", "Bronze", "USD", false}, {"1", "Silver", "USD", true}, {"2", "Gold", "EUR", false}}}
}

func TestChangesOfAPriceList(t *testing.T) {
	silverGone := Tiers{
		Live:     []Tier{{"3", "Bronze", "USD", false}, {"2", "Gold", "EUR", true}},
		Replaced: map[string]string{"1": "2"},
	}
	full := Tiers{}
	for i := range MaxTiers {
		full.Live = append(full.Live, Tier{ID: fmt.Sprintf("%03d", i), Name: TierName(fmt.Sprint("Tier ", i)), IsDefault: i == 0})
	}
	spent := Tiers{Live: threeTiers().Live, Replaced: map[string]string{}}
	for i := range MaxReplaced {
		spent.Replaced[fmt.Sprintf("gone %d", i)] = "2"
	}
	add := func(name TierName) func(Tiers) (Tiers, error) {
		return func(t Tiers) (Tiers, error) { return t.Add("9", name, "KES") }
	}
	change := func(old, name TierName) func(Tiers) (Tiers, error) {
		return func(t Tiers) (Tiers, error) { return t.Change(old, name, "KES") }
	}
	remove := func(name, heir TierName, customers int) func(Tiers) (Tiers, error) {
		return func(t Tiers) (Tiers, error) { return t.Remove(name, heir, customers) }
	}
	for _, c := range []struct {
		name string
		from Tiers
		do   func(Tiers) (Tiers, error)
		want string // the list, "*" at the default, and what was replaced by what
		errs []error
	}{
		{"the first tier is the default", Tiers{}, add("Gold"), "9 Gold KES*", nil},
		{"a second one is not", silverGone, add("Alu"), "9 Alu KES, 3 Bronze USD, 2 Gold EUR*; 1>2", nil},
		{"a name can come back", silverGone, add("silver"), "3 Bronze USD, 2 Gold EUR*, 9 silver KES; 1>2", nil},
		{"a name in another spelling is taken", threeTiers(), add("ＧＯＬＤ"), "", []error{NameTaken}},
		{"no tier over the limit", full, add("Gold"), "", []error{TooManyTiers}},
		{"a taken name, over the limit", full, add("tier 7"), "", []error{NameTaken}},

		{"rename and reprice", threeTiers(), change("gold", "Platinum"), "3 Bronze USD, 2 Platinum KES, 1 Silver USD*", nil},
		{"reprice alone", threeTiers(), change("Silver", "Silver"), "3 Bronze USD, 2 Gold EUR, 1 Silver KES*", nil},
		{"a change of case is a rename", threeTiers(), change("Gold", "GOLD"), "3 Bronze USD, 2 GOLD KES, 1 Silver USD*", nil},
		{"no name of another tier", threeTiers(), change("Gold", "SILVER"), "", []error{NameTaken.In("NewName")}},
		{"no change of nothing", threeTiers(), change("Alu", "Tin"), "", []error{UnknownTier.In("OldName")}},
		{"both wrong", threeTiers(), change("Alu", "Gold"), "", []error{UnknownTier.In("OldName"), NameTaken.In("NewName")}},

		{"remove", threeTiers(), remove("bronze", "", 0), "2 Gold EUR, 1 Silver USD*", nil},
		{"remove the default: the oldest left", threeTiers(), remove("Silver", "", 0), "3 Bronze USD, 2 Gold EUR*", nil},
		{"remove the last", Tiers{Live: []Tier{{"1", "Silver", "USD", true}}}, remove("Silver", "", 0), "", nil},
		{"remove what took over", silverGone, remove("Gold", "", 0), "3 Bronze USD*", nil},
		{"replace", threeTiers(), remove("Gold", "bronze", 7), "3 Bronze USD, 1 Silver USD*; 2>3", nil},
		{"replace the default", threeTiers(), remove("Silver", "Bronze", 7), "3 Bronze USD*, 2 Gold EUR; 1>3", nil},
		{"replace what nobody uses", threeTiers(), remove("Gold", "Bronze", 0), "3 Bronze USD, 1 Silver USD*; 2>3", nil},
		{"replace what took over", silverGone, remove("Gold", "Bronze", 7), "3 Bronze USD*; 1>3, 2>3", nil},
		{"in use", threeTiers(), remove("Gold", "", 7), "", []error{TierInUse(7)}},
		{"no removal of nothing", threeTiers(), remove("Alu", "", 0), "", []error{UnknownTier}},
		{"no heir of that name", threeTiers(), remove("Gold", "Alu", 7), "", []error{UnknownTier.In("ReplaceWith")}},
		{"neither", threeTiers(), remove("Alu", "Tin", 0), "", []error{UnknownTier, UnknownTier.In("ReplaceWith")}},
		{"its own heir", threeTiers(), remove("Gold", "GOLD", 0), "", []error{ReplacesItself}},
		{"no replacement over the limit", spent, remove("Silver", "Gold", 7), "", []error{TooManyReplaced}},
	} {
		before := copyOf(c.from)
		after, err := c.do(c.from)
		if !reflect.DeepEqual(c.from, before) {
			t.Errorf("%s: the list that was changed is another one now: %v", c.name, c.from)
		}
		faults, ok := fault.All(err)
		if !ok || !slices.EqualFunc(faults, c.errs, func(f fault.Fault, want error) bool { return f == want }) {
			t.Errorf("%s: %v; want %v", c.name, err, c.errs)
		} else if err == nil && describe(after) != c.want {
			t.Errorf("%s: %s; want %s", c.name, describe(after), c.want)
		} else if err != nil && !reflect.DeepEqual(after, before) {
			t.Errorf("%s: refused, and the list is %s", c.name, describe(after))
		}
	}
}

func TestTierInUseSaysByHowMany(t *testing.T) {
	for n, want := range map[int]string{1: "1 customer uses", 12: "12 customers use"} {
		if f := TierInUse(n); f.Code != "tier_in_use" || !strings.HasPrefix(f.Message, want+" this price tier;") {
			t.Errorf("TierInUse(%d) = %+v", n, f)
		}
	}
}

func TestListIsOrderedAsNamesAreCompared(t *testing.T) {
	var list Tiers
	for i, name := range []TierName{"gold 10", "Zinc", "ábc", "  ﬁne", "Gold 2", "alu", "Alu Plus"} {
		var err error
		if list, err = list.Add(fmt.Sprint(i), name, "USD"); err != nil {
			t.Fatal(err)
		}
	}
	want := "5 alu USD, 6 Alu Plus USD, 3   ﬁne USD, 0 gold 10 USD*, 4 Gold 2 USD, 1 Zinc USD, 2 ábc USD"
	if got := describe(list); got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

func describe(t Tiers) string {
	var lines, replaced []string
	for _, tier := range t.List() {
		line := fmt.Sprint(tier.ID, " ", tier.Name, " ", tier.Currency)
		if tier.IsDefault {
			line += "*"
		}
		lines = append(lines, line)
	}
	for _, id := range slices.Sorted(maps.Keys(t.Replaced)) {
		replaced = append(replaced, id+">"+t.Replaced[id])
	}
	if len(replaced) == 0 {
		return strings.Join(lines, ", ")
	}
	return strings.Join(lines, ", ") + "; " + strings.Join(replaced, ", ")
}

func copyOf(t Tiers) Tiers {
	return Tiers{Live: slices.Clone(t.Live), Replaced: maps.Clone(t.Replaced)}
}

// Any changes in any order: beside the price list runs a plain account of
// which tier each customer should have, kept by moving the customers.
func TestTiersProperties(t *testing.T) {
	names := rapid.SampledFrom([]TierName{
		"Gold", "gold", "ＧＯＬＤ", "Silver", "SILVER", "Straße", "STRASSE", "Alu  1", "alu 1", "Tin"})
	currencies := rapid.SampledFrom([]Currency{"USD", "EUR", "KES"})
	rapid.Check(t, func(t *rapid.T) {
		var list Tiers
		held := map[int]string{}   // the tier id that a customer holds
		should := map[int]string{} // the live tier that it should come to
		nextID := 0

		settle := func(after Tiers, err error, before Tiers) bool {
			if _, ok := fault.All(err); !ok {
				t.Fatalf("an error that is no fault: %v", err)
			}
			if !reflect.DeepEqual(list, before) {
				t.Fatalf("the list that was changed is another one now: %v", list)
			}
			list = after
			return err == nil
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				before := copyOf(list)
				after, err := list.Add(fmt.Sprintf("%04d", nextID), names.Draw(t, "name"), currencies.Draw(t, "currency"))
				nextID++
				settle(after, err, before)
			},
			"change": func(t *rapid.T) {
				before := copyOf(list)
				after, err := list.Change(names.Draw(t, "old"), names.Draw(t, "new"), currencies.Draw(t, "currency"))
				settle(after, err, before)
			},
			"use": func(t *rapid.T) {
				if len(list.Live) > 0 {
					customer, tier := rapid.IntRange(0, 5).Draw(t, "customer"), rapid.SampledFrom(list.Live).Draw(t, "tier")
					held[customer], should[customer] = tier.ID, tier.ID
				}
			},
			"leave": func(t *rapid.T) {
				customer := rapid.IntRange(0, 5).Draw(t, "customer")
				delete(held, customer)
				delete(should, customer)
			},
			"remove": func(t *rapid.T) {
				name, heirName := names.Draw(t, "name"), names.Draw(t, "heir")
				if rapid.Bool().Draw(t, "without heir") {
					heirName = ""
				}
				tier, _ := list.Named(name)
				heir, _ := list.Named(heirName)
				wasDefault, customers := tier.IsDefault, 0
				for _, id := range held {
					if slices.Contains(list.HeldAs(tier.ID), id) {
						customers++
					}
				}
				before := copyOf(list)
				after, err := list.Remove(name, heirName, customers)
				if !settle(after, err, before) {
					return
				}
				for customer, id := range should {
					if id == tier.ID {
						should[customer] = heir.ID
					}
				}
				if now, _ := list.Default(); wasDefault && heirName != "" && now.ID != heir.ID {
					t.Fatalf("%q went, %q took over, and the default is %q", name, heirName, now.Name)
				}
			},
			"": func(t *rapid.T) {
				names, live, defaults := map[string]bool{}, map[string]bool{}, 0
				for _, tier := range list.Live {
					names[text.Fold(string(tier.Name))], live[tier.ID] = true, true
					if tier.IsDefault {
						defaults++
					}
				}
				if len(names) != len(list.Live) || len(live) != len(list.Live) {
					t.Fatalf("two tiers of one name or id: %v", list.Live)
				}
				if defaults != min(1, len(list.Live)) {
					t.Fatalf("%d defaults: %v", defaults, list.Live)
				}
				for gone, heir := range list.Replaced {
					if live[gone] || !live[heir] {
						t.Fatalf("%s leads to %s: %v", gone, heir, list)
					}
				}
				for customer, id := range held {
					if tier, ok := list.Resolve(id); !ok || tier.ID != should[customer] {
						t.Fatalf("customer %d holds %s, should have %s and has %v", customer, id, should[customer], tier)
					}
				}
				if tier, ok := list.Resolve(""); ok {
					t.Fatalf("no id is that of %v", tier)
				}
				if !slices.IsSortedFunc(list.List(), func(a, b Tier) int {
					return cmp.Compare(text.Fold(string(a.Name)), text.Fold(string(b.Name)))
				}) {
					t.Fatalf("out of order: %v", list.List())
				}
			},
		})
	})
}
