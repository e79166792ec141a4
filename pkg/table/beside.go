package table

// beside runs f in a goroutine of its own, beside what its caller does until it
// calls wait, which gives what f returned. A panic of f becomes one of wait: in a
// goroutine where nobody recovers it would end the process.
func beside[T any](f func() (T, error)) (wait func() (T, error)) {
	type end struct {
		value    T
		err      error
		panicked any
	}
	done := make(chan end, 1)
	go func() {
		var e end
		defer func() {
			e.panicked = recover()
			done <- e
		}()
		e.value, e.err = f()
	}()
	return func() (T, error) {
		e := <-done
		if e.panicked != nil {
			panic(e.panicked)
		}
		return e.value, e.err
	}
}
