// fill.go reads a checked tree into the typed values.

package config

import (
	"strings"
	"time"

	"github.com/consentry/consentry/policy"
)

// child follows keys through mappings; nil where one is not there.
func (v *value) child(keys ...string) *value {
	for _, k := range keys {
		if v == nil || v.kind != isMap {
			return nil
		}
		v = v.get(k)
	}
	return v
}

// at is where v stands, or where outer does when v is not there.
func (v *value) at(outer *value) policy.Pos {
	if v == nil {
		return outer.pos
	}
	return v.pos
}

func (v *value) str(keys ...string) string { return v.or("", keys...) }

func (v *value) or(fallback string, keys ...string) string {
	if v = v.child(keys...); v == nil {
		return fallback
	}
	return v.text
}

func (v *value) intOr(fallback int, keys ...string) int {
	if v = v.child(keys...); v == nil {
		return fallback
	}
	return int(v.num)
}

func (v *value) spanOr(fallback time.Duration, keys ...string) time.Duration {
	if v = v.child(keys...); v == nil {
		return fallback
	}
	return time.Duration(v.num) * time.Millisecond
}

func (v *value) asText(keys ...string) policy.Text {
	if v = v.child(keys...); v == nil {
		return policy.Text{}
	}
	return policy.Text{Value: v.text, Pos: v.pos}
}

func (v *value) asDuration(keys ...string) policy.Duration {
	if v = v.child(keys...); v == nil {
		return policy.Duration{}
	}
	return policy.Duration{Value: time.Duration(v.num) * time.Millisecond, Set: true, Pos: v.pos}
}

func (c *Config) fillMain(v *value) {
	c.Environment = v.str("environment")
	k := v.child("kafka")
	c.Kafka = Kafka{
		Group:    k.or("consentry", "group"),
		Instance: k.intOr(0, "instance"),
		Lanes:    k.intOr(2, "lanes"),
		Commit:   Commit{Every: k.spanOr(250*time.Millisecond, "commit", "every"), Records: k.intOr(20_000, "commit", "records")},
		Topics: Topics{
			Replication: k.intOr(3, "topics", "replication"),
			Partitions:  k.intOr(12, "topics", "partitions"),
			Retention:   k.spanOr(7*24*time.Hour, "topics", "retention"),
		},
		TLS: fillTLS(k.child("tls")),
	}
	c.Kafka.Brokers = fillAddresses(k.child("brokers"))
	if s := k.child("sasl"); s != nil {
		c.Kafka.SASL = &SASL{Mechanism: s.str("mechanism"), Username: s.str("username"), Password: NewSecret(s.str("password"))}
	}
	c.Registry = Registry{Raw: fillEndpoint(v.child("registry", "raw")), Partner: fillEndpoint(v.child("registry", "partner"))}
	c.Redis = fillRedis(v.child("redis"))
	if u := v.child("redis", "url"); u != nil && u.url != nil && u.url.Scheme == "rediss" && c.Redis.TLS == nil {
		c.Redis.TLS = &TLS{}
	}
	c.Consent = Consent{
		Subject:       v.or("msisdn", "consent", "subject"),
		Region:        v.or("US", "consent", "region"),
		ParkWhenStale: v.spanOr(2*time.Second, "consent", "park_when_stale"),
		Changelog:     fillChangelog(v.child("consent", "changelog")),
	}
	c.Keys = Keys{Dir: v.str("keys", "dir"), Keep: v.spanOr(72*time.Hour, "keys", "keep")}
	c.Detect = Detect{
		Places: Places{
			File:      v.asText("detect", "places", "file"),
			WarnAfter: v.spanOr(35*24*time.Hour, "detect", "places", "warn_after"),
			ParkAfter: v.spanOr(90*24*time.Hour, "detect", "places", "park_after"),
		},
		Domains: v.asText("detect", "topics", "domains"), Apps: v.asText("detect", "topics", "apps"),
		Terms: v.asText("detect", "topics", "terms"), Jurisdictions: v.asText("detect", "jurisdictions"),
	}
	c.Quarantine = v.or("consentry.quarantine", "quarantine")
	c.Tally = v.or("consentry.tally", "tally")
	c.Admin = v.or("127.0.0.1:9464", "admin")
}

