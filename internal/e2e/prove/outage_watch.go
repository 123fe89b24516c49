package main

// What every worker says of every partner, all the time: a log of the changes of /statusz.

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/consentry/consentry/internal/e2e/house"
)

const watchEvery = 50 * time.Millisecond

// sighting is what one worker began to say of one partner. State is "gone" when the worker does not answer.
type sighting struct {
	at                          time.Time
	worker                      int
	partner, state, cause, next string
}

type watcher struct {
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu  sync.Mutex
	log []sighting // changes only
	now map[string]sighting
	// asked is when each worker was asked last; an older answer says nothing of what happened since.
	asked []time.Time
}

func newWatcher(workers []*house.Worker) *watcher {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{stop: cancel, now: map[string]sighting{}, asked: make([]time.Time, len(workers))}
	for i, worker := range workers {
		w.wg.Go(func() { w.run(ctx, i, "http://"+worker.Admin()+"/statusz") })
	}
	return w
}

func (w *watcher) close() { w.stop(); w.wg.Wait() }

func (w *watcher) run(ctx context.Context, worker int, url string) {
	client := &http.Client{Timeout: time.Second}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		var st struct {
			Partners []struct{ Partner, State, Cause, Next string }
		}
		asked := time.Now()
		err := fetch(ctx, client, url, &st)
		if ctx.Err() != nil {
			return
		}
		w.mu.Lock()
		w.asked[worker] = asked
		for _, name := range partners {
			v := sighting{at: time.Now(), worker: worker, partner: name, state: "gone"}
			for _, p := range st.Partners {
				if err == nil && p.Partner == name {
					v.state, v.cause, v.next = p.State, p.Cause, p.Next
				}
			}
			key := fmt.Sprint(worker, " ", name)
			if old := w.now[key]; old.state != v.state || old.cause != v.cause {
				w.now[key] = v
				w.log = append(w.log, v)
			}
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func fetch(ctx context.Context, client *http.Client, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into)
}

// reach waits until every worker says of every named partner what want wants, and returns when the last of them began
// to, or since if that was earlier.
func (w *watcher) reach(ctx context.Context, within time.Duration, since time.Time, names []string, want func(sighting) bool) (last time.Time, err error) {
	err = await(ctx, within, "what status should show", func() (bool, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		last = since
		for i, at := range w.asked {
			if !at.After(since) {
				return false, fmt.Errorf("worker %d does not answer", i)
			}
		}
		for _, v := range w.now {
			if !slices.Contains(names, v.partner) {
				continue
			}
			if !want(v) {
				return false, fmt.Errorf("worker %d says of %s: %s %s", v.worker, v.partner, v.state, v.cause)
			}
			if v.at.After(last) {
				last = v.at
			}
		}
		return true, nil
	})
	return last, err
}

// reachOn is reach for one worker.
func (w *watcher) reachOn(ctx context.Context, within time.Duration, since time.Time, worker int, names []string, want func(sighting) bool) (time.Time, error) {
	return w.reach(ctx, within, since, names, func(v sighting) bool { return v.worker != worker || want(v) })
}

// steady tells that a partner was running on every worker ever since.
func (w *watcher) steady(name string, since time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range w.log {
		if v.partner == name && v.at.After(since) {
			return false
		}
	}
	for _, v := range w.now {
		if v.partner == name && v.state != "running" {
			return false
		}
	}
	return true
}

// first is the first sighting of a state that began after since.
func (w *watcher) first(since time.Time, state string) (sighting, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range w.log {
		if v.at.After(since) && v.state == state {
			return v, true
		}
	}
	return sighting{}, false
}
