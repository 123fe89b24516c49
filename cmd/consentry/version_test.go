package main

import (
	"runtime/debug"
	"testing"
)

func TestDescribeBuild(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}}
	info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "false"}}
	changed := *info
	changed.Settings = []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, {Key: "vcs.revision", Value: "abc"}}
	for _, c := range []struct {
		version, commit string
		info            *debug.BuildInfo
		want            buildInfo
	}{
		{"", "", info, buildInfo{"v1.2.3", "abc", "go1.26.8"}},
		{"", "", &changed, buildInfo{"v1.2.3", "abc+changes", "go1.26.8"}},
		{"v9", "def", info, buildInfo{"v9", "def", "go1.26.8"}},
		{"", "", nil, buildInfo{"(devel)", "unknown", ""}},
		{"", "", &debug.BuildInfo{GoVersion: "go1.26.8"}, buildInfo{"(devel)", "unknown", "go1.26.8"}},
	} {
		if got := describeBuild(c.version, c.commit, c.info); got != c.want {
			t.Errorf("got %+v, want %+v", got, c.want)
		}
	}
}
