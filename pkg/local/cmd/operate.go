package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"charter/pkg/customer/intake"
	"charter/pkg/env"
	"charter/pkg/local"
)

// folder is that of the table which is meant, "" for the deployed one.
func folder() (string, error) {
	switch data := os.Getenv("DATA"); {
	case data != "" && os.Getenv(env.TableName) != "":
		return "", errors.New("DATA and TABLE_NAME name two tables")
	case os.Getenv(env.TableName) != "":
		return "", nil
	default:
		return cmp.Or(data, ".charter"), nil
	}
}

// onTable is local.OnTable with the table that is meant. An error of do is one
// of which nothing came, unless it says otherwise.
func onTable(toRead bool, do func(env.Env) error) error {
	where, err := folder()
	if err == nil {
		err = local.OnTable(where, toRead, do)
	}
	if err != nil && !errors.As(err, new(partly)) {
		return notDone{err}
	}
	return err
}

// partly is why not all was done, where some was.
type partly struct{ error }

// organization is the id, code or slug in ORG.
func organization() (string, error) {
	name := strings.TrimSpace(os.Getenv("ORG"))
	if name == "" {
		return "", notDone{errors.New("ORG has to be the id, the code or the slug of an organization")}
	}
	return name, nil
}

func export() error {
	ctx, stop := untilSignal()
	defer stop()
	name, err := organization()
	if err != nil {
		return err
	}
	return onTable(true, func(e env.Env) error { return local.Export(ctx, e, name, os.Stdout) })
}

// receipt is what is left of an organization that was erased: in the hands of
// who did it, and not in the table.
type receipt struct {
	OrganizationID string    `json:"OrganizationId"`
	ErasedAt       time.Time // in UTC
	ErasedBy       string    // who ran the command, as the system calls them
	Items          int
	Accounts       []string // ids of those that went with it
}

func erase() error {
	ctx, stop := untilSignal()
	defer stop()
	name, err := organization()
	if err != nil {
		return err
	}
	confirmed := os.Getenv("YES")
	return onTable(confirmed == "", func(e env.Env) error {
		id, estate, err := local.Survey(ctx, e, name)
		if err != nil {
			return err
		}
		word := cmp.Or(estate.Slug, id)
		if confirmed != word {
			fmt.Printf("Of the organization %s (%s) would go:\n", id, word)
			for _, kind := range slices.Sorted(maps.Keys(estate.Counts)) {
				fmt.Printf("%9d %s\n", estate.Counts[kind], kind)
			}
			fmt.Printf("%9d accounts, whose people belong to no other organization\n", len(estate.Leaving))
			fmt.Printf("%9d members would stay, who belong to others, too\n", estate.Staying)
			return fmt.Errorf("nothing was erased; YES=%s erases it, for good", word)
		}
		gone, err := e.Operator().Erase(ctx, id)
		if err != nil {
			return partly{fmt.Errorf("%s is erased in part, run this again: %w", id, err)}
		}
		r := receipt{OrganizationID: id, ErasedAt: e.Now().UTC(), Accounts: append([]string{}, gone...)}
		for _, n := range estate.Counts {
			r.Items += n
		}
		if who, err := user.Current(); err == nil {
			r.ErasedBy = who.Username
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	})
}

var errRefused = partly{errors.New("some rows were refused")}

func importFile() error {
	ctx, stop := untilSignal()
	defer stop()
	name, err := organization()
	if err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // a line for each hundred entries is for the service's log
	path, apply := os.Getenv("FILE"), os.Getenv("APPLY") == "1"
	file, err := os.Open(path)
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return notDone{errors.New("FILE has to be a CSV file")}
	} else if err != nil {
		return notDone{err}
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil {
		return notDone{err}
	}
	return onTable(!apply, func(e env.Env) error {
		report, done, err := reportBeside(path, apply)
		if err != nil {
			return err
		}
		bar := newBar(os.Stderr, about.Size())
		err = local.Import(ctx, e, name, os.Getenv("ACTOR"), apply, file, func(r intake.Result) error {
			bar.show(r.Offset, r.Line)
			return report.Add(r)
		})
		bar.end()
		where, notKept := done()
		fmt.Printf("%s Each row is in %s.\n", report, where)
		switch {
		case err != nil && report.Rows > 0 && apply:
			return partly{fmt.Errorf("stopped, run this again to go on: %w", err)}
		case err != nil || notKept != nil:
			return errors.Join(err, notKept)
		case !apply:
			fmt.Println("Nothing was written; APPLY=1 does.")
		}
		if report.Refused > 0 {
			return errRefused
		}
		return nil
	})
}

// reportBeside begins the report of a file, in one of its own beside it.
func reportBeside(path string, apply bool) (report *intake.Report, done func() (where string, err error), err error) {
	where := strings.TrimSuffix(path, filepath.Ext(path)) + ".report.csv"
	file, err := os.OpenFile(where, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, err
	}
	report, err = intake.NewReport(file, apply)
	return report, func() (string, error) { return where, errors.Join(report.Flush(), file.Close()) }, err
}

// bar shows how much of a file is done, where somebody looks: on a terminal.
type bar struct {
	w     io.Writer // nil where nobody does
	size  int64
	shown int64 // percent
}

func newBar(f *os.File, size int64) *bar {
	b := &bar{size: size, shown: -1}
	if about, err := f.Stat(); err == nil && about.Mode()&os.ModeCharDevice != 0 {
		b.w = f
	}
	return b
}

func (b *bar) show(offset int64, line int) {
	const width = 40
	percent := offset * 100 / max(b.size, 1)
	if b.w == nil || percent == b.shown {
		return
	}
	b.shown = percent
	full := int(min(percent, 100)) * width / 100
	fmt.Fprintf(b.w, "\r[%s%s] %3d %%, line %d", strings.Repeat("#", full), strings.Repeat(" ", width-full), percent, line)
}

func (b *bar) end() {
	if b.w != nil && b.shown >= 0 {
		fmt.Fprintln(b.w)
	}
}
