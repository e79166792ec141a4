package local

import "sync"

// DeadLetter says which record of the table's stream, or which message of a
// topic, was given up. It is not the record itself, as in the cloud.
type DeadLetter struct {
	Queue    string // the logical id of where it lies
	Function string // that could not deal with it
	Sequence string // the record's number in the stream, "" for a message
	Cause    string
}

// deadLetters plays the queues that functions have for what was given up. They
// are in memory, as nothing but people reads them.
type deadLetters struct {
	mu   sync.Mutex
	list []DeadLetter
}

func (d *deadLetters) add(l DeadLetter) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, l)
}

// DeadLetters are all that there are, the oldest first.
func (s *Service) DeadLetters() []DeadLetter {
	s.dead.mu.Lock()
	defer s.dead.mu.Unlock()
	return append([]DeadLetter{}, s.dead.list...)
}
