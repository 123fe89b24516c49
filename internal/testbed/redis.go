// redis-server, with the only settings that the consent store accepts: every write on disk before it is acknowledged,
// nothing ever evicted. Secure: TLS only, a named user, the default user off.

package testbed

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Redis is one redis-server without replicas.
type Redis struct {
	*Process
	Addr string // host:port
}

const redisConf = `bind 127.0.0.1
dir %[1]s
appendonly yes
appendfsync always
maxmemory-policy noeviction
save ""
daemonize no
`

const redisSecureConf = `port 0
tls-port %[1]s
tls-cert-file %[2]s
tls-key-file %[3]s
tls-ca-cert-file %[4]s
tls-auth-clients no
user default off
user %[5]s on >%[6]s ~* &* +@all
`

func newRedis(t *Testbed) (*Redis, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(t.Dir, "redis")
	data, conf := filepath.Join(dir, "data"), filepath.Join(dir, "redis.conf")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	r := &Redis{Addr: address(ports[0])}
	port := fmt.Sprint(ports[0])
	text := fmt.Sprintf(redisConf, data)
	var client *tls.Config
	if s := t.Secure; s != nil {
		text += fmt.Sprintf(redisSecureConf, port, s.Certs.ServerCert, s.Certs.ServerKey, s.Certs.CA, User, s.Password)
		if client, err = s.Certs.Client(false); err != nil {
			return nil, err
		}
	} else {
		text += "port " + port + "\n"
	}
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	r.Process = &Process{name: "redis", dir: dir, pids: t.Dir, argv: []string{"redis-server", conf},
		wipe: func(context.Context) error {
			if err := os.RemoveAll(data); err != nil {
				return err
			}
			return os.Mkdir(data, 0o700)
		},
		ready: func(ctx context.Context) error { return ping(ctx, r.Addr, client) }}
	return r, nil
}

// ping is content when the server serves, also when it wants a password first; not while it loads its data.
func ping(ctx context.Context, addr string, conf *tls.Config) error {
	conn, err := dial(ctx, addr, conf)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if strings.HasPrefix(line, "+PONG") || strings.HasPrefix(line, "-NOAUTH") {
		return nil
	}
	return errors.New("redis-server is still loading")
}
