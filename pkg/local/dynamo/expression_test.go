package dynamo

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestThereAre573ReservedWords(t *testing.T) {
	if len(reserved) != 573 || !isReserved("ttl") || !isReserved("Name") || isReserved("Names1") {
		t.Error(len(reserved))
	}
}

// fill makes a scope in which every #name and :value of the expression is defined.
func fill(expression string) *scope {
	p := placeholders{ExpressionAttributeNames: map[string]string{}, ExpressionAttributeValues: placeholderValues{}}
	kinds := []value{text("s"), numberOf(7), blob("b"), boolean(true), null{}, list{text("e")}, Item{{"k", text("v")}}, textSet{"a"}, numberSet{zero}, blobSet{"x"}}
	for _, t := range tokens(expression) {
		switch t.kind {
		case "#name":
			p.ExpressionAttributeNames[t.text] = t.text[1:]
		case ":value":
			p.ExpressionAttributeValues[t.text] = kinds[int(t.text[1])%len(kinds)]
		}
	}
	return &scope{p.ExpressionAttributeNames, p.ExpressionAttributeValues, map[string]bool{}, map[string]bool{}}
}

var fuzzItem = Item{
	{"a", text("hello")}, {"b", numberOf(10)}, {"l", list{text("x"), numberOf(1), Item{{"k", null{}}}}},
	{"m", Item{{"k", text("v")}, {"n", list{}}}}, {"n", numberSet{zero}}, {"s", textSet{"x", "y"}}, {"x", blob("\x00\x01")},
}

// FuzzExpression: no text makes the parsers or the trees panic, and an update leaves the old item alone.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		"", "a", "a = :v", "a = :v AND (b < :n OR NOT contains(l, :s))", "size(m.k) BETWEEN :a AND :b", "#n IN (:a, :b, c)",
		"((a = b))", "(((((", "a[0].b[1] <> :v", "attribute_type(a, :t)", "begins_with(x, :p) and attribute_not_exists(z)",
		"SET a = :v, b = b + :n REMOVE l[0], m.k ADD n :s DELETE s :t", "SET l[9] = list_append(l, :l), m.n = if_not_exists(z, :v)",
		"REMOVE l[0], l[1], l[2]", "SET a = a - (b)", "a, b, m.k, l[2].k", "l[99999999999999999999]", "a.a.a.a", "NOT NOT a = a", "\xff\x00é", "SET",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		before := string(fuzzItem.appendJSON(nil))
		if c, _, err := fill(expression).condition("ConditionExpression", expression); err == nil {
			c.holds(fuzzItem)
			c.holds(nil)
			(&walk{key: keySchema{hash: keyAttribute{"a", "S"}, sort: keyAttribute{"b", "N"}}}).narrow(c)
		}
		if p, _, err := fill(expression).projection(expression); err == nil {
			p.project(fuzzItem)
		}
		if u, _, err := fill(expression).update(expression); err == nil {
			if it, err := u.apply(fuzzItem); err == nil {
				it.appendJSON(nil)
			}
		}
		if after := string(fuzzItem.appendJSON(nil)); after != before {
			t.Errorf("the item has become %s", after)
		}
	})
}

// TestBrokenExpressions breaks good expressions in every place: a fuzz run for every day.
func TestBrokenExpressions(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const letters = "abl.m[]()#:,=<>+-019 ANDORSETxs"
	for _, good := range []string{
		"a = :v AND (b < :n OR NOT contains(l, :s))", "SET l[1] = list_append(l, :l), m.n = if_not_exists(z, :v) REMOVE l[0] ADD n :s", "a, m.k, l[2].k",
	} {
		for range 2000 {
			broken := []byte(good)
			for range 1 + random.IntN(3) {
				broken[random.IntN(len(broken))] = letters[random.IntN(len(letters))]
			}
			expression := string(broken[:random.IntN(len(broken)+1)])
			if c, _, err := fill(expression).condition("ConditionExpression", expression); err == nil {
				c.holds(fuzzItem)
			}
			if u, _, err := fill(expression).update(expression); err == nil {
				u.apply(fuzzItem)
			}
			if p, _, err := fill(expression).projection(expression); err == nil {
				p.project(fuzzItem)
			}
		}
	}
}

