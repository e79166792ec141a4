package dynamo

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbersArePrintedAsDynamoDBDoes(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "0E500": "0", "7": "7", "+7": "7", "-7": "-7", "007": "7", "1.50": "1.5", ".5": "0.5", "5.": "5",
		"1E3": "1000", "1e-3": "0.001", "-12.34e1": "-123.4", "100": "100", "0.0010": "0.001",
		"1E-130": "0." + strings.Repeat("0", 129) + "1", "9.9E+125": "99" + strings.Repeat("0", 124),
		"12345678901234567890123456789012345678":    "12345678901234567890123456789012345678",
		"-0.12345678901234567890123456789012345678": "-0.12345678901234567890123456789012345678",
	} {
		n, err := parseNumber(in)
		if err != nil || n.String() != want {
			t.Errorf("%s is printed %s, %v; want %s", in, n, err, want)
		}
	}
}

func TestNumbersOutOfRange(t *testing.T) {
	for in, want := range map[string]string{
		"": "numeric", ".": "numeric", "-": "numeric", "1e": "numeric", "1e+": "numeric", " 1": "numeric", "1 ": "numeric", "0x1": "numeric",
		"1.2.3": "numeric", "1e5.0": "numeric", "NaN": "numeric", "Infinity": "numeric", "1_000": "numeric", "--1": "numeric",
		"123456789012345678901234567890123456789": "38 significant", "1e126": "overflow", "-1e126": "overflow",
		"1e999999999999999999999": "overflow", "1e-131": "underflow", "1e-999999999999999999999": "underflow",
	} {
		if n, err := parseNumber(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %s, %v; want %s", in, n, err, want)
		}
	}
}

// decimals draws numbers whose digits and exponents clash often.
func decimals() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		digits := rapid.StringOfN(rapid.RuneFrom([]rune("01259")), 1, 12, -1).Draw(t, "digits")
		point := rapid.IntRange(0, len(digits)).Draw(t, "point")
		exponent := rapid.SampledFrom([]string{"", "e1", "e-1", "e30", "e-30", "E+100", "E-100"}).Draw(t, "exponent")
		return rapid.SampledFrom([]string{"", "-", "+"}).Draw(t, "sign") + digits[:point] + "." + digits[point:] + exponent
	})
}

func rational(t *rapid.T, s string) *big.Rat {
	unsigned := strings.TrimLeft(s, "+-")
	r, ok := new(big.Rat).SetString("0" + unsigned)
	if !ok {
		t.Fatalf("%q is no rational", s)
	}
	if strings.HasPrefix(s, "-") {
		r.Neg(r)
	}
	return r
}

func TestNumbersSortAndAddAsRationalsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals().Draw(t, "a"), decimals().Draw(t, "b")
		n, err := parseNumber(a)
		m, err2 := parseNumber(b)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		x, y := rational(t, a), rational(t, b)
		if got, want := strings.Compare(string(n), string(m)), x.Cmp(y); got != want {
			t.Fatalf("%s against %s is %d, want %d", n, m, got, want)
		}
		again, err := parseNumber(n.String())
		if err != nil || again != n {
			t.Fatalf("%s comes back as %s, %v", n, again, err)
		}
		sum, err := n.add(m)
		checkExact(t, sum, err, new(big.Rat).Add(x, y))
		difference, err := n.subtract(m)
		checkExact(t, difference, err, new(big.Rat).Sub(x, y))
	})
}

// checkExact: only a result of too many digits may be refused.
func checkExact(t *rapid.T, got number, err error, want *big.Rat) {
	if err == errTooPrecise {
		return
	}
	if err != nil || rational(t, got.String()).Cmp(want) != 0 {
		t.Fatalf("got %s, %v; want %s", got, err, want)
	}
}

func TestSumsOutOfRangeAreRefused(t *testing.T) {
	big, _ := parseNumber("9E125")
	if _, err := big.add(big); err != errOverflow {
		t.Error(err)
	}
	small, _ := parseNumber("1E-10")
	if _, err := big.add(small); err != errTooPrecise {
		t.Error(err)
	}
}

func TestSizesOfNumbers(t *testing.T) {
	for in, want := range map[string]int{"0": 1, "7": 2, "-7": 3, "12": 2, "123": 3, "1200": 2, "-1.234": 4} {
		n, _ := parseNumber(in)
		if n.size() != want {
			t.Errorf("%s takes %d bytes, want %d", in, n.size(), want)
		}
	}
}
