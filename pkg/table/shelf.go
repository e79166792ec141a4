package table

import (
	"container/list"
	"sync"
)

// Shelf keeps what was read of rolls, for the next request to the same warm
// function. What it keeps stands under names that are never given to anything
// else, so it cannot be out of date. The zero Shelf is empty; a nil one keeps
// nothing.
type Shelf struct {
	mu    sync.Mutex
	named map[string]*list.Element
	order list.List // of kept, the one used last in front
	size  int
}

type kept struct {
	name  string
	value any
	size  int // bytes
}

// shelfSize is the room on a shelf, in bytes: both orders of a million
// associations take 65 MB, and Go's memory is at times twice what is in use.
const shelfSize = 80 << 20

func (s *Shelf) put(name string, value any, size int) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named == nil {
		s.named = map[string]*list.Element{}
	}
	if e, ok := s.named[name]; ok {
		s.remove(e)
	}
	s.named[name] = s.order.PushFront(kept{name, value, size})
	for s.size += size; s.size > shelfSize; {
		s.remove(s.order.Back())
	}
}

func (s *Shelf) remove(e *list.Element) {
	k := s.order.Remove(e).(kept)
	delete(s.named, k.name)
	s.size -= k.size
}

// onShelf is what stands under the name, if it is there.
func onShelf[T any](s *Shelf, name string) (value T, ok bool) {
	if s == nil {
		return value, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.named[name]
	if !ok {
		return value, false
	}
	s.order.MoveToFront(e)
	value, ok = e.Value.(kept).value.(T)
	return value, ok
}
