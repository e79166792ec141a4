package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestTheTableInUseIsGenerated(t *testing.T) {
	list, err := os.ReadFile("../../iso4217.csv")
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../iso4217.go")
	if err != nil {
		t.Fatal(err)
	}
	date := regexp.MustCompile(`\d{4}-\d{2}-\d{2}`).Find(have)
	want, err := table(bytes.NewReader(list), string(date))
	if err != nil || !bytes.Equal(have, want) {
		t.Errorf("iso4217.go is not what iso4217.csv makes: run go generate (%v)", err)
	}
}

func TestAListThatIsNoneIsRefused(t *testing.T) {
	const columns = "code,name,minor_unit,kind\n"
	for list, want := range map[string]string{
		"":                    "columns",
		"AED,UAE Dirham,2\n":  "columns",
		columns + "AED,a,2,x": `AED is of an unknown kind, "x"`,
		columns + "AED,a,2,money\nUSD,b,2,money\nAED,c,,retired": "AED is there twice",
		columns + "AED,a": "wrong number of fields",
	} {
		if _, err := table(strings.NewReader(list), "2026-02-01"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s", list, err, want)
		}
	}
}
