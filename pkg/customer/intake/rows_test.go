package intake

import (
	"fmt"
	"strings"
	"testing"

	"charter/pkg/customer"
)

// told is what Rows makes of a file, a line a row or error.
func told(file string) (lines []string) {
	for row, err := range Rows(strings.NewReader(file)) {
		if err != nil {
			return append(lines, err.Error())
		}
		line := fmt.Sprint(row.Line, " ", row.Number)
		if row.Entry != nil && row.Err == nil {
			line += fmt.Sprintf(" %s|%s|%s|%s|%v", row.Entry.CompanyName, row.Entry.CompanyEmail, row.Entry.Tier, row.Entry.Currency, row.Entry.Active)
		}
		if row.User != "" {
			line += " " + row.User
		}
		if row.Err != nil {
			line = fmt.Sprint(row.Line, " ", strings.ReplaceAll(row.Err.Error(), "\n", " "))
		}
		lines = append(lines, line)
	}
	return lines
}

// What a file says, and what is wrong with it, with the line.
//
// Tried with the controls that it must catch: Rows without the byte order mark,
// and one that counts rows in place of lines.
func TestRows(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"mark, CRLF, quotes": {"\ufeffcustomerNumber,companyName,pricing,active\r\n1,\"A, \"\"B\"\"\",Gold,FALSE\r\n\r\n2, C ,,\r\n",
			[]string{`2 1 A, "B"||Gold||false`, "4 2 C||||true"}},
		"names in any case and order": {"USERID,customernumber\nkp_1,1\n", []string{"2 1 kp_1"}},
		"a customer and a user":       {"customerNumber,companyName,currencyCode,userEmail\n1,A,EUR,a@b.example\n2,,,A@b.example\n", []string{"2 1 A|||EUR|true a@b.example", "3 2 A@b.example"}},
		"a line within a cell":        {"customerNumber,companyName\n1,\"A\nB\"\n2,C\n", []string{"2 companyName: Must not contain control, bidirectional or zero-width characters.", "4 2 C||||true"}},
		"all that is wrong":           {"customerNumber,companyEmail,active,userId,userEmail\n,x,maybe,kp_1,a@b.example\n", []string{"2 customerNumber: Is required. userEmail: Must be blank where userId is not. companyName: Is required. companyEmail: Must be one e-mail address of the form local@domain. active: Must be true or false."}},
		"too few cells":               {"customerNumber,companyName\n1\n2,B\n", []string{"2 Has 1 cells where the header has 2.", "3 2 B||||true"}},
		"an open quote":               {"customerNumber,companyName\n1,A\n2,\"B\n", []string{"2 1 A||||true", `line 3, column 6: extraneous or missing " in quoted-field`}},
		"a quote within":              {"customerNumber,companyName\n1,A\"B\n", []string{`line 2, column 4: bare " in non-quoted-field`}},
		"empty":                       {"", []string{"line 1: the file is empty and needs a header"}},
		"UTF-16":                      {"\xff\xfec\x00", []string{"line 1: the file is in UTF-16 and has to be in UTF-8"}},
		"not UTF-8":                   {"customerNumber,companyName\n1,M\xfcller\n", []string{"2 companyName: Must not contain control, bidirectional or zero-width characters."}},
		"semicolons":                  {"customerNumber;companyName\n", []string{"line 1: the cells have to be parted by commas"}},
		"an unknown column":           {"customerNumber,company\n", []string{`line 1: there is no column "company"; there are customerNumber, companyName, companyEmail, pricing, currencyCode, active, userId, userEmail`}},
		"a column twice":              {"customerNumber,CustomerNumber,companyName\n", []string{"line 1: the column customerNumber is there twice"}},
		"no number":                   {"companyName\n", []string{"line 1: the column customerNumber is missing"}},
		"nothing to enter":            {"customerNumber,pricing\n", []string{"line 1: there is neither companyName nor userId nor userEmail, so there is nothing to enter"}},
	} {
		if got := told(c.file); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// The offset of the last row is the size of the file, mark and all.
func TestOffset(t *testing.T) {
	const file = "\ufeffcustomerNumber,companyName\r\n1,A\r\n2,B\r\n"
	var last Row
	for row := range Rows(strings.NewReader(file)) {
		last = row
	}
	if last.Offset != int64(len(file)) {
		t.Errorf("%d of %d bytes", last.Offset, len(file))
	}
}

// No cell of a report begins as a formula does.
//
// Tried with the control that it must catch: a report of cells as they are.
func TestReportIsInert(t *testing.T) {
	var b strings.Builder
	r, err := NewReport(&b, true)
	if err != nil {
		t.Fatal(err)
	}
	for n, number := range []customer.Number{"=1+1", "+1", "-1", "@SUM(A1)", "＝1", `",=1`, "1"} {
		if err := r.Add(Result{Row: Row{Line: n + 2, Number: number}, Customer: Created}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = `line,customerNumber,outcome,error
2,'=1+1,created,
3,'+1,created,
4,'-1,created,
5,'@SUM(A1),created,
6,'＝1,created,
7,""",=1",created,
8,1,created,
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
}
