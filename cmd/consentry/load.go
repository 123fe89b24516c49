// load.go is how every verb gets its configuration and its compiled policies.

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/schema"
	"github.com/consentry/consentry/schema/registry"
)

// deployment is a configuration with its policies compiled.
type deployment struct {
	cfg     *config.Config
	set     *policy.Set
	schemas map[string]sourceSchema // by source: what the policies were compiled against
}

// sourceSchema is a source's schema as it was found. id is its id in the raw registry, 0 when it came from a file.
type sourceSchema struct {
	id   int
	text string
}

// loadConfig reads consentry.yaml and the files it names. What is wrong with them is printed, all of it, and the error
// then has exit code 78.
func (a *app) loadConfig() (*config.Config, error) {
	l := config.Load(a.configPath, config.OS())
	if len(l.Problems) > 0 {
		return nil, a.refuse(l.Files, l.Problems)
	}
	return l.Config, nil
}

// loadPolicy does the same, fetches the sources' schemas from files or the raw registry, and compiles. An error whose
// chain has a Cause is a registry that cannot answer now: the same call may succeed later.
func (a *app) loadPolicy(ctx context.Context) (*deployment, error) {
	return a.loadPolicyFrom(ctx, a.configPath, config.OS())
}

// loadPolicyFrom is loadPolicy for a folder that is not on disk, such as the samples inside the binary.
func (a *app) loadPolicyFrom(ctx context.Context, path string, world config.World) (*deployment, error) {
	o := load(ctx, path, world)
	switch {
	case len(o.problems) > 0:
		return nil, a.refuse(o.files, o.problems)
	case len(o.waiting) > 0:
		return nil, &exitError{code: exitFailed, err: o.waiting[0]}
	}
	return &deployment{cfg: o.cfg, set: o.set, schemas: o.schemas}, nil
}

func partnerNames(cfg *config.Config) []string {
	var names []string
	for _, p := range cfg.Partners {
		names = append(names, p.Name.Value)
	}
	return names
}

// noPartner is empty for the name of a partner, and says of any other which there are. It does not quote the name: in a
// row of a file it may be whatever slipped into that column.
func noPartner(cfg *config.Config, name string) string {
	for i := range cfg.Partners {
		if cfg.Partners[i].Name.Value == name {
			return ""
		}
	}
	return "the configuration has no such partner; there are: " + strings.Join(partnerNames(cfg), ", ")
}

func (a *app) refuse(files *config.Files, problems []policy.Problem) error {
	a.printProblems(files, problems)
	return &exitError{code: exitConfig, err: errors.New("configuration refused"), said: true}
}

func (a *app) printProblems(files *config.Files, problems []policy.Problem) {
	files.Print(a.err, problems)
	// A problem of the whole main file: it could not be read, and most often it is just not here.
	if p := problems[0].Pos; p.File == a.configPath && p.Line == 0 {
		fmt.Fprintln(a.err, "-c FILE names the main configuration file; without it consentry.yaml is read, in the folder where you are")
	}
}

// outcome is everything that one run over the configuration found. set is nil unless problems and waiting are empty.
type outcome struct {
	cfg      *config.Config
	set      *policy.Set
	schemas  map[string]sourceSchema
	files    *config.Files
	problems []policy.Problem
	waiting  []*schemaWaits
}

// schemaWaits says that the raw registry does not give a source's schema now. It is doubt about the system, not about
// the configuration: a registry may be down, or still be filled.
type schemaWaits struct {
	pos     policy.Pos
	subject string
	err     error
}

func (e *schemaWaits) Error() string {
	return "schema " + e.subject + " of registry.raw: " + e.err.Error()
}
func (e *schemaWaits) Unwrap() error { return e.err }

// Cause is the word for parking.
func (e *schemaWaits) Cause() string { return "registry_unreachable" }