func TestRefusedConditions(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("a = :s OR ", 150), " OR ")
	for expression, want := range map[string]string{
		"a = a":                   "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]",
		"((a = :s))":              "The expression has redundant parentheses;",
		"size(a)":                 "The function is not allowed to be used this way in an expression; function: size",
		"a = attribute_exists(b)": "The function is not allowed to be used this way in an expression; function: attribute_exists",
		"attribute_exists(:s)":    "Operator or function requires a document path; operator or function: attribute_exists",
		"list_append(a, :s) = :s": "The function is not allowed in a condition expression; function: list_append",
		"a BETWEEN :s AND :n":     "The BETWEEN operator requires same data type for lower and upper bounds",
		"contains(a)":             "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1",
		"a IN (" + strings.TrimSuffix(strings.Repeat(":s, ", 101), ", ") + ")": "The IN operator is provided with too many operands; number of operands: 101",
		many + " OR a = :s":       "The expression contains too many operators or functions; operator count: 301",
		strings.Repeat("a", 4097): "Expression size has exceeded the maximum allowed size; expression size: 4097",
		"a.b[4294967296] = :s":    "List index is not within the allowable range; index: [4294967296]",
		"a = :s OR":               `Syntax error; token: "<EOF>", near: "OR"`,
		"a = :s)":                 `Syntax error; token: ")", near: ":s)"`,
		"a == :s":                 `Syntax error; token: "=", near: "== :s"`,
		"a = 's'":                 `Syntax error; token: "'", near: "= 's"`,
		"_a = :s":                 `Syntax error; token: "_", near: "_a"`,
		"a = : s":                 `Syntax error; token: ":", near: "= : s"`,
		"m.b" + strings.Repeat(".b", 31) + " = :s": "The document path has too many nesting levels; nesting levels: 33",
	} {
		s := &scope{nil, map[string]value{":s": text("s"), ":n": numberOf(1)}, map[string]bool{}, map[string]bool{}}
		_, _, err := s.condition("ConditionExpression", expression)
		if err == nil || !strings.Contains(err.Error(), "Invalid ConditionExpression: "+want) {
			t.Errorf("%.60s: %v\nwant %s", expression, err, want)
		}
	}
	s := &scope{nil, map[string]value{":s": text("s")}, map[string]bool{}, map[string]bool{}}
	if _, _, err := s.condition("ConditionExpression", many); err != nil {
		t.Errorf("299 operators: %v", err)
	}
}

