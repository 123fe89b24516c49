// The metrics of the role sync (contract: metrics). The admin pages show them beside the worker's.

package changelog

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/consentry/consentry/consent"
)

type metrics struct {
	changes *prometheus.CounterVec
	all     []prometheus.Collector
}

func newMetrics(o *Owner) *metrics {
	m := &metrics{changes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "consentry_consent_changes_total",
		Help: "Changes of consent merged, by what became of them: in_force, void, refused."}, []string{"result"})}
	for _, result := range []string{"in_force", "void", "refused"} {
		m.changes.WithLabelValues(result)
	}
	m.all = []prometheus.Collector{
		m.changes,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "consentry_consent_store_age_seconds",
			Help: "Age of the oldest heartbeat among the shards that this process owns."}, o.storeAge),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "consentry_consent_lag_changes",
			Help: "Requests that wait to be merged, of the shards that this process owns."},
			func() float64 { return float64(o.lag.Load()) }),
	}
	return m
}

// Collectors are the metrics of the role sync.
func (o *Owner) Collectors() []prometheus.Collector { return o.metrics.all }

// count counts what a committed transaction has merged.
func (m *metrics) count(out []consent.StateRecord) {
	var inForce, void, refused float64
	for i := range out {
		for _, d := range out[i].Done {
			switch {
			case out[i].Key == consent.MarkKey && d.Effect == consent.Made: // an opening
			case d.Effect.Refused():
				refused++
			case d.InForce:
				inForce++
			default:
				void++
			}
		}
	}
	m.changes.WithLabelValues("in_force").Add(inForce)
	m.changes.WithLabelValues("void").Add(void)
	m.changes.WithLabelValues("refused").Add(refused)
}
