// Reading the store's raw replies (RESP 2) without a string per value: they stream into one buffer that a lane reuses,
// and the lines of a Snapshot point into it.

package consent

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// replyBuffer collects raw replies in the order of their commands.
type replyBuffer struct {
	b []byte
	n int // read so far
}

func (r *replyBuffer) reset() { r.b, r.n = r.b[:0], 0 }

func (r *replyBuffer) Write(p []byte) (int, error) {
	r.b = append(r.b, p...)
	return len(p), nil
}

// readStep bounds what is set aside for bytes that have only been announced.
const readStep = 64 << 10

// ReadFrom lets io.CopyN fill the buffer directly.
func (r *replyBuffer) ReadFrom(src io.Reader) (int64, error) {
	var total int64
	step := 512
	if l, ok := src.(*io.LimitedReader); ok {
		step = int(min(l.N, readStep))
	}
	for {
		if cap(r.b)-len(r.b) < step {
			grown := make([]byte, len(r.b), 2*cap(r.b)+step)
			copy(grown, r.b)
			r.b = grown
		}
		n, err := src.Read(r.b[len(r.b) : len(r.b)+step])
		r.b = r.b[:len(r.b)+n]
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		if l, ok := src.(*io.LimitedReader); ok {
			if l.N == 0 {
				return total, nil
			}
			step = int(min(l.N, readStep))
		}
	}
}

var errReply = errors.New("the store sent a reply that is none")

// errServer is an error reply; its text may quote a key and is dropped, all but the code word.
type errServer struct{ code string }

func (e errServer) Error() string { return "the store answered " + e.code }

// line reads one header: its type byte and the rest up to CRLF.
func (r *replyBuffer) line() (byte, []byte, error) {
	for i := r.n; i+1 < len(r.b); i++ {
		if r.b[i] == '\r' && r.b[i+1] == '\n' {
			l := r.b[r.n:i]
			r.n = i + 2
			if len(l) == 0 {
				return 0, nil, errReply
			}
			if l[0] == '-' {
				return 0, nil, errServer{errorCode(string(l[1:]))}
			}
			return l[0], l[1:], nil
		}
	}
	return 0, nil, errReply
}

func (r *replyBuffer) integer(want byte) (int64, error) {
	t, l, err := r.line()
	if err != nil {
		return 0, err
	}
	v, ok := parseInt(l)
	if t != want || !ok {
		return 0, errReply
	}
	return v, nil
}

func (r *replyBuffer) array(n int) error {
	got, err := r.integer('*')
	if err == nil && got != int64(n) {
		err = errReply
	}
	return err
}

// bulk reads a string; nil when the store has none.
func (r *replyBuffer) bulk() ([]byte, error) {
	n, err := r.integer('$')
	if err != nil || n == -1 {
		return nil, err
	}
	if n < 0 || n > int64(len(r.b)-r.n-2) {
		return nil, errReply
	}
	v := r.b[r.n : r.n+int(n) : r.n+int(n)]
	r.n += int(n) + 2
	return v, nil
}

// number reads a bulk string that holds a decimal number; absent is false.
func (r *replyBuffer) number() (uint64, bool, error) {
	b, err := r.bulk()
	if err != nil || b == nil {
		return 0, false, err
	}
	v, ok := parseInt(b)
	if !ok || v < 0 {
		return 0, false, errReply
	}
	return uint64(v), true, nil
}

// timeMS reads the reply of TIME.
func (r *replyBuffer) timeMS() (int64, error) {
	if err := r.array(2); err != nil {
		return 0, err
	}
	s, ok, err := r.number()
	if err != nil || !ok || s > 1<<40 {
		return 0, errors.Join(err, errReply)
	}
	us, ok, err := r.number()
	if err != nil || !ok || us >= 1e6 {
		return 0, errors.Join(err, errReply)
	}
	return int64(s)*1000 + int64(us)/1000, nil
}

// parseInt reads a decimal int64; strconv would quote it in its error.
func parseInt(b []byte) (int64, bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var v int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if neg {
		v = -v
	}
	return v, true
}

// keyArg is a command argument that go-redis writes without a string being made for it.
type keyArg struct{ b []byte }

func (k *keyArg) MarshalBinary() ([]byte, error) { return k.b, nil }

// errorCode is the first word of an error reply (NOAUTH, WRONGTYPE): the rest may quote a key.
func errorCode(text string) string {
	code, _, _ := strings.Cut(text, " ")
	for _, c := range []byte(code) {
		if c < 'A' || c > 'Z' {
			return "ERR"
		}
	}
	return code
}

// classify names what went wrong on the way to the store, without its text.
func classify(err error) string {
	var server errServer
	var reply redis.Error
	var timeout net.Error
	var op *net.OpError
	switch {
	case errors.As(err, &server):
		return server.Error()
	case errors.As(err, &reply):
		return "the store answered " + errorCode(reply.Error())
	case errors.Is(err, context.Canceled):
		return "the question was called off"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "the store did not answer in time"
	case errors.Is(err, errReply):
		return errReply.Error()
	case errors.As(err, &op) && op.Op == "dial":
		return "the store cannot be connected to"
	case errors.Is(err, redis.ErrClosed):
		return "the store was closed"
	}
	return "the connection to the store broke"
}
