package gateway

import (
	"encoding/binary"
	"testing"
	"time"
)

// TestKeepIsBounded fills the authorizer's memory past its bound, with
// decisions that have expired and with such that have not.
func TestKeepIsBounded(t *testing.T) {
	now := time.Unix(1700000000, 0)
	a := authorizer{now: func() time.Time { return now }, kept: map[token]decision{}}
	key := func(n int) (k token) {
		binary.BigEndian.PutUint64(k[:], uint64(n))
		return k
	}
	for n := range maxKept - 1 {
		a.keep(key(n), decision{expires: now})
	}
	fresh := decision{expires: now.Add(time.Second)}
	a.keep(key(maxKept), fresh)
	a.keep(key(maxKept+1), fresh)
	if _, ok := a.recall(key(maxKept)); !ok || len(a.kept) != 2 {
		t.Errorf("%d kept, the one that has not expired: %v", len(a.kept), ok)
	}
	for n := range 3 * maxKept {
		a.keep(key(n), fresh)
		if len(a.kept) > maxKept {
			t.Fatalf("%d kept", len(a.kept))
		}
	}
	if _, ok := a.recall(key(3*maxKept - 1)); !ok {
		t.Error("the newest was not kept")
	}
}
