package main

// The flow of raw events beneath the outages: the whole city at a modest rate, and single people densely, so that an
// opt-out of theirs meets events that are in somebody's hands. It outlasts a broker that is away.

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/internal/city"
	"github.com/consentry/consentry/internal/e2e/house"
)

const (
	flowTick  = 50 * time.Millisecond
	focusTick = 100 * time.Millisecond
	crowdTick = 500 * time.Millisecond
)

type flow struct {
	h      *house.House
	town   *city.City
	people int
	rate   int // events of everybody a second
	stop   context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	cl     *kgo.Client
	paused bool
	dense  []int
	crowd  []int
	count  uint64

	acked, refused atomic.Int64
}

func newFlow(ctx context.Context, h *house.House, people, rate int) (*flow, error) {
	ids := map[string]uint32{}
	if err := h.Read(ctx, false, func(r *house.Record) {
		if len(r.Value) > 5 && r.Value[0] == 0 && ids[r.Topic] == 0 {
			ids[r.Topic] = binary.BigEndian.Uint32(r.Value[1:])
		}
	}, "raw.location", "raw.app_usage"); err != nil {
		return nil, err
	}
	if len(ids) != 2 {
		return nil, errors.New("simulate wrote no framed events")
	}
	town, err := city.New(city.Options{Seed: outageSeed, Subscribers: people, LocationSchema: ids["raw.location"], AppUsageSchema: ids["raw.app_usage"],
		Days: outageDays, StartMS: time.Now().UnixMilli() - outageDays*24*time.Hour.Milliseconds()})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &flow{h: h, town: town, people: people, rate: rate, stop: cancel, done: make(chan struct{})}
	if err := f.reopen(); err != nil {
		cancel()
		return nil, err
	}
	go f.run(ctx)
	return f, nil
}

// reopen makes a new client: one that has met a topic before it was made again does not go on with it.
func (f *flow) reopen() error {
	cl, err := f.h.Client(kgo.ProducerLinger(0), kgo.MaxBufferedRecords(200_000), kgo.MetadataMinAge(250*time.Millisecond))
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cl != nil {
		f.cl.Close()
	}
	f.cl = cl
	return nil
}

func (f *flow) close() {
	f.stop()
	<-f.done
	f.cl.Close()
}

func (f *flow) run(ctx context.Context) {
	defer close(f.done)
	tick := time.NewTicker(flowTick)
	defer tick.Stop()
	focused, crowded := time.Now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			f.mu.Lock()
			if !f.paused {
				for range f.rate * int(flowTick) / int(time.Second) {
					f.send(int(f.count*2654435761%uint64(f.people)), city.Source(f.count%city.NumSources), now)
				}
				if now.Sub(focused) >= focusTick {
					focused = now
					for _, who := range f.dense {
						f.send(who, city.Location, now)
						f.send(who, city.AppUsage, now)
					}
				}
			}
			if !f.paused && now.Sub(crowded) >= crowdTick {
				crowded = now
				for _, who := range f.crowd {
					f.send(who, city.Location, now)
				}
			}
			f.mu.Unlock()
		}
	}
}

// send wants the lock.
func (f *flow) send(who int, source city.Source, now time.Time) {
	var e city.Event
	f.town.Make(who, source, now.UnixMilli(), f.count, &e)
	f.count++
	rec := &kgo.Record{Topic: "raw." + source.String(), Key: append([]byte(nil), e.Key...)}
	if e.Value != nil {
		rec.Value = append([]byte{}, e.Value...)
	}
	f.cl.Produce(context.Background(), rec, func(_ *kgo.Record, err error) {
		if err != nil {
			f.refused.Add(1)
		} else {
			f.acked.Add(1)
		}
	})
}

// focus lets events of these people flow densely, instead of those before.
func (f *flow) focus(who []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dense = who
}

// quicken changes how many events of everybody flow a second.
func (f *flow) quicken(rate int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rate = rate
}

// gather lets two events a second of these people flow, instead of those before.
func (f *flow) gather(who []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crowd = who
}

// pause stops the flow and waits until the broker has acknowledged every event.
func (f *flow) pause(ctx context.Context) error {
	f.mu.Lock()
	f.paused = true
	cl := f.cl
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return cl.Flush(ctx)
}

func (f *flow) resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paused = false
}

// subject is a person's number in E.164.
func (f *flow) subject(who int) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return "+" + strings.TrimPrefix(f.town.MSISDN(who), "+")
}

// decided is everything that a person decided before the proof began, in the order of time.
func (f *flow) decided(who int) []city.Change {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.town.ChangesOf(nil, who)
}
