package page

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// functions are what templates say things with.
var functions = template.FuncMap{
	"lower": strings.ToLower,
	"ms": func(d time.Duration) string {
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
	},
	"minute": func(t time.Time) string { return t.Format("15:04") },
	"clock":  func(t time.Time) string { return t.Format("15:04:05.000") },
	"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"reason": http.StatusText,
	"kind": func(status int) string {
		return [...]string{"", "", "good", "good", "bad", "worse"}[min(status/100, 5)]
	},
	"count": func(n int, one, many string) string {
		if n == 1 {
			return "1 " + one
		}
		return strconv.Itoa(n) + " " + many
	},
	"day": func(sent string) string { // of a letter
		at, err := time.Parse(time.RFC3339, sent)
		if err != nil {
			return sent
		}
		return at.Local().Format("2 Jan 2006, 15:04:05")
	},
	"key":       cutKey,
	"partition": partition,
}
