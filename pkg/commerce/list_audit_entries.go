package commerce

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/httpapi"
	"charter/pkg/org"
)

type auditEntry struct {
	ID      string `json:"Id"`
	At      string
	UserID  string `json:"UserId"` // the "sub" of who did it: an API client's begins with "client:"
	Action  string
	Target  string
	Changes []difference
}

// difference is a field that was set. Old and New are null where the field had
// or has no value, or where it is not kept because it may say something of a
// person.
type difference struct {
	Field    string
	Old, New *string
}

type auditPage struct {
	Data       []auditEntry
	NextCursor *string
}

// ListAuditEntries is GET /api/organization/audit: newest first.
func ListAuditEntries(trail org.Trail) http.Handler {
	return read(func(ctx context.Context, c caller.Caller, in *httpapi.Input) (httpapi.Reply, error) {
		size, cursor := place(in)
		if err := in.Err(); err != nil {
			return httpapi.Reply{}, err
		}
		p, err := trail.Entries(ctx, c, size, cursor)
		page := auditPage{Data: []auditEntry{}, NextCursor: orNull(p.Next)}
		for _, e := range p.Entries {
			line := auditEntry{e.ID, instant(e.At), e.Subject, e.Action, e.Target, []difference{}}
			for _, d := range e.Changes {
				line.Changes = append(line.Changes, difference{d.Field, orNull(d.Old), orNull(d.New)})
			}
			page.Data = append(page.Data, line)
		}
		return httpapi.OK(page), err
	})
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

const mostEntries = 200

var (
	notPageSize = fault.Fault{Kind: fault.Invalid, Message: "Must be a whole number from 1 to 200."}
	givenTwice  = fault.Fault{Kind: fault.Invalid, Message: "Must be given only once."}
)

// place reads pageSize (25 unless given) and cursor.
func place(in *httpapi.Input) (size int, cursor string) {
	size, query := 25, in.Query()
	if text, ok := single(in, query, "pageSize"); ok {
		var err error
		if size, err = strconv.Atoi(text); err != nil || size < 1 || size > mostEntries {
			in.Fail("pageSize", notPageSize)
		}
	}
	cursor, _ = single(in, query, "cursor")
	return size, cursor
}

func single(in *httpapi.Input, query url.Values, name string) (value string, ok bool) {
	if len(query[name]) > 1 {
		in.Fail(name, givenTwice)
	}
	return query.Get(name), query.Has(name)
}