func TestUpdatesOfPaths(t *testing.T) {
	s := func() *scope {
		return &scope{nil, map[string]value{":s": text("S"), ":n": numberOf(1), ":set": textSet{"x", "z"}, ":l": list{text("S")}}, map[string]bool{}, map[string]bool{}}
	}
	old, err := parseItem(`{"a":{"S":"1"},"b":{"S":"2"},"n":{"N":"5"},"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"}]},"m":{"M":{"k":{"S":"v"},"l":{"L":[]}}},"x":{"SS":["x","y"]}}`, maxDepth)
	if err != nil {
		t.Fatal(err)
	}
	for expression, want := range map[string]string{
		"SET a = b, b = a":                    `{"a":{"S":"2"},"b":{"S":"1"}}`,
		"SET l[7] = :s, l[5] = a":             `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"S":"1"},{"S":"S"}]}}`,
		"REMOVE l[0], l[2], l[9]":             `{"l":{"L":[{"N":"1"}]}}`,
		"SET l[0] = l[2] REMOVE l[2]":         `{"l":{"L":[{"N":"2"},{"N":"1"}]}}`,
		"SET m.k = m.l, m.x = :s REMOVE m.l":  `{"m":{"M":{"k":{"L":[]},"x":{"S":"S"}}}}`,
		"SET m.l[3] = :s":                     `{"m":{"M":{"k":{"S":"v"},"l":{"L":[{"S":"S"}]}}}}`,
		"SET n = n - :n":                      `{"n":{"N":"4"}}`,
		"SET n = if_not_exists(zz, n) + :n":   `{"n":{"N":"6"}}`,
		"ADD x :set":                          `{"x":{"SS":["x","y","z"]}}`,
		"DELETE x :set":                       `{"x":{"SS":["y"]}}`,
		"DELETE zz :set REMOVE yy":            `{}`,
		"set l = list_append(:l, l) remove a": `{"l":{"L":[{"S":"S"},{"N":"0"},{"N":"1"},{"N":"2"}]}}`,
		"SET a = :s, a = :s":                  "overlap",
		"SET l = :l REMOVE l[0]":              "overlap",
		"SET m.k = :s REMOVE m[0]":            "conflict",
		"REMOVE zz.k":                         "document path provided in the update expression is invalid",
		"SET a.k = :s":                        "document path provided in the update expression is invalid",
		"SET l.k = :s":                        "document path provided in the update expression is invalid",
		"SET m[0] = :s":                       "document path provided in the update expression is invalid",
		"SET l[9].k = :s":                     "document path provided in the update expression is invalid",
		"ADD a :n":                            "incorrect data type",
		"DELETE n :set":                       "incorrect data type",
		"ADD x :n":                            "incorrect data type",
		"SET a = list_append(a, :l)":          "incorrect data type",
		"SET a = list_append(a, :s)":          "operator or function: list_append, operand type: S",
		"SET n = n + :s":                      "operator or function: +, operand type: S",
		"SET a = size(b)":                     "The function is not allowed in an update expression; function: size",
		"SET a = nope(b)":                     "Invalid function name; function: nope",
		"SET a = if_not_exists(:s, :s)":       "requires a document path",
		"DELETE x :n":                         "operator: DELETE, operand type: NUMBER",
		"ADD x set":                           "Syntax error",
		"SET a = :s,":                         "Syntax error",
		"SET a = :s REMOVE":                   "Syntax error",
		"SET a = zz":                          "refers to an attribute that does not exist",
	} {
		got := func() string {
			u, _, err := s().update(expression)
			if err != nil {
				return err.Error()
			}
			it, err := u.apply(old)
			if err != nil {
				return err.Error()
			}
			changed := Item{}
			for _, a := range it {
				if !equal(a.value, old.get(a.name)) {
					changed = append(changed, a)
				}
			}
			return string(changed.appendMembers(nil))
		}()
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s\nwant %s", expression, got, want)
		}
	}
}

func TestProjections(t *testing.T) {
	it, err := parseItem(`{"a":{"S":"1"},"l":{"L":[{"N":"0"},{"M":{"k":{"S":"v"},"j":{"S":"w"}}},{"N":"2"}]},"m":{"M":{"k":{"S":"v"}}}}`, maxDepth)
	if err != nil {
		t.Fatal(err)
	}
	for expression, want := range map[string]string{
		"a, zz, m.zz, l[8]": `{"a":{"S":"1"}}`,
		"l[2], l[1].k":      `{"l":{"L":[{"M":{"k":{"S":"v"}}},{"N":"2"}]}}`,
		"m, a":              `{"a":{"S":"1"},"m":{"M":{"k":{"S":"v"}}}}`,
		"m.k, m":            "overlap",
		"a, a":              "overlap",
		"m.k, m[0]":         "conflict",
		"a,":                "Syntax error",
		"a b":               "Syntax error",
	} {
		got := func() string {
			p, _, err := fill("").projection(expression)
			if err != nil {
				return err.Error()
			}
			return string(p.project(it).appendMembers(nil))
		}()
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s\nwant %s", expression, got, want)
		}
	}
}
