// load.go reads consentry.yaml and every file it names, and reports all that is wrong with any of them.

package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/consentry/consentry/policy"
)

// Loaded is the outcome of one run over all files.
type Loaded struct {
	// Config holds what is well formed. With problems it is incomplete: good for finding more problems, never for
	// running.
	Config   *Config
	Problems []policy.Problem
	Files    *Files
	// SourcesMissing tells that at least one source is not in Config, so that a name that is not found may be its.
	SourcesMissing bool
}

type loader struct {
	world    World
	files    *Files
	problems []policy.Problem
	// changelog tells that consentry.yaml has consent.changelog: more than one Redis may then hold what Kafka can bring back.
	changelog bool
}

func (l *loader) problem(p policy.Pos, msg string) {
	l.problems = append(l.problems, policy.Problem{Pos: p, Message: msg})
}

func (l *loader) problemf(p policy.Pos, format string, args ...any) {
	l.problem(p, fmt.Sprintf(format, args...))
}

// Load reads path and all that it names. It never fails by itself: what is wrong is in Problems.
func Load(path string, world World) *Loaded {
	l := &loader{world: world, files: newFiles()}
	out := &Loaded{Config: &Config{File: path}, Files: l.files}
	root := l.read(path, &mainTable)
	out.Config.fillMain(root)
	sources, sourcesMatched := l.glob(root.child("sources"))
	partners, _ := l.glob(root.child("partners"))
	out.SourcesMissing = !sourcesMatched

	declared := map[string]policy.Pos{}
	for _, file := range sources {
		before := len(l.problems)
		v := l.read(file, &sourceTable)
		spec := fillSource(v)
		l.checkSource(v)
		l.once(declared, "source", spec.Name)
		if len(l.problems) > before {
			out.SourcesMissing = true
			continue
		}
		out.Config.Sources = append(out.Config.Sources, spec)
	}
	declared = map[string]policy.Pos{}
	for _, file := range partners {
		before := len(l.problems)
		spec := fillPartner(l.read(file, &partnerTable))
		l.once(declared, "partner", spec.Name)
		if len(l.problems) == before {
			out.Config.Partners = append(out.Config.Partners, spec)
		}
	}
	l.checkOwnTopics(root, out.Config)
	l.checkOwnGroups(out.Config)
	l.files.Sort(l.problems)
	out.Problems = l.problems
	return out
}

// read parses and checks one file; nil when there is nothing to use.
func (l *loader) read(path string, s *spec) *value {
	l.files.order = append(l.files.order, path)
	text, err := l.world.ReadFile(path)
	if err != nil {
		l.problem(policy.Pos{File: path}, ReadCause(err))
		return nil
	}
	if len(text) > maxFile {
		l.problem(policy.Pos{File: path}, "the file is larger than 4 MiB")
		return nil
	}
	root := l.parse(path, text)
	if root == nil {
		return nil
	}
	if s == &mainTable {
		l.changelog = root.child("consent", "changelog") != nil
		l.refuseSeveral(root.child("redis"))
	}
	v := l.check(root, s)
	if s == &mainTable {
		l.checkMain(v)
		l.checkRedis(v.child("redis"))
		if stale := v.child("consent", "park_when_stale"); l.changelog && stale != nil && stale.num < 1000 {
			l.problem(stale.pos, staleTooShort)
		}
	}
	return v
}

const maxFile = 4 << 20

// glob lists the files of a pattern, sorted. ok is false when the pattern gives nothing to read.
func (l *loader) glob(v *value) (files []string, ok bool) {
	if v == nil {
		return nil, false
	}
	files, err := l.world.Glob(v.text)
	switch {
	case err != nil:
		l.problem(v.pos, "is not a pattern for files")
	case len(files) == 0:
		l.problem(v.pos, "no file matches "+quotedPath(v))
	}
	slices.Sort(files)
	return files, len(files) > 0
}

func quotedPath(v *value) string {
	if v.refs {
		return "what the reference gives"
	}
	return strconv.Quote(v.text)
}

func (l *loader) once(declared map[string]policy.Pos, what string, name policy.Text) {
	if name.Value == "" {
		return
	}
	if first, twice := declared[name.Value]; twice {
		l.problemf(name.Pos, "%s %q is already declared in %s:%d", what, name.Value, first.File, first.Line)
		return
	}
	declared[name.Value] = name.Pos
}

