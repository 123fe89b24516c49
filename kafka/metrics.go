// The metrics of a worker (contract: metrics), in a registry of their own. Counters of events and verdicts change only
// after the transaction that holds them is committed. No label has more values than the configuration has names.

package kafka

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/processor"
)

type metrics struct {
	registry      *prometheus.Registry
	events        *prometheus.CounterVec
	verdicts      *prometheus.CounterVec
	held          *prometheus.GaugeVec
	parked        *prometheus.GaugeVec
	parkedSeconds *prometheus.CounterVec
	transactions  *prometheus.CounterVec
	lookup        prometheus.Histogram
	verdictAge    prometheus.Histogram
	endToEnd      *prometheus.HistogramVec
	lag           *prometheus.GaugeVec
	quarantined   *prometheus.CounterVec
	unknown       *prometheus.CounterVec
	residual      *prometheus.CounterVec
}

func newMetrics(set *policy.Set, version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "consentry_events_total",
			Help: "Raw events decided and committed; an event counts once for each partner that reads its source."}, []string{"source"}),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "consentry_verdicts_total",
			Help: "Committed verdicts by stream and reason; released is a reason."}, []string{"stream", "reason"}),
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "consentry_held",
			Help: "Events waiting for a verdict at a crowd gate."}, []string{"stream"}),
		parked: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "consentry_parked",
			Help: "1 while the partner is parked by this cause."}, []string{"partner", "cause"}),
		parkedSeconds: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "consentry_parked_seconds_total",
			Help: "Time the partner was parked, by cause."}, []string{"partner", "cause"}),
		transactions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "consentry_transactions_total",
			Help: "Transactions by result."}, []string{"partner", "result"}),
		lookup: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "consentry_consent_lookup_seconds",
			Help: "Time of one batched consent question.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 11)}),
		verdictAge: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "consentry_verdict_age_seconds",
			Help:    "Age of the oldest verdict of a transaction at each write to a broker.",
			Buckets: []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3}}),
		endToEnd: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "consentry_end_to_end_seconds",
			Help:    "From the raw record's timestamp to the commit: the oldest event of each transaction and source partition.",
			Buckets: []float64{0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600}}, []string{"stream"}),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "consentry_lag_events",
			Help: "Events of the source that the partner's whole group has still to decide, commit markers included."}, []string{"source", "partner"}),
		quarantined: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "consentry_quarantined_total",
			Help: "Quarantine pointers written, by source and reason."}, []string{"source", "reason"}),
		unknown: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "consentry_unknown_schemas_total",
			Help: "Events whose writer schema is not to be had."}, []string{"source"}),
		residual: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "consentry_residual_hits_total",
			Help: "Values withheld because an identifier hid in them, by class; one value may hit several."}, []string{"class"}),
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "consentry_policy_info",
		Help: "1 for the policy that each stream runs under."}, []string{"stream", "policy"})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "consentry_build_info",
		Help: "1, with the version of this program."}, []string{"version", "go"})
	m.registry.MustRegister(m.events, m.verdicts, m.held, m.parked, m.parkedSeconds, m.transactions, m.lookup, m.verdictAge,
		m.endToEnd, m.lag, m.quarantined, m.unknown, m.residual, info, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	goVersion := ""
	if b, ok := debug.ReadBuildInfo(); ok {
		goVersion = b.GoVersion
	}
	build.WithLabelValues(version, goVersion).Set(1)
	// Every series exists from the start: a rate over a counter that appears late misses its first increase.
	for c := range processor.NumResidualClasses {
		m.residual.WithLabelValues(c.String())
	}
	for _, p := range set.Partners {
		for _, k := range causes {
			m.parked.WithLabelValues(p.Name, string(k.cause)).Set(0)
			m.parkedSeconds.WithLabelValues(p.Name, string(k.cause))
		}
		m.transactions.WithLabelValues(p.Name, "committed")
		m.transactions.WithLabelValues(p.Name, "aborted")
		for _, s := range p.Sources {
			m.events.WithLabelValues(s.Name)
			m.unknown.WithLabelValues(s.Name)
			m.lag.WithLabelValues(s.Name, p.Name)
			for _, r := range []processor.Reason{processor.BadEvent, processor.UnknownSchema} {
				m.quarantined.WithLabelValues(s.Name, r.String())
			}
		}
		for _, s := range p.Streams {
			info.WithLabelValues(s.Topic, set.Revision).Set(1)
			m.held.WithLabelValues(s.Topic)
			m.endToEnd.WithLabelValues(s.Topic)
			for r := processor.Released; int(r) < processor.NumReasons; r++ {
				m.verdicts.WithLabelValues(s.Topic, r.String())
			}
		}
	}
	return m
}

// join shows the metrics of what runs beside the partners on the same page.
func (m *metrics) join(c Companion) {
	if c != nil {
		m.registry.MustRegister(c.Collectors()...)
	}
}

// committed counts one committed transaction.
func (m *metrics) committed(p *policy.Partner, spans []span, b *processor.Batch, at time.Time) {
	m.transactions.WithLabelValues(p.Name, "committed").Inc()
	for i := range spans {
		s := &spans[i]
		src := p.Sources[s.source]
		m.events.WithLabelValues(src.Name).Add(float64(s.events))
		for _, stream := range src.Streams {
			m.endToEnd.WithLabelValues(stream.Topic).Observe(max(0, at.Sub(time.UnixMilli(s.oldestMS)).Seconds()))
		}
	}
	for i := range b.Tallies {
		t := &b.Tallies[i]
		for r, n := range t.Counts {
			if n != 0 {
				m.verdicts.WithLabelValues(t.Program.Topic, processor.Reason(r).String()).Add(float64(n))
			}
		}
	}
	for c, n := range b.Residual {
		if n != 0 {
			m.residual.WithLabelValues(processor.ResidualClass(c).String()).Add(float64(n))
		}
	}
	for i := range b.Quarantine {
		q := &b.Quarantine[i]
		name := p.Sources[q.Source].Name
		m.quarantined.WithLabelValues(name, q.Reason.String()).Inc()
		if q.Reason == processor.UnknownSchema {
			m.unknown.WithLabelValues(name).Inc()
		}
	}
}

// timedAsker measures each consent question.
type timedAsker struct {
	asker consent.Asker
	took  prometheus.Observer
}

func (t timedAsker) Ask(ctx context.Context, partner string, ids []consent.ID, snap *consent.Snapshot) error {
	start := time.Now()
	err := t.asker.Ask(ctx, partner, ids, snap)
	t.took.Observe(time.Since(start).Seconds())
	return err
}