// fillAddresses takes each entry apart that came by one reference and holds several.
func fillAddresses(v *value) (out []string) {
	if v == nil {
		return nil
	}
	for _, item := range v.items {
		out = append(out, strings.Split(item.text, ",")...)
	}
	return out
}

func fillRedis(v *value) Redis {
	e := fillEndpoint(v)
	r := Redis{URL: e.URL, Username: e.Username, Password: e.Password, TLS: e.TLS, Database: v.intOr(0, "database")}
	if s := v.child("sentinel"); s != nil {
		r.Sentinel = &Sentinel{
			Master: s.str("master"), Nodes: fillAddresses(s.child("nodes")),
			Username: s.str("username"), Password: NewSecret(s.str("password")),
		}
	}
	if cl := v.child("cluster"); cl != nil {
		r.Cluster = &Cluster{Nodes: fillAddresses(cl.child("nodes"))}
	}
	return r
}

func fillChangelog(v *value) *Changelog {
	if v == nil {
		return nil
	}
	return &Changelog{
		Requests: v.or("consentry.consent.requests", "requests"),
		State:    v.or("consentry.consent.state", "state"),
		Intake:   v.str("intake"),
	}
}

func fillTLS(v *value) *TLS {
	if v == nil {
		return nil
	}
	return &TLS{CA: v.str("ca"), Cert: v.str("cert"), Key: v.str("key")}
}

// fillEndpoint takes user and password out of the URL, so that the URL can be shown.
func fillEndpoint(v *value) Endpoint {
	e := Endpoint{URL: v.str("url"), Username: v.str("username"), Password: NewSecret(v.str("password")), TLS: fillTLS(v.child("tls"))}
	if u := v.child("url"); u != nil && u.url != nil && u.url.User != nil {
		clean := *u.url
		e.Username = clean.User.Username()
		if p, ok := clean.User.Password(); ok {
			e.Password = NewSecret(p)
		}
		clean.User = nil
		e.URL = clean.String()
	}
	return e
}

func fillSource(v *value) policy.SourceSpec {
	if v == nil {
		return policy.SourceSpec{}
	}
	s := policy.SourceSpec{
		Pos: v.pos, Name: v.asText("source"), Topic: v.asText("topic"), Format: v.asText("format"),
		SchemaSubject: v.asText("schema", "subject"), SchemaFile: v.asText("schema", "file"),
		Category:     v.asText("category"),
		SubjectField: v.asText("subject", "field"), SubjectForm: v.asText("subject", "form"),
		Account: v.asText("account"), LineSince: v.asText("line_since"),
		URL: v.asText("url"), App: v.asText("app"), Query: v.asText("query"),
		Time: policy.TimeSpec{
			Field: v.asText("time", "field"), Unit: v.asText("time", "unit"),
			Past: v.asDuration("time", "past"), Future: v.asDuration("time", "future"),
		},
		ReleaseOnlyIfFalse: fillPaths(v.child("release_only_if_false")),
		OptOutIfSet:        fillPaths(v.child("opt_out_if_set")),
		Signals: policy.SignalSpec{
			GPP: v.asText("signals", "gpp"), TCF: v.asText("signals", "tcf"), USPrivacy: v.asText("signals", "us_privacy"),
		},
	}
	if t := v.child("time"); t != nil {
		s.Time.Pos = t.pos
	}
	if p := v.child("position"); p != nil {
		s.Position = &policy.PositionSpec{Pos: p.pos, Lat: p.asText("lat"), Lon: p.asText("lon"), Accuracy: p.asText("accuracy_m")}
	}
	if j := v.child("jurisdiction"); j != nil {
		s.Jurisdiction = policy.JurisdictionSpec{Place: j.asText("place"), Residence: j.asText("residence")}
	}
	s.Identifiers = v.child("identifiers").asTexts()
	return s
}