func load(ctx context.Context, path string, world config.World) *outcome {
	l := config.Load(path, world)
	o := &outcome{cfg: l.Config, files: l.Files, problems: l.Problems, schemas: map[string]sourceSchema{}}
	s := schemas{world: world, endpoint: l.Config.Registry.Raw}
	defer s.close()
	shapes := map[string]*schema.Shape{}
	for _, src := range l.Config.Sources {
		shape, found, err := s.shape(ctx, src)
		var waits *schemaWaits
		switch {
		case errors.As(err, &waits):
			o.waiting = append(o.waiting, waits)
		case err != nil:
			pos := src.SchemaFile.Pos
			if src.SchemaFile.Value == "" {
				pos = src.SchemaSubject.Pos
			}
			o.problems = append(o.problems, l.Files.Redact(policy.Problem{Pos: pos, Message: err.Error()}))
		}
		shapes[src.Name.Value], o.schemas[src.Name.Value] = shape, found
	}
	house, problems := policy.NewHouse(houseFiles(l.Config, world))
	for _, p := range problems {
		o.problems = append(o.problems, l.Files.Redact(p))
	}
	set, problems := policy.Compile(policy.Inputs{
		House:         house,
		Sources:       l.Config.Sources,
		Partners:      compilable(l),
		Shape:         func(source string) *schema.Shape { return shapes[source] },
		ReadFile:      world.ReadFile,
		SubjectKind:   l.Config.Consent.Subject,
		Region:        l.Config.Consent.Region,
		NationalKnown: consent.KnownRegion,
		NowMS:         time.Now().UnixMilli(),
	})
	for _, p := range problems {
		o.problems = append(o.problems, l.Files.Redact(p))
	}
	o.files.Sort(o.problems)
	if len(o.problems) == 0 && len(o.waiting) == 0 {
		o.set = set
	}
	return o
}

// houseFiles says which lists consentry.yaml names.
func houseFiles(cfg *config.Config, world config.World) policy.HouseFiles {
	d := &cfg.Detect
	return policy.HouseFiles{
		At: policy.Pos{File: cfg.File}, Region: cfg.Consent.Region, ReadFile: world.ReadFile,
		Places: d.Places.File, PlacesWarn: d.Places.WarnAfter, PlacesPark: d.Places.ParkAfter,
		Domains: d.Domains, Apps: d.Apps, Terms: d.Terms, Jurisdictions: d.Jurisdictions,
	}
}

// compilable leaves out streams whose source may be declared in a file that could not be read, so that one mistake is
// not reported twice.
func compilable(l *config.Loaded) []policy.PartnerSpec {
	if !l.SourcesMissing {
		return l.Config.Partners
	}
	known := map[string]bool{}
	for _, src := range l.Config.Sources {
		known[src.Name.Value] = true
	}
	var out []policy.PartnerSpec
	for _, p := range l.Config.Partners {
		var streams []policy.StreamSpec
		for _, st := range p.Streams {
			if known[st.Source.Value] {
				streams = append(streams, st)
			}
		}
		if p.Streams = streams; len(streams) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// schemas reads source schemas; the registry is asked only when a source names a subject.
type schemas struct {
	world    config.World
	endpoint config.Endpoint
	client   *registry.Client
}

func (s *schemas) close() {
	if s.client != nil {
		s.client.Close()
	}
}

// shape returns a source's schema. The error is a *schemaWaits, or says what is wrong with the configuration. Both are
// nil when the reason has been reported already.
func (s *schemas) shape(ctx context.Context, src policy.SourceSpec) (*schema.Shape, sourceSchema, error) {
	if file := src.SchemaFile.Value; file != "" {
		text, err := s.world.ReadFile(file)
		if err != nil {
			return nil, sourceSchema{}, errors.New("schema file " + file + ": " + config.ReadCause(err))
		}
		parse := schema.ParseAvro
		if src.Format.Value == "json" {
			parse = schema.ParseJSONSchema
		}
		shape, err := parse(text)
		if err != nil {
			return nil, sourceSchema{}, errors.New("schema file " + file + ": " + err.Error())
		}
		return shape, sourceSchema{text: string(text)}, nil
	}
	if s.endpoint.URL == "" {
		return nil, sourceSchema{}, nil // registry.raw.url is missing or wrong, which is reported already
	}
	if s.client == nil {
		tls, err := s.endpoint.TLS.Config()
		if err != nil {
			return nil, sourceSchema{}, errors.New("registry.raw: " + err.Error())
		}
		s.client, err = registry.New(registry.Options{
			URL: s.endpoint.URL, Username: s.endpoint.Username, Password: s.endpoint.Password.Reveal(), TLS: tls,
		})
		if err != nil {
			return nil, sourceSchema{}, errors.New("registry.raw: " + err.Error())
		}
	}
	subject := src.SchemaSubject.Value
	id, text, err := s.client.Latest(ctx, subject)
	if err != nil {
		return nil, sourceSchema{}, &schemaWaits{src.SchemaSubject.Pos, subject, err}
	}
	shape, err := schema.ParseAvro([]byte(text))
	if err != nil {
		return nil, sourceSchema{}, errors.New("schema " + subject + " of registry.raw: " + err.Error())
	}
	return shape, sourceSchema{id, text}, nil
}
