package intake

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"charter/pkg/fault"
)

// Report is a CSV file with a line for each row: line, customerNumber, outcome
// and error. No cell of it is a formula to who opens it in a spreadsheet.
type Report struct {
	Applied bool // or only looked at

	Rows, Created, Changed, Linked, Refused int

	buffer *bufio.Writer
	csv    *csv.Writer
}

// NewReport begins a report.
func NewReport(w io.Writer, applied bool) (*Report, error) {
	buffer := bufio.NewWriter(w)
	r := &Report{Applied: applied, buffer: buffer, csv: csv.NewWriter(buffer)}
	return r, r.csv.Write([]string{"line", "customerNumber", "outcome", "error"})
}

// Add writes down what became of a row. It is in the file a hundred rows later
// at the latest.
func (r *Report) Add(result Result) error {
	r.Rows++
	switch result.Customer {
	case Created:
		r.Created++
	case Changed:
		r.Changed++
	}
	if result.Link == Linked {
		r.Linked++
	}
	if result.Err != nil {
		r.Refused++
	}
	if err := r.csv.Write([]string{strconv.Itoa(result.Line), inert(string(result.Number)), r.outcome(result), inert(sentence(result.Err))}); err != nil {
		return err
	}
	if r.Rows%100 == 0 {
		return r.Flush()
	}
	return nil
}

// String is the report in a sentence.
func (r *Report) String() string {
	if !r.Applied {
		return fmt.Sprintf("%d rows looked at: %d customers to create, %d to change, %d users to link, %d rows refused.",
			r.Rows, r.Created, r.Changed, r.Linked, r.Refused)
	}
	return fmt.Sprintf("%d rows entered: %d customers created, %d changed, %d users linked, %d rows refused.",
		r.Rows, r.Created, r.Changed, r.Linked, r.Refused)
}

// Flush writes all that was added to the file.
func (r *Report) Flush() error {
	if r.csv.Flush(); r.csv.Error() != nil {
		return r.csv.Error()
	}
	return r.buffer.Flush()
}

// would is an outcome of a row that was only looked at.
var would = map[Outcome]string{Created: "would create", Changed: "would change", Linked: "would link"}

func (r *Report) outcome(result Result) string {
	if result.Err != nil && (!r.Applied || result.Customer == Nothing) {
		return "refused"
	}
	var words []string
	for _, o := range []Outcome{result.Customer, result.Link} {
		word := string(o)
		if o != Unchanged && !r.Applied {
			word = would[o]
		}
		if o != Nothing && o != Unchanged {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return string(Unchanged)
	}
	return strings.Join(words, ", ")
}

// sentence is what is wrong with a row.
func sentence(err error) string {
	faults, _ := fault.All(err)
	sentences := make([]string, len(faults))
	for n, f := range faults {
		sentences[n] = f.Error()
	}
	return strings.Join(sentences, " ")
}

// inert is a cell that no spreadsheet takes for a formula: it begins with none
// of the characters that make one.
// https://owasp.org/www-community/attacks/CSV_Injection
func inert(cell string) string {
	if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") || strings.HasPrefix(cell, "＝") || strings.HasPrefix(cell, "＋") ||
		strings.HasPrefix(cell, "－") || strings.HasPrefix(cell, "＠") {
		return "'" + cell
	}
	return cell
}