// checkMain holds what concerns several keys of consentry.yaml.
func (l *loader) checkMain(v *value) {
	for _, t := range []*value{
		v.child("kafka", "tls"), v.child("registry", "raw", "tls"), v.child("registry", "partner", "tls"), v.child("redis", "tls"),
	} {
		cert, key := t.child("cert"), t.child("key")
		if cert != nil && !t.has("key") {
			l.problem(cert.pos, "cert needs key, the certificate's private key")
		}
		if key != nil && !t.has("cert") {
			l.problem(key.pos, "key needs cert, the certificate that it belongs to")
		}
	}
	if p := v.child("detect", "places"); p != nil {
		warn, park := p.spanOr(0, "warn_after"), p.spanOr(90*24*time.Hour, "park_after")
		if warn > park {
			l.problem(p.child("warn_after").pos, "warn_after is later than park_after: nobody would be warned")
		}
	}
	for _, at := range [][]string{{"registry", "raw"}, {"registry", "partner"}, {"redis"}} {
		e := v.child(at...)
		u, password, username := e.child("url"), e.child("password"), e.child("username")
		if u != nil && u.url != nil && u.url.User != nil {
			if e.has("username") || e.has("password") {
				l.problem(u.pos, "the URL names a user: give user and password either in the URL or beside it")
			}
		} else if username != nil && !e.has("password") && at[0] == "registry" {
			l.problem(username.pos, "username needs password")
		}
		if password != nil && !e.has("username") && at[0] == "registry" {
			l.problem(password.pos, "password needs username")
		}
		if t := e.child("tls"); t != nil && u != nil && u.url != nil && (u.url.Scheme == "http" || u.url.Scheme == "redis") {
			l.problem(t.pos, "tls is given but the URL begins with "+u.url.Scheme+"://: write "+u.url.Scheme+"s://")
		}
	}
}

// refuseSeveral refuses the forms of more than one Redis where nothing could bring back what a failover forgets.
func (l *loader) refuseSeveral(v *value) {
	if v == nil || l.changelog {
		return
	}
	for _, e := range v.entries {
		if e.key == "sentinel" || e.key == "cluster" {
			l.problem(e.pos, oneRedis)
			e.val.bad = true
		}
	}
}

// checkRedis holds what the forms of the store have for themselves.
func (l *loader) checkRedis(v *value) {
	if v == nil {
		return
	}
	for _, e := range v.given {
		switch {
		case e.key == "database" && v.has("url"):
			l.problem(e.pos, "the number of the database stands in the URL: redis://host:port/1")
		case e.key == "database" && v.has("cluster"):
			l.problem(e.pos, "a Redis Cluster has only database 0: leave this key out")
		}
	}
	if s := v.child("sentinel"); s != nil && s.has("username") && !s.has("password") {
		l.problem(s.child("username").at(s), "username needs password")
	}
}

// checkOwnTopics keeps the house's own topics apart from each other, from what partners read, and from what is read: a
// tally of its own records would never end.
func (l *loader) checkOwnTopics(root *value, c *Config) {
	if root == nil {
		return
	}
	type ownTopic struct {
		key, topic string
		at         *value
	}
	own := []ownTopic{{"quarantine", c.Quarantine, root.child("quarantine")}, {"tally", c.Tally, root.child("tally")}}
	if g := c.Consent.Changelog; g != nil {
		v := root.child("consent", "changelog")
		own = append(own, ownTopic{"consent.changelog.requests", g.Requests, v.child("requests")}, ownTopic{"consent.changelog.state", g.State, v.child("state")})
		if g.Intake != "" {
			own = append(own, ownTopic{"consent.changelog.intake", g.Intake, v.child("intake")})
		}
	}
	for i, o := range own {
		at := o.at.at(root)
		if strings.HasPrefix(o.topic, "partner.") {
			l.problem(at, o.key+" cannot be a topic that begins with partner.: those are what partners read")
		}
		for _, s := range c.Sources {
			if s.Topic.Value == o.topic {
				l.problemf(s.Topic.Pos, "topic %q is the %s: it cannot be a source too", o.topic, o.key)
			}
		}
		for _, before := range own[:i] {
			if before.topic == o.topic {
				l.problem(at, before.key+" and "+o.key+" are one topic: give each its own")
			}
		}
	}
}

// checkOwnGroups keeps a partner's consumer group, <group>.<partner>, apart from those of the changelog.
func (l *loader) checkOwnGroups(c *Config) {
	for _, p := range c.Partners {
		if name := p.Name.Value; l.changelog && (name == "consent" || name == "consent-intake") {
			l.problemf(p.Name.Pos, "partner %q would share its consumer group with consent.changelog: name it otherwise", name)
		}
	}
}

// checkSource holds what concerns several keys of a source's file.
func (l *loader) checkSource(v *value) {
	s := v.child("schema")
	if s == nil {
		return
	}
	subject, file := s.child("subject"), s.child("file")
	format := v.child("format")
	switch {
	case subject != nil && file != nil:
		l.problem(subject.pos, "schema takes subject or file, not both")
	case !s.has("subject") && !s.has("file"):
		l.problem(s.pos, `schema needs subject or file`)
	case subject != nil && format != nil && format.text == "json":
		l.problem(subject.pos, "a json source is read by a JSON Schema file: write schema: {file: ...}")
	}
}
