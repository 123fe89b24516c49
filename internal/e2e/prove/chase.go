package main

// Events of one subject around its opt-out, dense enough to measure how quick the opt-out is.

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/internal/city"
	"github.com/consentry/consentry/internal/e2e/house"
)

const (
	chaseEvery = 25 * time.Millisecond
	chaseFor   = 2500 * time.Millisecond
)

// chaser sends location events of single subjects.
type chaser struct {
	cl *kgo.Client
	wg sync.WaitGroup

	mu     sync.Mutex
	town   *city.City
	sent   int
	failed error
}

func newChaser(ctx context.Context, h *house.House) (*chaser, error) {
	var id uint32
	if err := h.Read(ctx, false, func(r *house.Record) {
		if len(r.Value) > 5 && r.Value[0] == 0 && id == 0 {
			id = binary.BigEndian.Uint32(r.Value[1:])
		}
	}, "raw.location"); err != nil {
		return nil, err
	}
	town, err := city.New(city.Options{Seed: millionSeed, Subscribers: millionSubscribers, LocationSchema: id})
	if err != nil {
		return nil, err
	}
	cl, err := h.Client(kgo.DefaultProduceTopic("raw.location"), kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	return &chaser{cl: cl, town: town}, nil
}

// chase sends a subject's events for chaseFor, one each chaseEvery, and returns at once.
func (c *chaser) chase(ctx context.Context, who int) {
	c.wg.Go(func() {
		tick := time.NewTicker(chaseEvery)
		defer tick.Stop()
		end := time.Now().Add(chaseFor)
		for now := time.Now(); now.Before(end); {
			c.send(ctx, who, now)
			select {
			case <-ctx.Done():
				return
			case now = <-tick.C:
			}
		}
	})
}

func (c *chaser) send(ctx context.Context, who int, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var e city.Event
	c.town.Make(who, city.Location, now.UnixMilli(), uint64(c.sent), &e)
	c.sent++
	value := append([]byte(nil), e.Value...)
	c.cl.Produce(ctx, &kgo.Record{Key: append([]byte(nil), e.Key...), Value: value}, func(_ *kgo.Record, err error) {
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.failed = err
		}
	})
}

// close waits for every event and returns how many there are.
func (c *chaser) close(ctx context.Context) (int, error) {
	c.wg.Wait()
	err := c.cl.Flush(ctx)
	c.cl.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		err = c.failed
	}
	return c.sent, err
}
