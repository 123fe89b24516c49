// What a broker refuses: which of it a new session mends by itself, and under which cause the rest is shown.

package changelog

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/consentry/consentry/kafka"
)

// refusal is a broker's error about something of ours. It may still be passing.
type refusal struct {
	what string // a group, topics, a transactional id
	err  error
}

// Error names the broker's code, never its text.
func (r *refusal) Error() string { return r.what + ": " + kafka.Code(r.err) }

func (r *refusal) Unwrap() error { return r.err }

// refused says what an error is about. What no session mends by itself is trouble at once.
func refused(err error, what string) error {
	if err == nil || isFenced(err) {
		return err // who is replaced finds out by himself
	}
	r := &refusal{what, err}
	if c := kafka.BrokerCause(err); c != "" {
		return kafka.NewTrouble(c, r.Error())
	}
	return r
}

func isTrouble(err error) bool {
	var t *kafka.Trouble
	return errors.As(err, &t)
}

// lasting is the trouble that an error is when new sessions meet it again and again: the broker takes no such request, or
// does not answer.
func lasting(err error) *kafka.Trouble {
	var t *kafka.Trouble
	if errors.As(err, &t) {
		return t
	}
	cause, detail := kafka.CauseOf(err, kafka.BrokerUnreachable)
	var r *refusal
	if errors.As(err, &r) {
		detail = r.Error()
	}
	var said *kerr.Error
	if errors.As(err, &said) && !said.Retriable && !errors.Is(said, kerr.UnknownServerError) {
		cause = kafka.TopicForbidden
	}
	return kafka.NewTrouble(cause, detail)
}

// rejoins tells that a group's error is of its ordinary life: the client joins again in the same session.
func rejoins(err error) bool {
	var said *kerr.Error
	return !errors.As(err, &said) || said.Retriable || errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.IllegalGeneration) ||
		errors.Is(err, kerr.RebalanceInProgress)
}
