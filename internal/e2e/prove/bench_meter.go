package main

// What a run cost: CPU of processes from /proc, beside how far the output had got.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/internal/e2e/house"
)

// tick is a unit of /proc/PID/stat: USER_HZ, 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpuOf is what a process has used since its start, its own and the kernel's.
func cpuOf(pid int) (time.Duration, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	// The second field is the name in parentheses, which may hold anything.
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 13 {
		return 0, errors.New("/proc/PID/stat is too short")
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// sample is one look: worker, broker and store.
type sample struct {
	at  time.Time
	out int64 // records in the output topic, commit markers included
	cpu [3]time.Duration
}

// cost is what one run took between 10 % and 100 % of its output, in CPU-seconds (and seconds) per million input events.
type cost struct {
	worker, broker, store, wall float64
}

// meter samples a run.
type meter struct {
	adm  *kadm.Client
	cl   *kgo.Client
	pids [3]int
	all  []sample
}

func newMeter(h *house.House, worker int) (*meter, error) {
	cl, err := h.Client()
	if err != nil {
		return nil, err
	}
	return &meter{cl: cl, adm: kadm.NewClient(cl), pids: [3]int{worker, h.TB.Kafka.PID(), h.TB.Redis.PID()}}, nil
}

func (m *meter) close() { m.cl.Close() }

func (m *meter) look(ctx context.Context, topic string) error {
	ends, err := m.adm.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	if err := ends.Error(); err != nil {
		return err
	}
	s := sample{at: time.Now()}
	ends.Each(func(o kadm.ListedOffset) { s.out += o.Offset })
	for i, pid := range m.pids {
		if s.cpu[i], err = cpuOf(pid); err != nil {
			return err
		}
	}
	m.all = append(m.all, s)
	return nil
}

// follow looks until the output rests and finished agrees that nothing is left to do.
func (m *meter) follow(ctx context.Context, topic string, within time.Duration, finished func() (bool, error)) error {
	const between, rest = 20 * time.Millisecond, 400 * time.Millisecond
	deadline := time.Now().Add(within)
	for {
		if err := m.look(ctx, topic); err != nil {
			return err
		}
		last := &m.all[len(m.all)-1]
		if last.out > m.all[0].out && last.at.Sub(m.all[m.reached(last.out)].at) > rest {
			if done, err := finished(); done || err != nil {
				return err
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not done within %s", topic, within)
		}
		if err := hold(ctx, between); err != nil {
			return err
		}
	}
}

// reached is the first sample with so much output.
func (m *meter) reached(out int64) int {
	for i := len(m.all) - 1; i >= 0; i-- {
		if m.all[i].out < out {
			return i + 1
		}
	}
	return 0
}

// cost is worked out from the samples for so many input events.
func (m *meter) cost(events int64) cost {
	base, end := m.all[0].out, m.all[len(m.all)-1].out
	from, to := m.all[m.reached(base+(end-base)/10)], m.all[m.reached(end)]
	millions := float64(events) * float64(to.out-from.out) / float64(end-base) / 1e6
	per := func(i int) float64 { return (to.cpu[i] - from.cpu[i]).Seconds() / millions }
	return cost{worker: per(0), broker: per(1), store: per(2), wall: to.at.Sub(from.at).Seconds() / millions}
}

// metricsOf reads a worker's metrics: series, labels included, to value.
func metricsOf(ctx context.Context, url string) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	all := map[string]float64{}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[0] == '#' {
			continue
		}
		n, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, err
		}
		all[line[:at]] = n
	}
	return all, lines.Err()
}
