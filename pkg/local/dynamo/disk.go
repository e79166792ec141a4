package dynamo

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// disk is the file: the engine's trees as buckets of the same keys, items and records in the JSON of items. Indexes are
// not kept; they are built from the items.
//
//	meta              "sequence": the last sequence number given
//	tables            table name: birth
//	items/TABLE       key: item
//	log/TABLE         sequence number: stream record
//	checkpoints/TABLE subscription: sequence number of the last record it is done with
//	tokens            ClientRequestToken: fingerprint and time
type disk struct{ db *bbolt.DB }

// mutation is a key to be set, a key to be removed where value is nil, or a bucket to be dropped where key is.
type mutation struct {
	bucket     string
	key, value []byte
}

const (
	metaBucket        = "meta"
	tablesBucket      = "tables"
	itemsBucket       = "items/"
	logBucket         = "log/"
	checkpointsBucket = "checkpoints/"
	tokensBucket      = "tokens"
)

var sequenceKey = []byte("sequence")

func openDisk(file string) (*disk, error) { return openFile(file, false) }

func openDiskToRead(file string) (*disk, error) { return openFile(file, true) }

func openFile(file string, toRead bool) (*disk, error) {
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType, ReadOnly: toRead})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errors.New("another process has it open")
	}
	if err != nil {
		return nil, err
	}
	return &disk{db}, nil
}

func (d *disk) close() error { return d.db.Close() }

// write takes a batch to disk in one transaction.
func (d *disk) write(b *batch) error {
	err := d.db.Update(func(tx *bbolt.Tx) error {
		for _, m := range b.changes {
			if err := m.apply(tx); err != nil {
				return err
			}
		}
		return mutation{metaBucket, sequenceKey, bigEndian(b.state.sequence)}.apply(tx)
	})
	if err != nil {
		return fmt.Errorf("dynamo: writing to disk: %w", err)
	}
	return nil
}

func (m mutation) apply(tx *bbolt.Tx) error {
	if m.key == nil {
		err := tx.DeleteBucket([]byte(m.bucket))
		if errors.Is(err, bolterrors.ErrBucketNotFound) {
			return nil
		}
		return err
	}
	bucket, err := tx.CreateBucketIfNotExists([]byte(m.bucket))
	if err != nil {
		return err
	}
	if m.value == nil {
		return bucket.Delete(m.key)
	}
	return bucket.Put(m.key, m.value)
}

func bigEndian(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// load reads the whole file.
func (d *disk) load() (*state, error) {
	s := &state{tables: map[string]*table{}}
	err := d.db.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket([]byte(metaBucket)); meta != nil {
			s.sequence = binary.BigEndian.Uint64(meta.Get(sequenceKey))
		}
		err := each(tx, tablesBucket, func(name string, v []byte) error {
			t, err := loadTable(tx, name, v)
			s.tables[name] = t
			return err
		})
		if err != nil {
			return err
		}
		return each(tx, tokensBucket, func(name string, v []byte) error {
			c, err := parseClaim(v)
			s.tokens = s.tokens.set(name, c)
			s.ages = s.ages.set(c.age(name), name)
			return err
		})
	})
	return s, err
}

// each goes through a bucket, which may not be there, in the order of its keys. v is good only during the call.
func each(tx *bbolt.Tx, bucket string, f func(key string, v []byte) error) error {
	b := tx.Bucket([]byte(bucket))
	if b == nil {
		return nil
	}
	return b.ForEach(func(k, v []byte) error {
		if err := f(string(k), v); err != nil {
			return fmt.Errorf("%s %q: %w", bucket, k, err)
		}
		return nil
	})
}

func loadTable(tx *bbolt.Tx, name string, v []byte) (*table, error) {
	var b birth
	if err := json.Unmarshal(v, &b); err != nil {
		return nil, err
	}
	t, err := b.table()
	if err != nil {
		return nil, err
	}
	if err := t.loadItems(tx); err != nil {
		return nil, err
	}
	var log growing[*Record]
	err = each(tx, logBucket+name, func(key string, v []byte) error {
		it, err := parseItem(string(v), math.MaxInt)
		if err != nil {
			return err
		}
		log.add(key, t.readRecord(binary.BigEndian.Uint64([]byte(key)), it))
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.log = log.tree()
	return t, each(tx, checkpointsBucket+name, func(key string, v []byte) error {
		t.checkpoints[key] = binary.BigEndian.Uint64(v)
		return nil
	})
}

// loadItems reads the items in the order of their keys, and sorts the entries of each index, so that all trees are built
// from the bottom.
func (t *table) loadItems(tx *bbolt.Tx) error {
	type entry struct {
		key  string
		item Item
	}
	var items growing[Item]
	entries := make([][]entry, len(t.indexes))
	err := each(tx, itemsBucket+t.name, func(key string, v []byte) error {
		it, err := parseItem(string(v), math.MaxInt)
		if err != nil {
			return err
		}
		items.add(key, it)
		for i, index := range t.schema.indexes {
			if at, ok := index.entry(key, it); ok {
				entries[i] = append(entries[i], entry{at, index.project(it)})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.items = items.tree()
	for i := range entries {
		slices.SortFunc(entries[i], func(a, b entry) int { return strings.Compare(a.key, b.key) })
		var index growing[Item]
		for _, e := range entries[i] {
			index.add(e.key, e.item)
		}
		t.indexes[i] = index.tree()
	}
	return nil
}
