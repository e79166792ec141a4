package roll

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"

	"charter/pkg/customer"
)

// sheet is one of associations as there are many: ids and users are ULIDs.
func sheet(o customer.Order) (rows []customer.Association, keys, rest []byte) {
	random := rand.New(rand.NewPCG(1, 2))
	id := func() string {
		b := []byte("01k")
		for range 23 {
			b = append(b, digits[random.IntN(len(digits))])
		}
		return string(b)
	}
	for range SheetRows {
		rows = append(rows, customer.Association{ID: id(), UserID: "kp_" + id(), Number: customer.Number(fmt.Sprintf("C-%07d", random.IntN(10_000_000))), CreatedAt: made})
	}
	Sort(o, rows)
	keys, rest = Encode(o, rows)
	return rows, keys, rest
}

func BenchmarkOpen(b *testing.B) {
	_, keys, _ := sheet(customer.ByUser)
	for b.Loop() {
		if _, err := Open(customer.ByUser, keys); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/SheetRows, "ns/row")
}

func BenchmarkCount(b *testing.B) {
	_, keys, _ := sheet(customer.ByUser)
	k, err := Open(customer.ByUser, keys)
	if err != nil {
		b.Fatal(err)
	}
	q, err := customer.ParseQuery(url.Values{"filters": {`[{"field":"CustomerNumber","operator":"contains","value":"77"}]`}})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		k.Count(q)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/SheetRows, "ns/row")
}

func BenchmarkEncode(b *testing.B) {
	rows, _, _ := sheet(customer.ByUser)
	for b.Loop() {
		Encode(customer.ByUser, rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/SheetRows, "ns/row")
}
