package main

// What was allowed: lines read back from Redis by splitting strings, and a timeline of what this proof itself withdrew
// and granted. Written apart from package consent on purpose.

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// grant is what a pair allows.
type grant struct {
	linked       bool
	categories   []string
	since, until int64 // until 0 is until withdrawn
}

func (g *grant) covers(needs []string, eventMS int64) bool {
	for _, n := range needs {
		if !slices.Contains(g.categories, n) {
			return false
		}
	}
	return g.linked && g.since <= eventMS && (g.until == 0 || eventMS < g.until)
}

// grantIn finds a pair's grant in a line of contract.md section 4.
func grantIn(line, partner, purpose string) *grant {
	for _, entry := range strings.Fields(line) {
		rest, ok := strings.CutPrefix(entry, partner+"/"+purpose)
		if !ok {
			continue
		}
		rest, linked := strings.CutPrefix(rest, "!")
		body, ok := strings.CutPrefix(rest, ":")
		if !ok {
			continue
		}
		body, _, _ = strings.Cut(body, "X")
		categories, times, _ := strings.Cut(body, "@")
		since, until, _ := strings.Cut(times, "-")
		g := &grant{linked: linked, categories: strings.Split(categories, ",")}
		g.since, _ = strconv.ParseInt(since, 10, 64)
		g.until, _ = strconv.ParseInt(until, 10, 64)
		return g
	}
	return nil
}

// lines reads every consent line from Redis with nothing but its wire protocol: id → line.
func lines(addr string) (map[string]string, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	r := bufio.NewReader(conn)
	call := func(args ...string) (any, error) {
		var b strings.Builder
		fmt.Fprintf(&b, "*%d\r\n", len(args))
		for _, a := range args {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
		}
		if _, err := conn.Write([]byte(b.String())); err != nil {
			return nil, err
		}
		return resp(r)
	}
	out := map[string]string{}
	cursor := "0"
	for {
		reply, err := call("SCAN", cursor, "MATCH", "consentry:{*}:*:??????????????????????", "COUNT", "5000")
		if err != nil {
			return nil, err
		}
		pair, ok := reply.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("unexpected reply to SCAN")
		}
		keys, _ := pair[1].([]any)
		// A Cluster answers only for keys of one shard at a time.
		byShard := map[string][]string{}
		for _, k := range keys {
			_, rest, _ := strings.Cut(k.(string), "{")
			shard, _, _ := strings.Cut(rest, "}")
			byShard[shard] = append(byShard[shard], k.(string))
		}
		for _, some := range byShard {
			values, err := call(append([]string{"MGET"}, some...)...)
			if err != nil {
				return nil, err
			}
			list, ok := values.([]any)
			if !ok {
				return nil, fmt.Errorf("unexpected reply to MGET")
			}
			for i, v := range list {
				if line, ok := v.(string); ok {
					out[some[i][strings.LastIndex(some[i], ":")+1:]] = line
				}
			}
		}
		if cursor = pair[0].(string); cursor == "0" {
			return out, nil
		}
	}
}

// resp reads one RESP2 reply: a string, a list, or nil.
func resp(r *bufio.Reader) (any, error) {
	head, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	head = strings.TrimSuffix(head, "\r\n")
	n, _ := strconv.Atoi(head[1:])
	switch head[0] {
	case '$':
		if n < 0 {
			return nil, nil
		}
		b := make([]byte, n+2)
		for got := 0; got < len(b); {
			k, err := r.Read(b[got:])
			if err != nil {
				return nil, err
			}
			got += k
		}
		return string(b[:n]), nil
	case '*':
		list := make([]any, n)
		for i := range list {
			if list[i], err = resp(r); err != nil {
				return nil, err
			}
		}
		return list, nil
	case '-':
		return nil, fmt.Errorf("the server refuses")
	}
	return head[1:], nil
}

// change is what this proof itself did to a subject, and when it was acknowledged.
type change struct {
	subject   string
	partner   string // "" withdraws all
	purpose   string
	withdraws bool
	grant     grant
	acked     time.Time
}

func (c *change) touches(s *stream) bool {
	return c.partner == "" || c.partner == s.partner && c.purpose == s.purpose
}

// timeline judges releases.
type timeline struct {
	initial map[string]string   // id → line before the proof changed anything
	changes map[string][]change // by subject, in the order of acknowledgement
}

// judge says whether a release of the subject's event that a partner could read at arrived was allowed, and how long
// after the acknowledgement of an opt-out it arrived (0 when no opt-out stood).
func (t *timeline) judge(s *stream, id, subject string, eventMS int64, arrived time.Time) (allowed bool, late time.Duration) {
	g := grantIn(t.initial[id], s.partner, s.purpose)
	allowed = g != nil && g.covers(s.needs, eventMS)
	for _, c := range t.changes[subject] {
		if !c.touches(s) || c.acked.After(arrived) {
			continue
		}
		if c.withdraws {
			if allowed && late == 0 {
				late = arrived.Sub(c.acked)
			}
			// Until the bound has passed a verdict that was made before the acknowledgement may still arrive.
			allowed = allowed && late <= bound
		} else if c.grant.covers(s.needs, eventMS) {
			allowed, late = true, 0
		}
	}
	return allowed, late
}

// story tells what was changed for a subject, without naming it.
func (t *timeline) story(s *stream, subject string) string {
	var b strings.Builder
	for _, c := range t.changes[subject] {
		if !c.touches(s) {
			continue
		}
		what := "withdrawn"
		if !c.withdraws {
			what = "granted since " + time.UnixMilli(c.grant.since).UTC().Format(stamp)
		}
		fmt.Fprintf(&b, "; %s, acknowledged %s", what, c.acked.UTC().Format(stamp))
	}
	return b.String()
}

// bound is promise P3's: from the acknowledgement to the last frame.
const bound = 5 * time.Second
