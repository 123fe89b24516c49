// version.go says which consentry this is.

package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version and commit are set by -ldflags "-X main.version=… -X main.commit=…"; without, the build's own record counts.
var version, commit string

// buildInfo is what `version --json` prints; version also stands in /statusz and in the metrics.
type buildInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// thisBuild fills what -ldflags left open from the record that the Go tool keeps in every binary.
func thisBuild() buildInfo {
	info, _ := debug.ReadBuildInfo()
	return describeBuild(version, commit, info)
}

func describeBuild(version, commit string, info *debug.BuildInfo) buildInfo {
	b := buildInfo{Version: version, Commit: commit}
	if info != nil {
		b.Go = info.GoVersion
		if b.Version == "" {
			b.Version = info.Main.Version
		}
		revision, modified := "", ""
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = "+changes"
			}
		}
		if b.Commit == "" && revision != "" {
			b.Commit = revision + modified
		}
	}
	if b.Version == "" {
		b.Version = "(devel)"
	}
	if b.Commit == "" {
		b.Commit = "unknown"
	}
	return b
}

func versionCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Version, commit, Go",
		Example: "  consentry version\n  consentry version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			var err error
			if asJSON {
				err = json.NewEncoder(a.out).Encode(b)
			} else {
				_, err = fmt.Fprintf(a.out, "consentry %s\ncommit %s\n%s\n", b.Version, b.Commit, b.Go)
			}
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
