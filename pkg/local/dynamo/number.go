package dynamo

import (
	"math/big"
	"strconv"
	"strings"
)

// number is an exact decimal of at most 38 significant digits between 1E-130 and 9.99…E+125 in magnitude, or zero, held
// in a form whose bytes sort as the numbers do: comparing, equality and sort keys need no arithmetic.
//
// The form: 1 alone is zero. A positive number is 2, its exponent plus 129, then its digits two a byte, each plus one. A
// negative number is 0 and the complement of the same, closed by 255 so that more digits mean less. The value is
// 0.digits × 10^exponent; neither end of the digits is a zero.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
type number string

const (
	maxDigits   = 38
	minExponent = -129 // of 0.1: 1E-130
	maxExponent = 126  // of 0.9…: 9.99E+125
)

const zero number = "\x01"

var (
	errTooPrecise = invalid("Attempting to store more than 38 significant digits in a Number")
	errOverflow   = invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	errUnderflow  = invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
)

// parseNumber reads a sign, digits with at most one point, and an exponent, as Java's BigDecimal does.
func parseNumber(s string) (number, error) {
	notNumeric := func() (number, error) {
		return "", invalid("The parameter cannot be converted to a numeric value: %s", s)
	}
	rest, negative := s, false
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		negative = rest[0] == '-'
		rest = rest[1:]
	}
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		var ok bool
		if exponent, ok = parseExponent(rest[i+1:]); !ok {
			return notNumeric()
		}
		mantissa = rest[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return notNumeric()
	}
	return normalised(negative, digits, len(whole)+exponent)
}

// parseExponent caps what it reads: an exponent of nine digits is out of range whatever follows.
func parseExponent(s string) (int, bool) {
	negative := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		negative = s[0] == '-'
		s = s[1:]
	}
	if s == "" {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int(c-'0'), 1e9)
	}
	if negative {
		n = -n
	}
	return n, true
}

// normalised makes the number ±0.digits × 10^exponent.
func normalised(negative bool, digits string, exponent int) (number, error) {
	trimmed := strings.TrimLeft(digits, "0")
	exponent -= len(digits) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, "0")
	switch {
	case trimmed == "":
		return zero, nil
	case len(trimmed) > maxDigits:
		return "", errTooPrecise
	case exponent > maxExponent:
		return "", errOverflow
	case exponent < minExponent:
		return "", errUnderflow
	}
	b := make([]byte, 0, 3+(len(trimmed)+1)/2)
	b = append(b, 2, byte(exponent-minExponent))
	for i := 0; i < len(trimmed); i += 2 {
		pair := (trimmed[i] - '0') * 10
		if i+1 < len(trimmed) {
			pair += trimmed[i+1] - '0'
		}
		b = append(b, pair+1)
	}
	if negative {
		b[0] = 0
		for i := range b[1:] {
			b[i+1] = ^b[i+1]
		}
		b = append(b, 255)
	}
	return number(b), nil
}

func numberOf(i int) number {
	n, _ := parseNumber(strconv.Itoa(i))
	return n
}

// parts takes the number apart again.
func (n number) parts() (negative bool, digits []byte, exponent int) {
	if n == zero {
		return false, nil, 0
	}
	body := n[1:]
	flip := byte(0)
	if negative = n[0] == 0; negative {
		flip, body = 255, body[:len(body)-1]
	}
	exponent = int(body[0]^flip) + minExponent
	digits = make([]byte, 0, 2*len(body))
	for _, c := range []byte(body[1:]) {
		pair := (c ^ flip) - 1
		digits = append(digits, '0'+pair/10, '0'+pair%10)
	}
	if last := len(digits) - 1; digits[last] == '0' {
		digits = digits[:last]
	}
	return negative, digits, exponent
}

// appendText prints the number as DynamoDB does: plain digits, never an exponent.
func (n number) appendText(b []byte) []byte {
	negative, digits, exponent := n.parts()
	if len(digits) == 0 {
		return append(b, '0')
	}
	if negative {
		b = append(b, '-')
	}
	switch {
	case exponent <= 0:
		b = append(b, '0', '.')
		b = appendZeros(b, -exponent)
		b = append(b, digits...)
	case exponent >= len(digits):
		b = append(b, digits...)
		b = appendZeros(b, exponent-len(digits))
	default:
		b = append(b, digits[:exponent]...)
		b = append(b, '.')
		b = append(b, digits[exponent:]...)
	}
	return b
}

func appendZeros(b []byte, n int) []byte {
	for range n {
		b = append(b, '0')
	}
	return b
}

func (n number) String() string { return string(n.appendText(nil)) }

// add is exact; a sum that does not fit is refused, never rounded.
func (n number) add(m number) (number, error) {
	a, ae := n.scaled()
	b, be := m.scaled()
	exponent := min(ae, be)
	raise := func(v *big.Int, by int) *big.Int {
		return v.Mul(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(by)), nil))
	}
	sum := new(big.Int).Add(raise(a, ae-exponent), raise(b, be-exponent))
	digits := new(big.Int).Abs(sum).String()
	return normalised(sum.Sign() < 0, digits, exponent+len(digits))
}

func (n number) subtract(m number) (number, error) { return n.add(m.negated()) }

func (n number) negated() number {
	negative, digits, exponent := n.parts()
	m, _ := normalised(!negative, string(digits), exponent)
	return m
}

// scaled is the number as a whole coefficient times a power of ten.
func (n number) scaled() (*big.Int, int) {
	negative, digits, exponent := n.parts()
	if len(digits) == 0 {
		return new(big.Int), 0
	}
	v, _ := new(big.Int).SetString(string(digits), 10)
	if negative {
		v.Neg(v)
	}
	return v, exponent - len(digits)
}

// whole is the number cut to a whole one, and whether it fits.
func (n number) whole() (int64, bool) {
	v, exponent := n.scaled()
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil)
	if exponent < 0 {
		v.Quo(v, ten)
	} else {
		v.Mul(v, ten)
	}
	return v.Int64(), v.IsInt64()
}
