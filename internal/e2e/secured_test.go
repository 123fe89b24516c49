// The worker over every secured connection: what one form of connecting reads, asks and writes, all of them do.
package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/internal/testbed"
)

func TestTheWorkerWorksOverEveryConnection(t *testing.T) {
	tb, err := testbed.SharedSecure()
	if err != nil {
		t.Fatal(err)
	}
	bin, err := house.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &secure{tb, bin}
	c := tb.Secure.Certs
	dir := t.TempDir()
	verb := func(path string, args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), bin, append(args, "-c", path)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		if strings.Contains(string(out), tb.Secure.Password) {
			t.Errorf("%q prints the password", args)
		}
	}
	ca := "{ca: " + c.CA + "}"
	for i, k := range []struct{ name, addr, tls, sasl string }{
		{"SCRAM-SHA-512", tb.Kafka.Addr, ca, s.sasl("SCRAM-SHA-512", tb.Secure.PasswordFile)},
		{"TLS", tb.Kafka.TLS, ca, ""},
		{"mutual TLS", tb.Kafka.MTLS, fmt.Sprintf("{ca: %s, cert: %s, key: %s}", c.CA, c.ClientCert, c.ClientKey), ""},
		{"SASL PLAIN", tb.Kafka.PLAIN, ca, s.sasl("PLAIN", tb.Secure.PasswordFile)},
	} {
		t.Run(k.name, func(t *testing.T) {
			set := s.good()
			set.kafka, set.kafkaTLS, set.kafkaSASL = k.addr, k.tls, k.sasl
			path := s.configure(t, filepath.Join(dir, fmt.Sprint(i)), set)
			// One deployment: the keys stay where the first form made them.
			keysDir := filepath.Join(dir, "0", "keys")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text = []byte(strings.Replace(string(text), filepath.Join(dir, fmt.Sprint(i), "keys"), keysDir, 1))
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				verb(path, "keys", "init")
				verb(path, "consent", "accept-epoch", "--yes")
			}
			verb(path, "simulate", "--events", "2000", "--subscribers", "500", "--consents", "--seed", fmt.Sprint(i+1))
			if i == 0 {
				verb(path, "topics", "create")
				verb(path, "schema", "publish")
				verb(path, "offsets", "init", "--at", "beginning")
			}
			runUntilReleased(t, bin, path, tb)
		})
	}
}

// runUntilReleased runs a worker until every stream has released something, and ends it.
func runUntilReleased(t *testing.T, bin, path string, tb *testbed.Testbed) {
	t.Helper()
	var log strings.Builder
	cmd := exec.CommandContext(t.Context(), bin, "run", "-c", path)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	released := 0
	for deadline := time.Now().Add(time.Minute); released < 4 && time.Now().Before(deadline); {
		released = 0
		if answer, err := http.Get("http://" + tb.Admin + "/metrics"); err == nil {
			page, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(page)) {
				if strings.HasPrefix(line, "consentry_verdicts_total") && strings.Contains(line, `reason="released"`) && !strings.HasSuffix(line, " 0\n") {
					released++
				}
			}
		}
		select {
		case <-t.Context().Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("on SIGTERM: %v", err)
	}
	if released < 4 {
		t.Fatalf("%d of 4 streams released within a minute\n%s", released, log.String())
	}
	if strings.Contains(log.String(), tb.Secure.Password) {
		t.Error("the log holds the password")
	}
}
