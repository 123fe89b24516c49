// Package deploy_test holds docker-compose.yml and the Dockerfile against the samples: no Docker engine is needed.
package deploy_test

import (
	"go/version"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/consentry/consentry/config"
)

// load parses and validates the compose file as docker compose does.
func load(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithName("consentry"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func environment(s types.ServiceConfig) map[string]string {
	env := map[string]string{}
	for name, value := range s.Environment {
		if value != nil {
			env[name] = *value
		}
	}
	return env
}

func TestEveryServiceIsPinnedAndHealthChecked(t *testing.T) {
	p := load(t)
	for name, s := range p.Services {
		if s.Build == nil {
			_, tag, found := strings.Cut(s.Image, ":")
			if !found || !regexp.MustCompile(`^\d+\.\d+\.\d+`).MatchString(tag) {
				t.Errorf("%s: image %s is not pinned to a version", name, s.Image)
			}
		}
		if name != "init" && (s.HealthCheck == nil || len(s.HealthCheck.Test) == 0) {
			t.Errorf("%s has no health check", name)
		}
	}
	for _, needed := range []string{"kafka", "redis", "registry-raw", "registry-partner"} {
		if p.Services["init"].DependsOn[needed].Condition != types.ServiceConditionHealthy {
			t.Errorf("init does not wait until %s is healthy", needed)
		}
	}
	if p.Services["consentry"].DependsOn["init"].Condition != types.ServiceConditionCompletedSuccessfully {
		t.Error("consentry does not wait for the init step")
	}
	for _, port := range p.Services["consentry"].Ports {
		if port.HostIP != "127.0.0.1" {
			t.Errorf("port %s is open to other machines", port.Published)
		}
	}
}

// The samples load with exactly the environment that the services are given, and name the other services.
func TestServicesAgreeWithTheSamples(t *testing.T) {
	p := load(t)
	var wanted []string
	for _, m := range regexp.MustCompile(`\$\{env:([A-Z_]+)\}`).FindAllStringSubmatch(read(t, "samples/consentry.yaml"), -1) {
		wanted = append(wanted, m[1])
	}
	slices.Sort(wanted)
	for _, name := range []string{"init", "consentry"} {
		s := p.Services[name]
		if got := slices.Sorted(maps.Keys(environment(s))); !slices.Equal(got, wanted) {
			t.Errorf("%s is given %v, the samples read %v", name, got, wanted)
		}
		if !mounts(s, "deploy/samples", "/etc/consentry") || !mounts(s, "state", "/var/lib/consentry") {
			t.Errorf("%s lacks the samples or the key folder: %+v", name, s.Volumes)
		}
	}
	env := environment(p.Services["consentry"])
	world := config.OS()
	world.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	l := config.Load("samples/consentry.yaml", world)
	for _, problem := range l.Problems {
		t.Errorf("%s:%d: %s", problem.Pos.File, problem.Pos.Line, problem.Message)
	}
	c := l.Config
	kafka := environment(p.Services["kafka"])
	if !slices.Equal(c.Kafka.Brokers, []string{"kafka:9092"}) || !strings.Contains(kafka["KAFKA_ADVERTISED_LISTENERS"], "PLAINTEXT://kafka:9092") {
		t.Errorf("brokers %v, advertised %s", c.Kafka.Brokers, kafka["KAFKA_ADVERTISED_LISTENERS"])
	}
	if kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] != "false" || kafka["KAFKA_DEFAULT_REPLICATION_FACTOR"] != "1" || c.Kafka.Topics.Replication != 1 {
		t.Error("topics would come by themselves, or with more replicas than there are brokers")
	}
	if c.Redis.URL != "redis://redis:6379/0" {
		t.Errorf("redis at %s", c.Redis.URL)
	}
	for url, service := range map[string]string{c.Registry.Raw.URL: "registry-raw", c.Registry.Partner.URL: "registry-partner"} {
		if url != "http://"+service+":8080/apis/ccompat/v7" {
			t.Errorf("%s at %s", service, url)
		}
		if _, ok := p.Services[service]; !ok {
			t.Errorf("there is no service %s", service)
		}
	}
	if !strings.HasSuffix(c.Admin, ":9464") || p.Services["consentry"].Ports[0].Target != 9464 {
		t.Errorf("admin at %s, published %d", c.Admin, p.Services["consentry"].Ports[0].Target)
	}
	if !strings.HasPrefix(c.Keys.Dir, "/var/lib/consentry/") {
		t.Errorf("keys in %s, which no volume holds", c.Keys.Dir)
	}
}

func mounts(s types.ServiceConfig, source, target string) bool {
	return slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool {
		return strings.HasSuffix(filepath.ToSlash(v.Source), source) && v.Target == target
	})
}

func TestRedisKeepsWhatItAcknowledges(t *testing.T) {
	command := strings.Join(load(t).Services["redis"].Command, " ")
	for _, setting := range []string{"--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"} {
		if !strings.Contains(command, setting) {
			t.Errorf("redis lacks %s", setting)
		}
	}
}

func TestDockerfile(t *testing.T) {
	text := read(t, "../Dockerfile")
	goVersion := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "../go.mod"))[1]
	image := regexp.MustCompile(`(?m)^FROM golang:([0-9.]+)-`).FindStringSubmatch(text)
	if image == nil || version.Lang("go"+image[1]) != version.Lang("go"+goVersion) || version.Compare("go"+image[1], "go"+goVersion) < 0 {
		t.Errorf("does not build with a pinned Go that go.mod's %s allows: %q", goVersion, image)
	}
	if !strings.Contains(text, "CGO_ENABLED=0") {
		t.Error("the binary is not static")
	}
	stages := regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`).FindAllStringSubmatchIndex(text, -1)
	if len(stages) != 3 {
		t.Fatalf("%d named stages, not 3", len(stages))
	}
	targets := map[string]string{}
	for i, s := range stages {
		end := len(text)
		if i+1 < len(stages) {
			end = stages[i+1][0]
		}
		image := text[s[2]:s[3]]
		if image != "scratch" && !regexp.MustCompile(`:\d+\.\d+\.\d+`).MatchString(image) {
			t.Errorf("%s is not pinned", image)
		}
		targets[text[s[4]:s[5]]] = text[s[0]:end]
	}
	for name, s := range load(t).Services {
		if s.Build == nil {
			continue
		}
		stage, ok := targets[s.Build.Target]
		if !ok {
			t.Errorf("%s: there is no stage %q", name, s.Build.Target)
		}
		if !regexp.MustCompile(`(?m)^USER [1-9]\d*:[1-9]\d*$`).MatchString(stage) {
			t.Errorf("stage %s runs as root", s.Build.Target)
		}
	}
}
