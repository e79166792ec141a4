// Package pricing holds Currency (ISO 4217), Tier; Book.
package pricing

import (
	"charter/pkg/fault"
	"charter/pkg/text"
)

//go:generate go run ./internal/generate -from iso4217.csv -to iso4217.go -date 2026-02-01

// Currency is an ISO 4217 code of money, "" for none. What a caller sends
// becomes one only through ParseCurrency. A store converts what it kept: a
// code that has been retired since stays readable.
type Currency string

// standing is what a code of ISO 4217 stands for.
type standing string

const (
	money   standing = "money"
	fund    standing = "a fund"
	special standing = "a metal, a test or another special code"
	retired standing = "retired"
)

// UnknownCurrency is a text that no list of ISO 4217 ever had as a code.
var UnknownCurrency = fault.Fault{Kind: fault.Invalid, Code: "unknown_currency",
	Message: "Must be a current ISO 4217 code of money in upper case, such as EUR."}

// NotMoney is a code of ISO 4217 that nothing can be priced in: a fund, a
// metal, a test, or a currency that is gone.
func NotMoney(code string) fault.Fault {
	return fault.Fault{Kind: fault.Invalid, Code: "not_money",
		Message: "Must be a current ISO 4217 code of money; " + code + " is " + string(listed[code]) + "."}
}

// ParseCurrency reads one of the current codes of money: three upper-case
// letters, around which white space is trimmed. Errors: text.Required,
// text.Refused, UnknownCurrency, NotMoney.
func ParseCurrency(s string) (Currency, error) {
	code, err := text.Parse(s, 1, len(s))
	if err != nil {
		return "", err
	}
	switch listed[code] {
	case money:
		return Currency(code), nil
	case "":
		return "", UnknownCurrency
	}
	return "", NotMoney(code)
}
