// One command to a redis-server in the clear: enough to watch it and to hurt it.

package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Do sends one command and gives its reply: text as it is, numbers in decimal, the elements of an array one a line. An
// error reply is an error.
func (r *Redis) Do(ctx context.Context, args ...string) (string, error) {
	return say(ctx, r.Addr, args...)
}

func say(ctx context.Context, addr string, args ...string) (string, error) {
	conn, err := dial(ctx, addr, nil)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return "", err
	}
	return reply(bufio.NewReader(conn))
}

var errReply = errors.New("redis-server sent a reply that is none")

func reply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errReply
	}
	rest := line[1:]
	switch line[0] {
	case '+', ':':
		return rest, nil
	case '-':
		return "", errors.New("redis-server answers " + rest)
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return "", errReply
	}
	switch {
	case n < 0:
		return "", nil
	case line[0] == '$':
		text := make([]byte, n+2)
		if _, err := io.ReadFull(r, text); err != nil {
			return "", err
		}
		return string(text[:n]), nil
	case line[0] == '*':
		all := make([]string, n)
		for i := range all {
			if all[i], err = reply(r); err != nil {
				return "", err
			}
		}
		return strings.Join(all, "\n"), nil
	}
	return "", errReply
}

// until polls until done says nil.
func until(ctx context.Context, what string, done func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := done(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// info is one field of INFO.
func (r *Redis) info(ctx context.Context, field string) (string, error) {
	text, err := r.Do(ctx, "INFO")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && name == field {
			return value, nil
		}
	}
	return "", nil
}

func (r *Redis) wantInfo(ctx context.Context, field, want string) error {
	got, err := r.info(ctx, field)
	if err == nil && got != want {
		err = fmt.Errorf("%s: %s is %q, not %q", r.name, field, got, want)
	}
	return err
}

// CutReplication makes a replica lose its master and not find it again: it gives a user that the master does not know.
// Sentinels and Clusters still see it, and promote it if the master dies within ten seconds.
func (r *Redis) CutReplication(ctx context.Context) error {
	for _, c := range [][]string{
		{"CONFIG", "SET", "masteruser", "nobody", "masterauth", "nothing"},
		{"CLIENT", "KILL", "TYPE", "master"},
	} {
		if _, err := r.Do(ctx, c...); err != nil {
			return err
		}
	}
	return until(ctx, r.name+" keeps its master", func(ctx context.Context) error {
		return r.wantInfo(ctx, "master_link_status", "down")
	})
}

// HealReplication lets it find its master again.
func (r *Redis) HealReplication(ctx context.Context) error {
	_, err := r.Do(ctx, "CONFIG", "SET", "masteruser", "", "masterauth", "")
	return err
}
