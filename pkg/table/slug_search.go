package table

// slugSearch finds the next number of a slug that is free, for few reads where
// few are taken and in few trips where many are: it looks at the first ones, then
// leaps ahead, each time twice as far, and then parts what it has leapt over.
// That is five trips below a million.
type slugSearch struct {
	taken int // a number that is taken, 0 for none
	free  int // one behind it that is free, 0 where none is known
}

const (
	firstChoices = 4  // in the first trip; each costs a read
	nextChoices  = 16 // one after another, in the next
	leaps        = 16 // beside them
	mostChoices  = 90 // in one trip
)

// next are the numbers to look at, ascending.
func (s slugSearch) next() (numbers []int) {
	switch {
	case s.free > 0:
		step := (s.free-s.taken-1)/mostChoices + 1
		for n := s.taken + 1; n < s.free; n += step {
			numbers = append(numbers, n)
		}
		return append(numbers, s.free)
	case s.taken == 0:
		return []int{1, 2, 3, firstChoices}
	}
	for n := range nextChoices {
		numbers = append(numbers, s.taken+1+n)
	}
	for n := range leaps {
		numbers = append(numbers, s.taken+nextChoices<<(n+1))
	}
	return numbers
}

// among is the first of the numbers that is free, where the one before it is
// known to be taken; else next says what to look at then.
func (s *slugSearch) among(numbers []int, isFree func(n int) bool) (n int, found bool) {
	for _, n := range numbers {
		if isFree(n) {
			s.free = n
			return n, n == s.taken+1
		}
		s.taken = n
	}
	s.free = 0 // it was taken meanwhile
	return 0, false
}
