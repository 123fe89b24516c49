// Ports of the testbed: free ones on the loopback, outside the range that the system hands to outgoing connections, so
// that a part that is stopped finds its port free when it comes back.

package testbed

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"strconv"
	"time"
)

const (
	loopback  = "127.0.0.1"
	firstPort = 12000
	portCount = 20000 // below 32768, where Linux begins its ephemeral ports
)

// freePorts finds n free ports.
func freePorts(n int) ([]int, error) {
	var seed [4]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, err
	}
	at := int(binary.BigEndian.Uint32(seed[:]) % portCount)
	ports := make([]int, 0, n)
	for tries := 0; len(ports) < n; tries++ {
		if tries == portCount {
			return nil, errors.New("no free ports on the loopback between 12000 and 32000")
		}
		port := firstPort + (at+tries)%portCount
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			continue
		}
		_ = l.Close()
		ports = append(ports, port)
	}
	return ports, nil
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// dial connects to a part, over TLS when conf is not nil.
func dial(ctx context.Context, addr string, conf *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if conf == nil {
		return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}
	return (&tls.Dialer{Config: conf}).DialContext(ctx, "tcp", addr)
}

// FreeAddress is a free host:port on the loopback, for a part that is not the testbed's own.
func FreeAddress() (string, error) {
	ports, err := freePorts(1)
	if err != nil {
		return "", err
	}
	return address(ports[0]), nil
}
