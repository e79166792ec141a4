package intake

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"charter/pkg/customer"
	"charter/pkg/fault"
	"charter/pkg/mail"
	"charter/pkg/org"
	"charter/pkg/text"
)

// columns are those that a file may have, in any order, by their names in PUT
// /api/customers and associate-customer. Capitals do not matter.
var columns = []string{"customerNumber", "companyName", "companyEmail", "pricing", "currencyCode", "active", "userId", "userEmail"}

// Row is one row of a file.
type Row struct {
	Line   int   // on which it begins, from one on; the header's is one
	Offset int64 // bytes of the file up to its end
	Number customer.Number
	Entry  *customer.Entry // nil where it says nothing of the customer but the number
	User   string          // the id or the e-mail of an account, "" for none
	Err    error           // faults in what it says; the rest is then not to be used

	absent map[string]bool // columns that the file does not have
}

// Rows reads a file: RFC 4180 in UTF-8, with or without a byte order mark, with
// LF or CRLF, the header first. An error ends it, and names the line; what a row
// says wrong is in the Row.
func Rows(file io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		buffered := bufio.NewReader(file)
		mark := 0
		switch begin, _ := buffered.Peek(3); {
		case bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")):
			yield(Row{}, errors.New("line 1: the file is in UTF-16 and has to be in UTF-8"))
			return
		case string(begin) == "\ufeff":
			mark, _ = buffered.Discard(len(begin))
		}
		r := csv.NewReader(buffered)
		r.ReuseRecord = true
		at, err := header(r)
		if err != nil {
			yield(Row{}, err)
			return
		}
		for {
			fields, err := r.Read()
			switch {
			case err == io.EOF:
				return
			case err != nil && !errors.Is(err, csv.ErrFieldCount):
				yield(Row{}, located(err))
				return
			}
			var row Row
			if err == nil {
				row = at.row(fields)
			} else {
				row.Err = fault.Fault{Kind: fault.Invalid, Message: fmt.Sprintf("Has %d cells where the header has %d.", len(fields), len(at.index))}
			}
			row.Line, _ = r.FieldPos(0)
			row.Offset = r.InputOffset() + int64(mark)
			if !yield(row, nil) {
				return
			}
		}
	}
}

// located is why a file is no CSV, with the line.
func located(err error) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("line %d, column %d: %w", parse.Line, parse.Column, parse.Err)
	}
	return err
}

// layout is where a file has its columns.
type layout struct {
	index  map[string]int
	absent map[string]bool
}

func header(r *csv.Reader) (layout, error) {
	names, err := r.Read()
	if err == io.EOF {
		return layout{}, errors.New("line 1: the file is empty and needs a header")
	}
	if err != nil {
		return layout{}, located(err)
	}
	at := layout{map[string]int{}, map[string]bool{}}
	for n, name := range names {
		known := slices.IndexFunc(columns, func(c string) bool { return strings.EqualFold(c, strings.TrimSpace(name)) })
		switch {
		case known < 0 && len(names) == 1 && strings.ContainsAny(name, ";\t"):
			return layout{}, errors.New("line 1: the cells have to be parted by commas")
		case known < 0:
			if !utf8.ValidString(name) {
				name = "?"
			}
			return layout{}, fmt.Errorf("line 1: there is no column %q; there are %s", name, strings.Join(columns, ", "))
		}
		if _, twice := at.index[columns[known]]; twice {
			return layout{}, fmt.Errorf("line 1: the column %s is there twice", columns[known])
		}
		at.index[columns[known]] = n
	}
	for _, name := range columns {
		if _, ok := at.index[name]; !ok {
			at.absent[name] = true
		}
	}
	switch {
	case at.absent["customerNumber"]:
		return layout{}, errors.New("line 1: the column customerNumber is missing")
	case at.absent["companyName"] && at.absent["userId"] && at.absent["userEmail"]:
		return layout{}, errors.New("line 1: there is neither companyName nor userId nor userEmail, so there is nothing to enter")
	}
	return at, nil
}

// Is what a cell may not be.
var (
	notFlag  = fault.Fault{Kind: fault.Invalid, Message: "Must be true or false."}
	twoUsers = fault.Fault{Kind: fault.Invalid, Field: "userEmail", Message: "Must be blank where userId is not."}
)

// row reads what the cells say, all that is wrong together.
func (at layout) row(fields []string) Row {
	var wrong []error
	fail := func(name string, err error) {
		faults, _ := fault.All(err)
		for _, f := range faults {
			wrong = append(wrong, f.In(name))
		}
	}
	cell := func(name string) string {
		if n, ok := at.index[name]; ok {
			return fields[n]
		}
		return ""
	}
	row := Row{absent: at.absent}
	row.Number = read(cell, fail, "customerNumber", customer.ParseNumber)
	id := read(cell, fail, "userId", func(s string) (string, error) { return text.Parse(s, 0, 64) })
	email := read(cell, fail, "userEmail", org.ParseEmail)
	row.User = id
	if email != (mail.Address{}) {
		row.User = email.String()
		if id != "" {
			wrong = append(wrong, twoUsers)
		}
	}
	says := slices.ContainsFunc(columns[1:6], func(name string) bool { return strings.TrimSpace(cell(name)) != "" })
	if says || strings.TrimSpace(cell("userId")+cell("userEmail")) == "" {
		row.Entry = &customer.Entry{
			Number:       row.Number,
			CompanyName:  read(cell, fail, "companyName", customer.ParseCompanyName),
			CompanyEmail: read(cell, fail, "companyEmail", org.ParseEmail),
			Tier:         read(cell, fail, "pricing", customer.ParseTier),
			Currency:     read(cell, fail, "currencyCode", customer.ParseCurrency),
			Active:       read(cell, fail, "active", parseFlag),
		}
	}
	row.Err = errors.Join(wrong...)
	return row
}

func read[T any](cell func(name string) string, fail func(name string, err error), name string, parse func(string) (T, error)) T {
	value, err := parse(cell(name))
	if err != nil {
		fail(name, err)
	}
	return value
}

// parseFlag reads true or false, and a blank cell as true.
func parseFlag(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, notFlag
}

// Over is what the row makes of a customer that stands: columns that the file
// does not have stay as they are.
func (r Row) over(standing customer.Customer) customer.Entry {
	e := *r.Entry
	if r.absent["companyEmail"] {
		e.CompanyEmail = standing.CompanyEmail
	}
	if r.absent["pricing"] {
		e.Tier = standing.Tier.Name
	}
	if r.absent["currencyCode"] {
		e.Currency = standing.Currency
	}
	if r.absent["active"] {
		e.Active = standing.Active
	}
	return e
}
