package main

// Leaky builds: the command with one line of one room replaced by a line that gives an event away, so that each
// search is seen to find what it is there for. Only the overlay of the compiler sees the replaced line.

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/consentry/consentry/internal/e2e/house"
)

// edit replaces a text that stands exactly once in a file.
type edit struct{ file, old, new string }

// leak is one leaky build. fresh says that its events are of now: the broker refuses old timestamps.
type leak struct {
	sink, what string
	fresh      bool
	edits      []edit
}

const (
	transactFile = "kafka/transact.go"
	releaseLine  = `r := kgo.Record{Topic: out.Topic(), Key: out.Key(), Value: out.Value(), Timestamp: released}`
	rawValue     = `l.inbound[0].Value`
)

// imports adds a package to a file of kafka.
func imports(file, pkg string) edit {
	return edit{file, "import (\n", "import (\n\t" + `"` + pkg + `"` + "\n"}
}

var leaks = []leak{
	{sinkValue, "raw event in hex after the released value", false, []edit{imports(transactFile, "encoding/hex"),
		{transactFile, releaseLine, releaseLine + "\nr.Value = hex.AppendEncode(append([]byte(nil), r.Value...), " + rawValue + ")"}}},
	{sinkValue, "a kept field keeps what is outside its list", false, []edit{
		{"filters/keep.go", "\t\t\treturn Filled\n\t\t}\n\t}\n\treturn k.rest.onOutside(dst)", "\t\t\treturn Filled\n\t\t}\n\t}\n\t*dst = *v\n\treturn Filled"}}},
	{sinkKey, "raw event in base64 as the record's key", false, []edit{imports(transactFile, "encoding/base64"),
		{transactFile, releaseLine, releaseLine + "\nr.Key = base64.RawURLEncoding.AppendEncode(nil, " + rawValue + ")"}}},
	{sinkHeader, "raw event, percent-encoded, in a header", false, []edit{imports(transactFile, "net/url"),
		{transactFile, releaseLine, releaseLine + "\nr.Headers = []kgo.RecordHeader{{Key: \"origin\", Value: []byte(url.QueryEscape(string(" + rawValue + ")))}}"}}},
	{sinkStamp, "the event's time as the record's", true, []edit{
		{transactFile, releaseLine, releaseLine + "\nr.Timestamp = time.UnixMilli(l.inbound[0].TimestampMS)"}}},
	{sinkQuarantine, "raw event after the pointer", false, []edit{
		{transactFile, "Key: key, Value: value}", "Key: key, Value: append(value, " + rawValue + "...)}"}}},
	{sinkTally, "raw event, reversed, after the count", false, []edit{imports(transactFile, "slices"),
		{transactFile, "released := decided.Truncate(releaseGrain)", "released := decided.Truncate(releaseGrain)\nbackwards := append([]byte(nil), " + rawValue + "...)\nslices.Reverse(backwards)"},
		{transactFile, "Topic: l.p.w.opt.Tally, Value: value,", "Topic: l.p.w.opt.Tally, Value: append(value, backwards...),"}}},
	{sinkLog, "raw event in a log line", false, []edit{
		{transactFile, "released := decided.Truncate(releaseGrain)", "released := decided.Truncate(releaseGrain)\nl.log.Info(\"batch\", zap.ByteString(\"first\", " + rawValue + "))"}}},
	{sinkMetrics, "raw event in hex as a label", false, []edit{imports(transactFile, "encoding/hex"),
		{transactFile, "released := decided.Truncate(releaseGrain)", "released := decided.Truncate(releaseGrain)\nl.p.w.metrics.transactions.WithLabelValues(hex.EncodeToString(" + rawValue + "), \"committed\").Inc()"}}},
	{sinkStatus, "raw event in base64 in the detail", false, []edit{imports(transactFile, "encoding/base64"),
		{transactFile, "released := decided.Truncate(releaseGrain)", "released := decided.Truncate(releaseGrain)\nlastSeen = base64.StdEncoding.EncodeToString(" + rawValue + ")"},
		{transactFile, "// outcome is what became", "var lastSeen string\n\n// outcome is what became"},
		{"kafka/status.go", "Detail: v.Detail,", "Detail: v.Detail + lastSeen,"}}},
	{sinkRedis, "the store's keys are an unkeyed SHA-256", false, []edit{
		{"consent/subject.go", "n.mac.Sum(n.sum[:0])", "n.sum = sha256.Sum256(canonical)"}}},
	{sinkVerb, "an error quotes the subject", false, []edit{
		{"cmd/consentry/consent.go", "return consent.ID{}, &exitError{code: exitUsage, err: errSubject}", "return consent.ID{}, &exitError{code: exitUsage, err: errors.New(text + \" is no subject\")}"}}},
}

// patched gives the files of the leak as the build will see them, by path from the root. It fails when a text to replace
// does not stand there exactly once.
func (l *leak) patched(root string) (map[string]string, error) {
	files := map[string]string{}
	for _, e := range l.edits {
		if _, read := files[e.file]; !read {
			b, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return nil, err
			}
			files[e.file] = string(b)
		}
		if n := strings.Count(files[e.file], e.old); n != 1 {
			return nil, fmt.Errorf("leaky build (%s): %s holds %q %d times, not once: follow the change in the list of leaks", l.what, e.file, e.old, n)
		}
		files[e.file] = strings.Replace(files[e.file], e.old, e.new, 1)
	}
	return files, nil
}

// build compiles the command with the leak into dir.
func (l *leak) build(ctx context.Context, dir string) (string, error) {
	root, err := house.Root()
	if err != nil {
		return "", err
	}
	files, err := l.patched(root)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	byPath := map[string]string{}
	for file, text := range files {
		byPath[filepath.Join(root, file)] = text
	}
	bin, err := buildOver(ctx, root, dir, byPath)
	if err != nil {
		return "", fmt.Errorf("leaky build (%s): %w", l.what, err)
	}
	return bin, nil
}

// buildOver compiles the command into dir with other texts in place of files, by path. tags are build tags.
func buildOver(ctx context.Context, root, dir string, files map[string]string, tags ...string) (string, error) {
	replaced := map[string]string{}
	for path, text := range files {
		to := filepath.Join(dir, strings.ReplaceAll(path, "/", "_"))
		if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
			return "", err
		}
		replaced[path] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	file, bin := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "consentry")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", file, "-tags", strings.Join(tags, ","), "-o", bin, "./cmd/consentry")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return bin, nil
}
