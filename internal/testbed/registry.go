// Apicurio Registry, twice: the raw world and the partners' world do not see each other. Its in-memory database is put
// into a file, so that ids survive a restart. Secure: it hides behind a proxy with TLS and basic auth.

package testbed

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

const confluentAPI = "/apis/ccompat/v7"

// Registry is one Apicurio with the Confluent API.
type Registry struct {
	*Process
	URL   string // as registry.*.url of the configuration wants it: with the API's path
	proxy *proxy // nil when plain
}

func newRegistry(t *Testbed, name, home string) (*Registry, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(t.Dir, name)
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	inner := address(ports[0])
	r := &Registry{URL: "http://" + inner + confluentAPI}
	r.Process = &Process{name: name, dir: dir, pids: t.Dir,
		argv: []string{"java", "-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
			"-jar", filepath.Join(home, "apicurio-registry-app-"+apicurioVersion+"-runner.jar")},
		env: []string{
			"QUARKUS_HTTP_HOST=" + loopback,
			fmt.Sprintf("QUARKUS_HTTP_PORT=%d", ports[0]),
			// Without the delay of 0 a kill loses what was registered in the last half second.
			"REGISTRY_DATASOURCE_URL=jdbc:h2:file:" + filepath.Join(data, "registry") + ";WRITE_DELAY=0",
			"QUARKUS_DATASOURCE_JDBC_INITIAL_SIZE=1",
			"QUARKUS_DATASOURCE_JDBC_MIN_SIZE=1",
			"LOG_LEVEL=WARN", "REGISTRY_LOG_LEVEL=WARN",
		},
		wipe: func(context.Context) error {
			if err := os.RemoveAll(data); err != nil {
				return err
			}
			return os.Mkdir(data, 0o700)
		},
		ready: func(ctx context.Context) error { return answersHTTP(ctx, "http://"+inner+confluentAPI+"/subjects") }}
	if s := t.Secure; s != nil {
		if r.proxy, err = startProxy(address(ports[1]), inner, s); err != nil {
			return nil, err
		}
		r.URL = "https://" + address(ports[1]) + confluentAPI
	}
	return r, nil
}

func answersHTTP(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Content-Type"), "json") {
		return fmt.Errorf("answers %s", res.Status)
	}
	return nil
}
