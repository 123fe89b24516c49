// Package keys makes, reads and erases the secrets of one deployment: the house key that names subjects in Redis, the
// event key, and one independent random root per epoch of each linking period.
//
// There is one writer (keys init, keys rotate), by lock; workers only read. A key that should be there and is not
// parks; a key that was erased on schedule withholds.
package keys

// A Sick error means that the key folder cannot be trusted: it implements Cause() string, key_missing or key_mismatch.
type Sick struct {
	cause  string
	reason string
}

func (s *Sick) Error() string { return s.cause + ": " + s.reason }
func (s *Sick) Cause() string { return s.cause }