// asTexts reads a list of texts; nil where there is none.
func (v *value) asTexts() []policy.Text {
	if v == nil {
		return nil
	}
	var out []policy.Text
	for _, item := range v.items {
		out = append(out, item.asText())
	}
	return out
}

func fillPaths(v *value) []policy.NamedPath {
	if v == nil {
		return nil
	}
	var out []policy.NamedPath
	for _, e := range v.entries {
		out = append(out, policy.NamedPath{Name: policy.Text{Value: e.key, Pos: e.pos}, Path: e.val.asText()})
	}
	return out
}

func fillPartner(v *value) policy.PartnerSpec {
	if v == nil {
		return policy.PartnerSpec{}
	}
	p := policy.PartnerSpec{Pos: v.pos, Name: v.asText("partner"), Purpose: v.asText("purpose"), Mode: v.asText("mode")}
	if t := v.child("tcf"); t != nil {
		p.TCF.ID = t.intOr(0, "vendor")
		if list := t.child("purposes"); list != nil {
			for _, item := range list.items {
				p.TCF.Purposes = append(p.TCF.Purposes, item.intOr(0))
			}
		}
	}
	if c := v.child("contract"); c != nil {
		p.Contract = &policy.ContractSpec{Pos: c.pos, ID: c.asText("id"), Until: c.asText("until")}
		if f := c.child("forbids_reidentification"); f != nil {
			p.Contract.ForbidsReidentification = f.bool
		}
	}
	if streams := v.child("streams"); streams != nil {
		for _, item := range streams.items {
			p.Streams = append(p.Streams, fillStream(item))
		}
	}
	return p
}

func fillStream(v *value) policy.StreamSpec {
	s := policy.StreamSpec{
		Pos: v.pos, Topic: v.asText("topic"), Source: v.asText("source"), Profile: v.asText("profile"), Format: v.asText("format"),
		SamePersonFor: v.asDuration("same_person_for"),
		AlsoNear:      v.child("withhold", "also_near").asTexts(), AlsoTopics: v.child("withhold", "also_topics").asTexts(),
	}
	if fs := v.child("fields"); fs != nil {
		for _, e := range fs.entries {
			f := policy.FieldSpec{Name: policy.Text{Value: e.key, Pos: e.pos}, Pos: e.val.pos}
			for _, param := range e.val.entries {
				sc := fillScalar(param.val)
				if param.key == "with" && sc.Kind == policy.ScalarString && sc.Str != "" {
					sc.Str = beside(param.val.pos.File, sc.Str)
				}
				f.Entries = append(f.Entries, policy.Entry{Key: policy.Text{Value: param.key, Pos: param.pos}, Value: sc})
			}
			s.Fields = append(s.Fields, f)
		}
	}
	for _, e := range v.entries {
		if e.key == "crowd" || e.key == "at_most" {
			s.NotYet = append(s.NotYet, policy.Text{Value: e.key, Pos: e.pos})
		}
	}
	return s
}

func fillScalar(v *value) policy.Scalar {
	s := policy.Scalar{Str: v.text, Int: v.num, Float: v.float, Bool: v.bool, Pos: v.pos}
	switch v.kind {
	case isString:
		s.Kind = policy.ScalarString
	case isInt:
		s.Kind = policy.ScalarInt
	case isFloat:
		s.Kind = policy.ScalarFloat
	case isBool:
		s.Kind = policy.ScalarBool
	case isList:
		s.Kind = policy.ScalarList
		for _, item := range v.items {
			s.List = append(s.List, fillScalar(item))
		}
	}
	return s
}
