package table

import (
	"context"
	"slices"
	"strings"
)

// sound asks the auditor what must hold of the table at any moment, whatever
// was done to it: nothing by halves, nothing left over, all counts right.
func (d *desk) sound() {
	d.t.Helper()
	report, err := Auditor{d.Table}.Audit(context.Background())
	if err != nil {
		d.t.Error(err)
	}
	for _, finding := range report.Broken {
		d.t.Error(finding)
	}
	d.soundRolls()
}

// kinds counts the items of the table by what they are.
func (d *desk) kinds() map[string]int {
	kinds := map[string]int{}
	for k := range d.all() {
		pk, sk := strings.Split(k.pk, sep), strings.Split(k.sk, sep)
		kind := pk[0]
		if pk[0] == "ORG" || pk[0] == "USER" {
			kind = strings.Join(slices.Concat(pk[:1], pk[2:], sk[:1]), " ")
			if len(pk) > 2 {
				kind = pk[2]
			}
		}
		kinds[kind]++
	}
	return kinds
}

// raw writes an item by hand, past all rules.
func (d *desk) raw(writes ...write) {
	d.t.Helper()
	if err := d.transact(context.Background(), writes); err != nil {
		d.t.Fatal(err)
	}
}
