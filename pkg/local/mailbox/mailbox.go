// Package mailbox is SES on a laptop: it takes the letters that the real SES
// client sends, and shows them instead of delivering them.
//
// It speaks the part of the SES Query API (version 2010-12-01) that sending
// needs: SendEmail. What it keeps outlives a restart when it has a file. The
// letters hold live links, so the file is for its owner's eyes alone.
package mailbox

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"charter/pkg/local/direct"
)

// Kept is how many letters a mailbox holds: the newest.
const Kept = 1000

// Letter is a letter as it came in.
type Letter struct {
	From    string
	To      []string // bare addresses
	Subject string
	Text    string
	HTML    string
	SentAt  string // ISO 8601, UTC, milliseconds

	Number uint64 `json:"-"` // counts the letters that came in, from one
}

// Mailbox takes letters at ServeHTTP. It is safe for concurrent use.
type Mailbox struct {
	Now func() time.Time
	// Publish is called with what SES would publish of a letter to its mailbox
	// simulator: the JSON of an event. Nil publishes nothing.
	Publish func(message string)

	db *bbolt.DB // nil: memory only

	mu      sync.RWMutex
	letters []Letter // oldest first, at most Kept
}

// The file holds one bucket, from a letter's number to its JSON.
var bucket = []byte("letters")

// Open returns the mailbox that is kept in file, which it makes when there is
// none, and in memory alone when file is "". Only one process can have a file
// open: another gets an error after a second.
func Open(file string) (*Mailbox, error) {
	m := &Mailbox{Now: time.Now}
	if file == "" {
		return m, nil
	}
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("open mailbox %s: %w", file, err)
	}
	m.db = db
	if err := db.Update(m.load); err != nil {
		db.Close()
		return nil, fmt.Errorf("read mailbox %s: %w", file, err)
	}
	return m, nil
}

func (m *Mailbox) load(tx *bbolt.Tx) error {
	b, err := tx.CreateBucketIfNotExists(bucket)
	if err != nil {
		return err
	}
	return b.ForEach(func(number, value []byte) error {
		l := Letter{Number: binary.BigEndian.Uint64(number)}
		if err := json.Unmarshal(value, &l); err != nil {
			return err
		}
		m.letters = append(m.letters, l)
		return nil
	})
}

// Close lets go of the file. The letters can still be read.
func (m *Mailbox) Close() error {
	if m.db == nil {
		return nil
	}
	return m.db.Close()
}

// Letters returns the letters, newest first.
func (m *Mailbox) Letters() []Letter {
	m.mu.RLock()
	defer m.mu.RUnlock()
	newest := append([]Letter{}, m.letters...)
	slices.Reverse(newest)
	return newest
}

// take keeps a letter: on the disk first, so that what was answered for is
// there after a crash.
func (m *Mailbox) take(l Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	l.Number = 1
	if n := len(m.letters); n > 0 {
		l.Number = m.letters[n-1].Number + 1
	}
	l.SentAt = m.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	if m.db != nil {
		if err := m.db.Update(func(tx *bbolt.Tx) error { return put(tx.Bucket(bucket), l) }); err != nil {
			return err
		}
	}
	m.letters = append(m.letters, l)
	m.letters = m.letters[max(0, len(m.letters)-Kept):]
	return nil
}

// put numbers letters without a gap, so the one that falls out is Kept behind.
func put(b *bbolt.Bucket, l Letter) error {
	value, err := json.Marshal(l)
	if err != nil {
		return err
	}
	number, err := b.NextSequence()
	if err != nil {
		return err
	}
	if err := b.Put(binary.BigEndian.AppendUint64(nil, number), value); err != nil {
		return err
	}
	if number <= Kept {
		return nil
	}
	return b.Delete(binary.BigEndian.AppendUint64(nil, number-Kept))
}

// ServeMail answers GET with the letters as a JSON array, newest first.
func (m *Mailbox) ServeMail(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	body, err := json.Marshal(m.Letters())
	if err != nil {
		http.Error(w, "the letters cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(body)
}

// Transport calls the mailbox without a socket.
func (m *Mailbox) Transport() http.RoundTripper { return direct.Transport(m) }
