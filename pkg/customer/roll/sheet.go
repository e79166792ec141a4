package roll

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"charter/pkg/customer"
)

// A sheet is encoded in two parts, keys and rest, each a byte for the format and then, deflated:
//
//	keys  the number of rows; the column of the order's field; the column of the other field
//	rest  the number of rows; the column of ids; when each was created
//
// A column is front-coded: for each text how much of it the one before begins with, and how long what remains is, then
// all remains, end to end. Deflate finds little left to repeat; its Huffman codes make 5 bits of a digit of base 32.
// Times are milliseconds since that in the id, which is a ULID, since both are mostly the same.
const format = 1

// The limits of what a part may hold, so that a damaged one is found and not believed.
const (
	mostRows = 1 << 15
	mostText = 1 << 10 // bytes; a number has at most 64 code points, a user's id too
	mostPart = 1 << 23 // bytes, inflated
)

// errDamaged is a part that Encode did not make.
var errDamaged = errors.New("roll: damaged sheet")

// Encode makes a sheet of rows that are in the order.
func Encode(o customer.Order, rows []customer.Association) (keys, rest []byte) {
	users, numbers, ids := column{}, column{}, column{}
	var times []byte
	for _, a := range rows {
		users.add(a.UserID)
		numbers.add(string(a.Number))
		ids.add(a.ID)
		times = binary.AppendVarint(times, a.CreatedAt.UnixMilli()-madeAt(a.ID))
	}
	if o == customer.ByNumber {
		users, numbers = numbers, users
	}
	n := binary.AppendUvarint(nil, uint64(len(rows)))
	return deflate(n, users.marks, users.tails, numbers.marks, numbers.tails), deflate(n, ids.marks, ids.tails, times)
}

func deflate(parts ...[]byte) []byte {
	b := bytes.NewBuffer([]byte{format})
	w, err := flate.NewWriter(b, flate.DefaultCompression)
	must(err)
	for _, p := range parts {
		_, err = w.Write(p)
		must(err)
	}
	must(w.Close())
	return b.Bytes()
}

// must panics where nothing can fail: the level is one that there is, and memory takes all.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// inflaters are kept from one part to the next: each has a window of 32 KB, and a list may read a thousand parts.
var inflaters = sync.Pool{New: func() any { return &inflater{from: flate.NewReader(nil)} }}

type inflater struct {
	from io.ReadCloser
	to   bytes.Buffer
}

func inflate(part []byte) (reader, error) {
	if len(part) == 0 || part[0] != format {
		return nil, errDamaged
	}
	i := inflaters.Get().(*inflater)
	defer inflaters.Put(i)
	must(i.from.(flate.Resetter).Reset(bytes.NewReader(part[1:]), nil))
	i.to.Reset()
	n, err := io.Copy(&i.to, io.LimitReader(i.from, mostPart))
	if err != nil || n == mostPart {
		return nil, errDamaged
	}
	return bytes.Clone(i.to.Bytes()), nil // of the very size: it is kept in memory
}

// Keys are the users and numbers of a sheet, still front-coded, as they are kept in memory.
type Keys struct {
	order        customer.Order
	n            int
	outer, inner column
}

// Open reads the keys of a sheet. Its error says only that the part is damaged.
func Open(o customer.Order, keys []byte) (Keys, error) {
	r, err := inflate(keys)
	if err != nil {
		return Keys{}, err
	}
	k := Keys{order: o}
	var ok [3]bool
	k.n, ok[0] = r.count()
	k.outer, ok[1] = r.column(k.n)
	k.inner, ok[2] = r.column(k.n)
	if ok != [3]bool{true, true, true} || len(r) > 0 {
		return Keys{}, errDamaged
	}
	return k, nil
}

// Len is the number of rows.
func (k Keys) Len() int { return k.n }

// Size is what the keys take in memory, in bytes.
func (k Keys) Size() int {
	return len(k.outer.marks) + len(k.outer.tails) + len(k.inner.marks) + len(k.inner.tails)
}

// columns are the users and the numbers of the sheet.
func (k Keys) columns() (users, numbers column) {
	if k.order == customer.ByNumber {
		return k.inner, k.outer
	}
	return k.outer, k.inner
}

// Count is how many rows match. Columns that no filter is on are left packed.
func (k Keys) Count(q customer.Query) (matching int) {
	byUser, byNumber := q.FiltersOn()
	userColumn, numberColumn := k.columns()
	var users, numbers texts
	if byUser {
		users = userColumn.texts(k.n)
	}
	if byNumber {
		numbers = numberColumn.texts(k.n)
	}
	var a customer.Association
	for i := range k.n {
		if byUser {
			a.UserID = users.at(i)
		}
		if byNumber {
			a.Number = customer.Number(numbers.at(i))
		}
		if q.Match(a) {
			matching++
		}
	}
	return matching
}

