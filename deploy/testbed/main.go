// Command testbed runs the real parts that consentry lives with on this machine, without containers: Apache Kafka,
// redis-server and two schema registries.
//
//	eval "$(go run ./deploy/testbed up)"     starts them and sets what deploy/samples/consentry.yaml reads
//	go run ./deploy/testbed status           what runs, under which pid, with which log
//	go run ./deploy/testbed kill kafka       also stop, start, restart, pause, continue, wipe
//	go run ./deploy/testbed read TOPIC       its last records as JSON, as a read_committed reader sees them
//	go run ./deploy/testbed down             stops everything and removes the folder
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/consentry/consentry/internal/testbed"
)

const usage = `usage: testbed [--name NAME] [--secure] [--redis single|sentinel|cluster] up | down | status | parts
       testbed [--name NAME] start|stop|kill|pause|continue|restart|wipe PART
       testbed [--name NAME] read [--last N] TOPIC
Parts: kafka, redis, registry-raw, registry-partner; of other forms of redis: redis-1 to redis-6, sentinel-1 to
sentinel-3. up prints export lines for a shell's eval; parts only
installs or downloads what up needs. read prints the last 5 or N records, one a line, as a partner sees them.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "testbed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, errw io.Writer) error {
	flags := flag.NewFlagSet("testbed", flag.ContinueOnError)
	flags.SetOutput(errw)
	flags.Usage = func() { fmt.Fprint(errw, usage) }
	name := flags.String("name", "default", "several testbeds may run side by side")
	secure := flags.Bool("secure", false, "TLS, users and passwords on every part")
	form := flags.String("redis", testbed.RedisSingle, "single; sentinel: a master, a replica, three Sentinels; cluster: three masters and their replicas")
	last := flags.Int("last", 5, "how many records read prints")
	// Flags may stand before and after the verb.
	var words []string
	for rest := args; ; {
		if err := flags.Parse(rest); err != nil {
			return err
		}
		if flags.NArg() == 0 {
			break
		}
		words, rest = append(words, flags.Arg(0)), flags.Args()[1:]
	}
	if len(words) == 0 {
		fmt.Fprint(errw, usage)
		return errors.New("say up, down or status")
	}
	link, err := stateFile(*name)
	if err != nil {
		return err
	}
	switch words[0] {
	case "up":
		return up(ctx, link, *name, testbed.Options{Secure: *secure, Redis: *form}, out, errw)
	case "parts":
		return testbed.Fetch(ctx, testbed.Options{Progress: errw})
	case "hold":
		return hold(ctx, link, testbed.Options{Secure: *secure, Redis: *form, Progress: out}, out)
	}
	socket, err := os.ReadFile(link)
	if errors.Is(err, os.ErrNotExist) {
		if words[0] == "down" {
			return nil
		}
		return errors.New("nothing is up; run: " + invoked() + " up")
	}
	if err != nil {
		return err
	}
	if words[0] == "read" {
		if len(words) != 2 || *last < 1 {
			return errors.New("read wants one topic, and --last at least 1")
		}
		return read(ctx, string(socket), words[1], *last, out, errw)
	}
	report, err := testbed.Ask(ctx, string(socket), words...)
	gone := err != nil && report.PID == 0 // nobody answers: its holder ended and its guard has cleaned up
	if words[0] == "down" && (err == nil || gone) {
		return os.Remove(link)
	}
	if gone {
		return errors.New("nothing is up any more; run: " + invoked() + " up")
	}
	if err != nil {
		return err
	}
	for _, p := range report.Parts {
		state := "stopped"
		if p.PID != 0 {
			state = fmt.Sprintf("pid %d", p.PID)
		}
		fmt.Fprintf(out, "%-18s %-12s %s\n", p.Name, state, p.Log)
	}
	return nil
}

// stateFile holds the path of the control socket of the testbed of that name.
func stateFile(name string) (string, error) {
	if strings.ContainsAny(name, `/\`) || name == "" {
		return "", errors.New("a name has no slashes")
	}
	dir, err := testbed.CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "up-"+name), os.MkdirAll(dir, 0o755)
}

// up starts a process that holds the testbed, waits until all parts answer and prints the environment.
func up(ctx context.Context, link, name string, o testbed.Options, out, errw io.Writer) error {
	if socket, err := os.ReadFile(link); err == nil {
		if report, err := testbed.Ask(ctx, string(socket), "status"); err == nil {
			return export(out, report)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "--name", name, fmt.Sprintf("--secure=%v", o.Secure), "--redis", o.Redis, "hold")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it outlives this command and its terminal
	said, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if socket, ready := strings.CutPrefix(lines.Text(), "ready "); ready {
			report, err := testbed.Ask(ctx, socket, "status")
			if err != nil {
				return err
			}
			fmt.Fprintln(errw, "up; stop it with: "+invoked()+" down")
			return export(out, report)
		}
		fmt.Fprintln(errw, lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		return errors.New("the testbed did not start")
	}
	return errors.New("the testbed ended")
}

// read prints the end of a topic: values to out, how many there are to errw.
func read(ctx context.Context, socket, topic string, last int, out, errw io.Writer) error {
	report, err := testbed.Ask(ctx, socket, "status")
	if err != nil {
		return errors.New("nothing is up any more; run: " + invoked() + " up")
	}
	values, all, err := report.Read(ctx, topic, last)
	if err != nil {
		return err
	}
	fmt.Fprintf(errw, "%s: %d records, the last %d:\n", topic, all, len(values))
	for _, v := range values {
		if _, err := fmt.Fprintln(out, v); err != nil {
			return err
		}
	}
	return nil
}

// invoked is how this command was called, for messages that name it.
func invoked() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./deploy/testbed"
	}
	return filepath.Base(os.Args[0])
}

func export(out io.Writer, r testbed.Report) error {
	for _, line := range r.Env {
		name, value, _ := strings.Cut(line, "=")
		if _, err := fmt.Fprintf(out, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`)); err != nil {
			return err
		}
	}
	return nil
}

// hold runs the testbed until somebody says down, or a signal. It prints nothing after `ready`: who read it has gone.
func hold(ctx context.Context, link string, o testbed.Options, out io.Writer) (err error) {
	t, err := testbed.Start(ctx, o)
	if err != nil {
		fmt.Fprintln(out, err)
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if err := os.WriteFile(link, []byte(t.Socket()), 0o600); err != nil {
		return err
	}
	return t.Serve(ctx, os.Getpid(), func() { fmt.Fprintln(out, "ready", t.Socket()) })
}
