package pricing

import (
	"encoding/csv"
	"errors"
	"os"
	"testing"

	"charter/pkg/fault"
	"charter/pkg/text"
)

// kinds says how the CSV's kinds are called in the table.
var kinds = map[string]standing{"money": money, "fund": fund, "special": special, "retired": retired}

func TestTheTableIsTheList(t *testing.T) {
	file, err := os.Open("iso4217.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[1:]
	if len(rows) != len(listed) {
		t.Errorf("the list has %d codes, the table %d: run go generate", len(rows), len(listed))
	}
	count := map[standing]int{}
	for _, row := range rows {
		code, kind := row[0], kinds[row[3]]
		count[kind]++
		if kind == "" || listed[code] != kind {
			t.Errorf("%s is %q in the list and %q in the table: run go generate", code, row[3], listed[code])
		}
		_, err := ParseCurrency(code)
		if kind == money && err != nil || kind != money && !errors.Is(err, NotMoney(code)) {
			t.Errorf("ParseCurrency(%q), %s: %v", code, kind, err)
		}
	}
	if count[money] != 157 || count[fund] != 8 || count[special] != 13 || count[retired] != 129 {
		t.Errorf("the list of 2026-02-01 has 157 of money, 8 funds, 13 special and 129 retired; this one %v", count)
	}
}

func TestParseCurrency(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Currency
		err  error
	}{
		{"EUR", "EUR", nil},
		{"XAF", "XAF", nil},    // of several countries, and money
		{"UYW", "UYW", nil},    // an index, which the list has as money
		{" USD\n", "USD", nil}, // white space around any field is trimmed
		{"", "", text.Required},
		{"  ", "", text.Required},
		{"E\u200bUR", "", text.Refused},
		{"eur", "", UnknownCurrency},
		{"Eur", "", UnknownCurrency},
		{"EURO", "", UnknownCurrency},
		{"EU", "", UnknownCurrency},
		{"E R", "", UnknownCurrency},
		{"978", "", UnknownCurrency},
		{"ＥＵＲ", "", UnknownCurrency}, // full-width
		{"QQQ", "", UnknownCurrency},
		{"CHW", "", NotMoney("CHW")}, // fund
		{"XAU", "", NotMoney("XAU")}, // metal
		{"XTS", "", NotMoney("XTS")}, // test
		{"XXX", "", NotMoney("XXX")},
		{"DEM", "", NotMoney("DEM")}, // retired
		{"BGN", "", NotMoney("BGN")}, // retired on 2026-01-01
	} {
		got, err := ParseCurrency(c.in)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("ParseCurrency(%q) = %q, %v; want %q, %v", c.in, got, err, c.want, c.err)
		}
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseCurrency(%q): %v is not invalid input", c.in, err)
		}
	}
}

func TestARefusalSaysWhichKindOfCodeItIs(t *testing.T) {
	for code, want := range map[string]string{
		"BGN": "Must be a current ISO 4217 code of money; BGN is retired.",
		"BOV": "Must be a current ISO 4217 code of money; BOV is a fund.",
		"XPT": "Must be a current ISO 4217 code of money; XPT is a metal, a test or another special code.",
		"eur": "Must be a current ISO 4217 code of money in upper case, such as EUR.",
	} {
		if _, err := ParseCurrency(code); err == nil || err.Error() != want {
			t.Errorf("ParseCurrency(%q): %v; want %s", code, err, want)
		}
	}
}
