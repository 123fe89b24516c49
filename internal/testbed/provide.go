// Where the real parts come from: Kafka and Apicurio from Maven Central, kept in the user's cache folder; redis-server
// and Java from the system, installed where that can be done without asking (Debian, as root), else named with the
// command that installs them.

package testbed

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	kafkaVersion    = "4.3.1"
	apicurioVersion = "2.6.13.Final"
	depPlugin       = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
	downloadWait    = 15 * time.Minute
)

const kafkaPom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>testbed</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>` + kafkaVersion + `</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>` + kafkaVersion + `</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

// CacheDir is where downloads are kept over runs.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("the testbed keeps its downloads in the user's cache folder: %w", err)
	}
	return filepath.Join(base, "consentry-testbed"), nil
}

// tool is a program of the system and the Debian package that has it.
type tool struct{ program, debian string }

var (
	toolJava  = tool{"java", "openjdk-17-jre-headless"}
	toolMaven = tool{"mvn", "maven"}
	toolRedis = tool{"redis-server", "redis-server"}
)

// need finds the tools or installs them; its error names each that is missing and the one command that mends it.
func need(ctx context.Context, progress io.Writer, tools ...tool) error {
	var missing, packages []string
	for _, t := range tools {
		if _, err := exec.LookPath(t.program); err != nil {
			missing, packages = append(missing, t.program), append(packages, t.debian)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	mend := "apt-get install -y --no-install-recommends " + strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("the testbed needs %s; install it with the package tool of this system (Debian's packages: %s)",
			strings.Join(missing, ", "), strings.Join(packages, " "))
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("the testbed needs %s; run: sudo %s", strings.Join(missing, ", "), mend)
	}
	fmt.Fprintf(progress, "installing %s\n", strings.Join(packages, " "))
	for _, line := range []string{"apt-get update -q", mend} {
		words := strings.Fields(line)
		cmd := exec.CommandContext(ctx, words[0], words[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("the testbed needs %s and `%s` failed (%w); its last lines:\n%s",
				strings.Join(missing, ", "), line, err, lastLines(string(out), 5))
		}
	}
	return nil
}

var javaMajor = regexp.MustCompile(`version "(\d+)`)

// needJava wants Java 17 or newer: Kafka 4 does not start below.
func needJava(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "java", "-version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("java -version failed (%w); run: sudo apt-get install -y %s", err, toolJava.debian)
	}
	m := javaMajor.FindSubmatch(out)
	if m == nil {
		return fmt.Errorf("java -version tells no version; run: sudo apt-get install -y %s", toolJava.debian)
	}
	if major, _ := strconv.Atoi(string(m[1])); major < 17 {
		return fmt.Errorf("the testbed needs Java 17 or newer, java is %d; run: sudo apt-get install -y %s", major, toolJava.debian)
	}
	return nil
}

// kafkaJars returns the folder with Kafka's jars.
func kafkaJars(ctx context.Context, progress io.Writer) (string, error) {
	return cached(ctx, progress, "kafka-"+kafkaVersion, "Apache Kafka "+kafkaVersion+" (54 MB)", func(ctx context.Context, dir string) error {
		pom := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(pom, []byte(kafkaPom), 0o644); err != nil {
			return err
		}
		return maven(ctx, dir, "-f", pom, depPlugin+":copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(dir, "libs"))
	})
}

// apicurio returns the folder with Apicurio's jars.
func apicurio(ctx context.Context, progress io.Writer) (string, error) {
	return cached(ctx, progress, "apicurio-"+apicurioVersion, "Apicurio Registry "+apicurioVersion+" (142 MB)", func(ctx context.Context, dir string) error {
		artifact := "io.apicurio:apicurio-registry-app:" + apicurioVersion + ":tar.gz:all"
		if err := maven(ctx, dir, depPlugin+":copy", "-Dartifact="+artifact, "-DoutputDirectory="+dir); err != nil {
			return err
		}
		archive := filepath.Join(dir, "apicurio-registry-app-"+apicurioVersion+"-all.tar.gz")
		if out, err := exec.CommandContext(ctx, "tar", "-xzf", archive, "-C", dir).CombinedOutput(); err != nil {
			return fmt.Errorf("unpacking %s: %w: %s", archive, err, lastLines(string(out), 3))
		}
		return os.Remove(archive)
	})
}

func maven(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "mvn", append([]string{"-q", "-B"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn failed (%w); Maven Central must be reachable, directly or by a mirror in ~/.m2/settings.xml; its last lines:\n%s",
			err, lastLines(string(out), 5))
	}
	return nil
}

// cached fills a folder once; two testbeds that start together wait for each other.
func cached(ctx context.Context, progress io.Writer, name, what string, fill func(context.Context, string) error) (string, error) {
	base, err := CacheDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", err
	}
	final := filepath.Join(base, name)
	lock, err := os.OpenFile(final+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("waiting for %s: %w", lock.Name(), err)
	}
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	part := final + ".part"
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	if err := os.MkdirAll(part, 0o755); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, downloadWait)
	defer cancel()
	stop := report(progress, "downloading "+what+" to "+base+", once")
	err = fill(ctx, part)
	stop()
	if err != nil {
		return "", fmt.Errorf("%s cannot be had: %w", what, err)
	}
	return final, os.Rename(part, final)
}

// report prints what is being done, and every few seconds that it still is.
func report(w io.Writer, what string) (stop func()) {
	began := time.Now()
	fmt.Fprintf(w, "%s\n", what)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				fmt.Fprintf(w, "  … %d s\n", int(time.Since(began).Seconds()))
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
