package fault

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

var taken = Fault{Kind: Taken, Code: "name_taken", Message: "Somebody has it.", Field: "Name"}

func TestIs(t *testing.T) {
	wrapped := fmt.Errorf("outer: %w", errors.Join(errors.New("other"), taken.In("NewName")))
	for _, c := range []struct {
		target error
		want   bool
	}{
		{Taken, true}, {taken, true}, {Invalid, false},
		{Fault{Kind: Taken, Code: "slug_taken", Message: "Somebody has it."}, false},
	} {
		if got := errors.Is(wrapped, c.target); got != c.want {
			t.Errorf("Is(%v) = %v", c.target, got)
		}
	}
}

func TestDeclaredFaultsStayAsTheyAre(t *testing.T) {
	if f := taken.In("X").After(time.Second); f.Field != "X" || f.RetryAfter != time.Second || taken.Field != "Name" || taken.RetryAfter != 0 {
		t.Errorf("got %+v, and the declared one is %+v", f, taken)
	}
}

func TestAll(t *testing.T) {
	cause := errors.New("secret of the inside")
	for _, c := range []struct {
		err  error
		want int
		ok   bool
	}{
		{nil, 0, true},
		{taken, 1, true},
		{NotFound, 1, true},
		{fmt.Errorf("at: %w", taken), 1, true},
		{errors.Join(taken, errors.Join(taken.In("Other"), nil)), 2, true},
		{taken.Because(cause), 1, true},
		{cause, 0, false},
		{errors.Join(taken, cause), 1, false},
	} {
		if got, ok := All(c.err); len(got) != c.want || ok != c.ok {
			t.Errorf("All(%v) = %v, %v; want %d, %v", c.err, got, ok, c.want, c.ok)
		}
	}
	if got := taken.Because(cause).Error(); got != "Name: Somebody has it.: secret of the inside" {
		t.Errorf("a log sees %q", got)
	}
}
