package customer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"charter/pkg/fault"
)

// BadCursor is a cursor that was not given for this query of this organization.
// Page size and number may change along a walk; order and filters may not.
var BadCursor = fault.Fault{Kind: fault.Invalid, Code: "invalid_cursor", Field: "cursor",
	Message: "Must be the NextCursor of an earlier answer to the same query: same order, same filters, same organization."}

// A cursor is the place of the last association that was shown, and the seal on
// it, in base64. Associations keep their places, so whatever is written during a
// walk, what stood throughout comes up exactly once.
//
// The seal is an HMAC under a key of the server, cut to 128 bits (RFC 2104,
// section 5). There is nothing in a cursor that its holder was not shown.
const sealSize = 16

// Seal is the cursor for what follows last.
func (q Query) Seal(key []byte, organization string, last Association) string {
	place := strings.Join([]string{last.UserID, string(last.Number), last.ID}, parting)
	return base64.RawURLEncoding.EncodeToString(append(q.seal(key, organization, place), place...))
}

// Open is the query with its cursor read, if it has one. Errors: BadCursor.
func (q Query) Open(key []byte, organization string) (Query, error) {
	if q.cursor == "" {
		return q, nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(q.cursor)
	if err != nil || len(sealed) < sealSize {
		return Query{}, BadCursor
	}
	place := string(sealed[sealSize:])
	parts := strings.Split(place, parting)
	if !hmac.Equal(sealed[:sealSize], q.seal(key, organization, place)) || len(parts) != 3 {
		return Query{}, BadCursor
	}
	q.after = &Association{UserID: parts[0], Number: Number(parts[1]), ID: parts[2], OrganizationID: organization}
	return q, nil
}

// looksSealed reports whether a text could be a cursor: whether it is one needs
// the key.
func looksSealed(cursor string) bool {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	return err == nil && len(sealed) > sealSize && strings.Count(string(sealed[sealSize:]), parting) >= 2
}

// seal binds a place to the organization and to the order and filters of the
// query, each part with its length, so that no two queries read the same.
func (q Query) seal(key []byte, organization, place string) []byte {
	h := hmac.New(sha256.New, key)
	part := func(s string) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		h.Write([]byte(s))
	}
	direction := "asc"
	if q.descending {
		direction = "desc"
	}
	for _, s := range []string{"associations", organization, q.sortOn.name, direction, place, q.Filters()} {
		part(s)
	}
	return h.Sum(nil)[:sealSize]
}
