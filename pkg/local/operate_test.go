package local

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"charter/pkg/caller"
	"charter/pkg/customer/intake"
	"charter/pkg/env"
	"charter/pkg/fault"
	"charter/pkg/local/breakage"
	"charter/pkg/local/dynamo"
	"charter/pkg/mail"
	"charter/pkg/org"
	"charter/pkg/pricing"
	"charter/pkg/sam"
	"charter/pkg/table"
)

// office is a table with accounts, on a way that can be broken.
type office struct {
	t      *testing.T
	engine *dynamo.Engine
	way    *breakage.Way
	env    env.Env
	users  []org.User // the first owns all organizations
	made   int
}

func openOffice(t *testing.T) *office {
	t.Helper()
	text, err := os.ReadFile(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	template, err := sam.Read(text, Parameters())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := dynamo.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	template.Table.StreamView = "" // nobody listens
	if err := CreateTable(engine, template.Table); err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, engine: engine, way: &breakage.Way{Next: engine.Transport()}, env: environmentOf(engine)}
	o.env.HTTP = &http.Client{Transport: o.way}
	password, err := org.ParsePassword("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	tab := o.table()
	for n := range 3 {
		email, err := mail.ParseAddress(fmt.Sprintf("user%d@shop.example", n))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = (table.Directory{Table: tab}).Found(t.Context(), org.Application{Name: fmt.Sprint("Home ", n), Password: password,
			Founder: org.Person{FirstName: "Ann", LastName: "Roe", Email: email}}); err != nil {
			t.Fatal(err)
		}
		user, err := o.env.Operator().Account(t.Context(), email.String())
		if err != nil {
			t.Fatal(err)
		}
		o.users = append(o.users, user)
	}
	for _, letter := range scan(t, engine)["LETTER"] {
		if err := (table.Directory{Table: tab}).Verify(t.Context(), attribute(letter, "Token"), password, ""); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func (o *office) table() *table.Table {
	tab := o.env.Operator().Table
	tab.Limits = table.Limits{PerAddress: 1e9, PerEmail: 1e9}
	return tab
}

// establish makes one more organization of the first user, with two price tiers.
func (o *office) establish() (id, slug string) {
	o.t.Helper()
	o.made++
	slug = "shop-" + strconv.Itoa(o.made)
	owner := caller.Caller{UserID: o.users[0].ID, Email: o.users[0].Email.String(), Verified: true, Admin: true}
	made, err := (table.Team{Table: o.table()}).Establish(o.t.Context(), owner, slug, slug, org.Profile{})
	if err != nil {
		o.t.Fatal(err)
	}
	owner.OrganizationID = made.ID
	for _, name := range []pricing.TierName{"Gold", "Silver"} {
		if err := (table.Book{Table: o.table()}).Add(o.t.Context(), owner, name, "EUR"); err != nil {
			o.t.Fatal(err)
		}
	}
	return made.ID, slug
}

// enter is Import of a text; refused is how many rows were.
func (o *office) enter(slug, file string, apply bool) (changes, refused int, err error) {
	err = Import(o.t.Context(), o.env, slug, "", apply, strings.NewReader(file), func(r intake.Result) error {
		if r.Err != nil {
			refused++
		}
		for _, outcome := range []intake.Outcome{r.Customer, r.Link} {
			if outcome != intake.Nothing && outcome != intake.Unchanged {
				changes++
			}
		}
		return nil
	})
	return changes, refused, err
}

// exported are the records of an export, by what they are.
func (o *office) exported(slug string) map[string][]map[string]any {
	o.t.Helper()
	var b bytes.Buffer
	if err := Export(context.Background(), o.env, slug, &b); err != nil {
		o.t.Fatal(err)
	}
	records := map[string][]map[string]any{}
	for line := range strings.Lines(b.String()) {
		var r table.Exported
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			o.t.Fatal(err)
		}
		records[r.Record] = append(records[r.Record], r.Data)
	}
	if end := records["end"]; len(end) != 1 || int(end[0]["Records"].(float64)) != strings.Count(b.String(), "\n")-1 {
		o.t.Fatalf("the end of the export is %v", end)
	}
	return records
}

// whole seals what the stream would have had sealed, and asks the auditor.
func (o *office) whole() {
	o.t.Helper()
	for _, i := range scan(o.t, o.engine)["ORG"] {
		if attribute(i, "SK") == "ORG" {
			if err := (table.Trail{Table: o.table()}).Seal(o.t.Context(), attribute(i, "OrganizationId")); err != nil {
				o.t.Fatal(err)
			}
		}
	}
	whole(o.t, o.engine)
}

// held are the customers and links of an export, a line each.
func held(records map[string][]map[string]any) (lines []string) {
	text := func(data map[string]any, name string) string { s, _ := data[name].(string); return s }
	for _, c := range records["customer"] {
		lines = append(lines, strings.Join([]string{text(c, "Number"), text(c, "CompanyName"), text(c, "CompanyEmail"), text(c, "Tier"),
			text(c, "Currency"), fmt.Sprint(c["Active"])}, "|"))
	}
	for _, a := range records["association"] {
		lines = append(lines, text(a, "UserId")+" has "+text(a, "CustomerNumber"))
	}
	for _, m := range records["member"] {
		if newest := text(m, "Newest"); newest != "" {
			lines = append(lines, text(m, "UserId")+" has newest "+newest)
		}
	}
	slices.Sort(lines)
	return lines
}

// What is imported is exported again, row for row; each change is in the audit
// trail under the actor; and the same file once more changes nothing.
//
// Tried with the controls that it must catch: an intake that writes rows in any
// order, one that writes what stands already, one that enters contradictions.
func TestImportThenExport(t *testing.T) {
	o := openOffice(t)
	rapid.Check(t, func(t *rapid.T) {
		_, slug := o.establish()
		name := rapid.StringOfN(rapid.SampledFrom([]rune(`aZ9 ",';=+-é漢😀`)), 1, 8, -1).Filter(func(s string) bool { return strings.TrimSpace(s) == s })
		number := rapid.SampledFrom([]string{"1", "10", "C-1", "=x", "ü", `"`})
		var file bytes.Buffer
		file.WriteString(rapid.SampledFrom([]string{"", "\ufeff"}).Draw(t, "mark"))
		lines := csv.NewWriter(&file)
		lines.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		lines.Write([]string{"customerNumber", "companyName", "companyEmail", "pricing", "currencyCode", "active", "userId", "userEmail"})
		entries, links, newest, refused := map[string]string{}, map[string]bool{}, map[string]string{}, 0
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			n, user := number.Draw(t, "number"), rapid.IntRange(-1, 2).Draw(t, "user")
			row := []string{n, "", "", "", "", "", "", ""}
			if user < 0 || rapid.Bool().Draw(t, "a customer, too") {
				row[1], row[5] = name.Draw(t, "name"), strconv.FormatBool(rapid.Bool().Draw(t, "active"))
				row[2] = rapid.SampledFrom([]string{"", "a@b.example"}).Draw(t, "e-mail")
				row[3] = rapid.SampledFrom([]string{"", "Gold", "Silver"}).Draw(t, "tier")
				row[4] = rapid.SampledFrom([]string{"", "EUR", "JPY"}).Draw(t, "currency")
			}
			switch user {
			case 1:
				row[7] = o.users[1].Email.String()
			case 0, 2:
				row[6] = o.users[user].ID
			}
			lines.Write(row)
			if entry := strings.Join(row[:6], "|"); row[1] != "" && entries[n] != "" && entries[n] != entry {
				refused++
				continue
			} else if row[1] != "" {
				entries[n] = entry
			}
			if user >= 0 {
				if link := o.users[user].ID + " has " + n; !links[link] {
					links[link], newest[o.users[user].ID] = true, n
				}
			}
		}
		lines.Flush()
		var want []string
		for _, entry := range entries {
			want = append(want, entry)
		}
		for link := range links {
			want = append(want, link)
		}
		for user, n := range newest {
			want = append(want, user+" has newest "+n)
		}
		slices.Sort(want)

		before := o.exported(slug)
		if changes, no, err := o.enter(slug, file.String(), false); err != nil || no != refused || changes < len(entries) {
			t.Fatalf("looked at: %d changes, %d refused, want %d; %v", changes, no, refused, err)
		}
		after := o.exported(slug)
		if !reflect.DeepEqual(before["audit entry"], after["audit entry"]) || len(held(after)) > 0 {
			t.Fatal("looking at a file has changed the table")
		}
		changes, no, err := o.enter(slug, file.String(), true)
		if err != nil || no != refused || changes != len(entries)+len(links) {
			t.Fatalf("%d changes, want %d; %d refused, want %d; %v", changes, len(entries)+len(links), no, refused, err)
		}
		records := o.exported(slug)
		if got := held(records); !slices.Equal(got, want) {
			t.Fatalf("exported\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		told := 0
		for _, entry := range records["audit entry"] {
			if action := entry["Action"]; action == "customer.enter" || action == "association.add" {
				if told++; entry["Subject"] != o.users[0].ID {
					t.Fatalf("%v did it", entry["Subject"])
				}
			}
		}
		if told != changes {
			t.Fatalf("%d changes and %d in the audit trail", changes, told)
		}
		if changes, _, err := o.enter(slug, file.String(), true); err != nil || changes != 0 || !slices.Equal(held(o.exported(slug)), want) {
			t.Fatalf("again: %d changes, %v", changes, err)
		}
	})
	o.whole()
}

// twenty is a file of so many customers, each with a user.
func (o *office) twenty() (file string, want []string) {
	var b strings.Builder
	b.WriteString("customerNumber,companyName,pricing,userId\n")
	for n := range 20 {
		user := o.users[n%3].ID
		fmt.Fprintf(&b, "C-%02d,Company %d,%s,%s\n", n, n, []string{"Gold", "Silver"}[n%2], user)
		want = append(want, fmt.Sprintf("C-%02d|Company %d||%s||true", n, n, []string{"Gold", "Silver"}[n%2]), fmt.Sprintf("%s has C-%02d", user, n))
		if n >= 17 {
			want = append(want, fmt.Sprintf("%s has newest C-%02d", user, n))
		}
	}
	slices.Sort(want)
	return b.String(), want
}

// from breaks the call of that number and all that follow.
func from(k int64, f breakage.Fault) func(breakage.Call) breakage.Fault {
	var n atomic.Int64
	return func(breakage.Call) breakage.Fault {
		if n.Add(1) < k {
			return nil
		}
		return f
	}
}

// Cut off anywhere, before or after a call was carried out, an import goes on
// when it is run again. What fails for a while is not noticed.
//
// Tried with the controls that it must catch: an intake that takes a row for
// done that failed, and one that does not try again.
func TestImportCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t)
		file, want := o.twenty()
		for k := int64(1); ; k += 7 {
			_, slug := o.establish()
			if o.way.Break(from(k, breakage.Reset)); k%2 == 0 {
				o.way.Break(from(k, breakage.Late(breakage.Reset)))
			}
			_, refused, err := o.enter(slug, file, true)
			calls := int64(len(o.way.Calls()))
			o.way.Break(nil)
			if ended := calls < k; refused != 0 || ended != (err == nil) || !ended && !errors.Is(err, fault.Unavailable) {
				t.Fatalf("broken from call %d on: %d refused, %v", k, refused, err)
			}
			if _, refused, err := o.enter(slug, file, true); err != nil || refused != 0 {
				t.Fatalf("once more: %d refused, %v", refused, err)
			}
			if got := held(o.exported(slug)); !slices.Equal(got, want) {
				t.Fatalf("broken from call %d on, exported\n%s\nwant\n%s", k, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if calls < k {
				break
			}
		}
		o.whole()

		_, slug := o.establish()
		end, n := time.Now().Add(20*time.Second), atomic.Int64{}
		o.way.Break(func(breakage.Call) breakage.Fault {
			if n.Add(1) > 50 && time.Now().Before(end) {
				return breakage.Refused(http.StatusBadRequest, "ThrottlingException")
			}
			return nil
		})
		if _, refused, err := o.enter(slug, file, true); err != nil || refused != 0 {
			t.Errorf("throttled for a while: %d refused, %v", refused, err)
		}
		o.way.Break(nil)
		if got := held(o.exported(slug)); !slices.Equal(got, want) {
			t.Errorf("throttled for a while, exported\n%s", strings.Join(got, "\n"))
		}
	})
}

// Cut off at any call, before or after it was carried out, an erasure goes on
// when it is run again, by the slug, and leaves nothing; the table is whole then.
//
// Tried with the control that it must catch: an erasure that frees the slug first.
func TestEraseCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t)
		file, _ := o.twenty()
		for _, f := range []breakage.Fault{breakage.Reset, breakage.Late(breakage.Reset)} {
			for k, ended := int64(1), false; !ended; k++ {
				id, slug := o.establish()
				if _, _, err := o.enter(slug, file, true); err != nil {
					t.Fatal(err)
				}
				o.way.Break(from(k, f))
				_, err := o.env.Operator().Erase(t.Context(), id)
				ended = err == nil
				o.way.Break(nil)
				if found, _, err := Survey(t.Context(), o.env, slug); err == nil {
					if _, err := o.env.Operator().Erase(t.Context(), found); err != nil || found != id {
						t.Fatalf("broken from call %d on, once more: %s, %v", k, found, err)
					}
				} else if !errors.Is(err, table.NoOrganization) {
					t.Fatal(err)
				}
				for _, items := range scan(t, o.engine) {
					for _, i := range items {
						if strings.Contains(attribute(i, "PK")+attribute(i, "SK")+attribute(i, "OrganizationId"), id) {
							t.Fatalf("broken from call %d on, left: %q %q", k, attribute(i, "PK"), attribute(i, "SK"))
						}
					}
				}
				if k > 200 {
					t.Fatal("it does not end")
				}
			}
		}
		o.whole()
	})
}
