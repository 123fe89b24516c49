package main

import (
	"math"
	"os"
	"testing"
	"time"
)

// A run of 1,000 inputs that gives 500 outputs: start-up and rest are not counted, inputs are counted by their share.
func TestCostIsWhatLiesBetweenATenthAndAll(t *testing.T) {
	at := time.Now()
	m := &meter{}
	for i, out := range []int64{7, 7, 57, 107, 507, 507, 507} {
		s := sample{at: at.Add(time.Duration(i) * time.Second), out: out}
		for k := range s.cpu {
			s.cpu[k] = time.Duration(i*(k+1)) * time.Second / 10
		}
		m.all = append(m.all, s)
	}
	// From the third sample (a tenth) to the fifth (all): 2 s, 0.2 CPU-s, nine tenths of 1,000 events.
	got := m.cost(1000)
	for name, v := range map[string][2]float64{
		"worker": {got.worker, 0.2 / 900e-6}, "broker": {got.broker, 0.4 / 900e-6}, "store": {got.store, 0.6 / 900e-6}, "wall": {got.wall, 2 / 900e-6},
	} {
		if math.Abs(v[0]-v[1]) > 1e-6*v[1] {
			t.Errorf("%s: %v, want %v", name, v[0], v[1])
		}
	}
}

func TestCPUOfThisProcess(t *testing.T) {
	before, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// Work until the counter moves; a reader of the wrong fields never sees it.
	for n := 0; ; n++ {
		after, err := cpuOf(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after > before {
			return
		}
		if n == 10_000_000 {
			t.Fatal("the counter stands still")
		}
	}
}

func TestSpread(t *testing.T) {
	worker := func(c cost) float64 { return c.worker }
	if s := spreadOf([]cost{{worker: 3}, {worker: 1}, {worker: 2}}, worker); s != (spread{2, 1, 3}) {
		t.Errorf("odd: %v", s)
	}
	if s := spreadOf([]cost{{worker: 3}, {worker: 1}, {worker: 2}, {worker: 8}}, worker); s != (spread{2.5, 1, 8}) {
		t.Errorf("even: %v", s)
	}
}
