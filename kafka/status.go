// What /statusz and `status --json` say (contract: JSON). Names of partners, causes, times and counts; nothing of an
// event.

package kafka

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Status is one worker's state.
type Status struct {
	Version  string          `json:"version"`
	Policy   string          `json:"policy"`
	Instance string          `json:"instance"`
	Roles    []string        `json:"roles"`
	Partners []PartnerStatus `json:"partners"`
	Consent  *ConsentStatus  `json:"consent,omitempty"` // of the role sync; absent without it
}

// ConsentStatus is the state of the role sync: the owner of the consent changelog. State is running, parked or starting;
// parked as long as any shard of its own is. Times are RFC 3339 UTC.
type ConsentStatus struct {
	State  string `json:"state"`
	Cause  string `json:"cause"`
	Detail string `json:"detail"`
	Since  string `json:"since"`
	Next   string `json:"next"`
	Shards int    `json:"shards"` // that this process owns
	Open   int    `json:"open"`   // of them, those whose lines in Redis are complete and fresh
	Lag    int64  `json:"lag"`    // requests that wait to be merged
}

// Companion is what runs beside the partners and shows itself on the same pages: the role sync.
type Companion interface {
	Status() ConsentStatus
	Collectors() []prometheus.Collector
	Alive() bool
	Ready() bool
}

// PartnerStatus is one partner's state. Times are RFC 3339 UTC, empty where there is none.
type PartnerStatus struct {
	Partner  string `json:"partner"`
	State    string `json:"state"`
	Cause    string `json:"cause"`
	Detail   string `json:"detail"` // which topic, partition or code
	Since    string `json:"since"`
	DecideBy string `json:"decide_by"` // from then on waiting events lose their keys, and are withheld
	Next     string `json:"next"`
	Lag      int64  `json:"lag"`
	Lanes    int    `json:"lanes"`
}

// Status tells how the worker is.
func (w *Worker) Status() Status {
	s := Status{Version: w.opt.Version, Policy: w.opt.Policy.Revision, Instance: w.instance, Roles: w.opt.Roles,
		Partners: []PartnerStatus{}}
	if len(s.Roles) == 0 {
		s.Roles = []string{"filter"}
	}
	if w.opt.Sync != nil {
		c := w.opt.Sync.Status()
		s.Consent = &c
	}
	for _, p := range w.partners {
		s.Partners = append(s.Partners, p.status())
	}
	return s
}

func (p *partner) status() PartnerStatus {
	v := p.standing.look()
	out := PartnerStatus{Partner: p.policy.Name, State: v.State, Cause: string(v.Cause), Detail: v.Detail,
		Since: v.Since.UTC().Format(time.RFC3339), Next: v.Cause.Next(), Lag: p.lag.Load(), Lanes: p.w.opt.Lanes}
	if v.State == StateStopped {
		out.Next = "Somebody stopped this partner; to go on, run: consentry resume " + p.policy.Name
	}
	if (v.State == StateParked || v.State == StateStopped) && p.w.opt.DecideBy != nil {
		if by := p.w.opt.DecideBy(p.policy); !by.IsZero() {
			out.DecideBy = by.UTC().Format(time.RFC3339)
		}
	}
	return out
}

// alive tells that every lane that runs has shown a sign of life, parked on purpose or not.
func (w *Worker) alive() bool {
	now := w.opt.Now().UnixNano()
	for _, p := range w.partners {
		for i := range p.beats {
			if at := p.beats[i].Load(); at != 0 && now-at > int64(lifeSign) {
				return false
			}
		}
	}
	return w.opt.Sync == nil || w.opt.Sync.Alive()
}

// lifeSign is how long a lane may be silent: longer than the deadlines of a transaction and of closing a session.
const lifeSign = time.Minute

// ready tells that every partner has been looked at once. Parked is still ready: it alerts, and must not block a rollout.
func (w *Worker) ready() bool {
	for _, p := range w.partners {
		if !p.looked.Load() {
			return false
		}
	}
	return w.opt.Sync == nil || w.opt.Sync.Ready()
}