// Rows are the whole rows of a sheet, of which rest is the second part.
func (k Keys) Rows(organization string, rest []byte) ([]customer.Association, error) {
	r, err := inflate(rest)
	if err != nil {
		return nil, err
	}
	n, ok := r.count()
	ids, alsoOK := r.column(n)
	if !ok || !alsoOK || n != k.n {
		return nil, errDamaged
	}
	userColumn, numberColumn := k.columns()
	users, numbers, texts := userColumn.texts(n), numberColumn.texts(n), ids.texts(n)
	rows := make([]customer.Association, n)
	for i := range rows {
		since, size := binary.Varint(r)
		if size <= 0 {
			return nil, errDamaged
		}
		r = r[size:]
		rows[i] = customer.Association{ID: texts.at(i), OrganizationID: organization, UserID: users.at(i), Number: customer.Number(numbers.at(i)),
			CreatedAt: time.UnixMilli(madeAt(texts.at(i)) + since).UTC()}
	}
	if len(r) > 0 {
		return nil, errDamaged
	}
	return rows, nil
}

// column is a list of texts, front-coded.
type column struct {
	marks []byte // for each text two uvarints: bytes shared with the one before, bytes that remain
	tails []byte // what remains of each, end to end
	size  int    // of all texts, whole
	last  string // of those added
}

func (c *column) add(s string) {
	shared := 0
	for shared < len(s) && shared < len(c.last) && s[shared] == c.last[shared] {
		shared++
	}
	c.marks = binary.AppendUvarint(c.marks, uint64(shared))
	c.marks = binary.AppendUvarint(c.marks, uint64(len(s)-shared))
	c.tails = append(c.tails, s[shared:]...)
	c.last = s
}

// texts are those of a column, whole: one after the other in one text.
type texts struct {
	all  string
	ends []int32
}

func (t texts) at(i int) string {
	if i == 0 {
		return t.all[:t.ends[0]]
	}
	return t.all[t.ends[i-1]:t.ends[i]]
}

// texts makes the n texts of a column that reader.column found right.
func (c column) texts(n int) texts {
	ends := make([]int32, n)
	all := make([]byte, 0, c.size)
	marks, tails, last := c.marks, c.tails, 0
	for i := range n {
		var shared, remain uint64
		if len(marks) > 1 && marks[0]|marks[1] < 0x80 { // as nearly all are
			shared, remain, marks = uint64(marks[0]), uint64(marks[1]), marks[2:]
		} else {
			var size, more int
			shared, size = binary.Uvarint(marks)
			remain, more = binary.Uvarint(marks[size:])
			marks = marks[size+more:]
		}
		start := len(all)
		all = append(append(all, all[last:last+int(shared)]...), tails[:remain]...)
		tails, last = tails[remain:], start
		ends[i] = int32(len(all))
	}
	return texts{string(all), ends}
}

// reader takes an inflated part from its beginning.
type reader []byte

func (r *reader) count() (n int, ok bool) {
	v, size := binary.Uvarint(*r)
	if size <= 0 || v > mostRows {
		return 0, false
	}
	*r = (*r)[size:]
	return int(v), true
}

// column takes a column of n texts, whose marks it checks.
func (r *reader) column(n int) (c column, ok bool) {
	marks := *r
	length, tails, all := uint64(0), uint64(0), uint64(0)
	for range n {
		shared, size := binary.Uvarint(marks)
		if size <= 0 {
			return column{}, false
		}
		remain, more := binary.Uvarint(marks[size:])
		if more <= 0 || shared > length || remain > mostText || shared+remain > mostText {
			return column{}, false
		}
		marks = marks[size+more:]
		length = shared + remain
		tails += remain
		all += length
	}
	if tails > uint64(len(marks)) || all > mostPart {
		return column{}, false
	}
	c = column{size: int(all), marks: (*r)[: len(*r)-len(marks) : len(*r)-len(marks)], tails: marks[:tails:tails]}
	*r = marks[tails:]
	return c, true
}

const digits = "0123456789abcdefghjkmnpqrstvwxyz"

// madeAt is the time in a ULID in lower case, in milliseconds since 1970, 0 for an id that is none.
//
// https://github.com/ulid/spec
func madeAt(id string) (ms int64) {
	if len(id) != 26 {
		return 0
	}
	for _, c := range []byte(id[:10]) {
		d := strings.IndexByte(digits, c)
		if d < 0 {
			return 0
		}
		ms = ms<<5 | int64(d)
	}
	return ms
}
