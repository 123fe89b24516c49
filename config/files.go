// files.go reads files and keeps their text, so that every problem can be shown with its line and a caret, and
// decides which lines are never shown.

package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/consentry/consentry/policy"
)

// World is where configuration comes from: the machine, or an embedded folder with an environment of its own.
type World struct {
	LookupEnv func(name string) (string, bool)
	ReadFile  func(path string) ([]byte, error)
	Glob      func(pattern string) ([]string, error)
}

// OS is the machine's files and environment.
func OS() World {
	return World{LookupEnv: os.LookupEnv, ReadFile: os.ReadFile, Glob: filepath.Glob}
}

// FromFS is a file system (an embedded one, say) with the given environment.
func FromFS(files fs.FS, env map[string]string) World {
	return World{
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile:  func(path string) ([]byte, error) { return fs.ReadFile(files, filepath.ToSlash(path)) },
		Glob:      func(pattern string) ([]string, error) { return fs.Glob(files, filepath.ToSlash(pattern)) },
	}
}

// Files keeps the text of every file that was read, for Print.
type Files struct {
	texts    map[string]*fileText
	order    []string // as they were read
	resolved []resolved
}

type fileText struct {
	lines  []string
	hidden map[int]bool // lines that hold a secret, counted from 1
	all    bool         // show none
}

// resolved is a value that came by reference and must not appear in a message.
type resolved struct {
	pos   policy.Pos
	value string
}

func newFiles() *Files { return &Files{texts: map[string]*fileText{}} }

func (f *Files) add(path string, text []byte) *fileText {
	t := &fileText{hidden: map[int]bool{}}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSuffix(line, "\r")
		t.lines = append(t.lines, line)
		if holdsSecret(line) {
			t.hidden[i+1] = true
		}
	}
	f.texts[path] = t
	return t
}

var (
	secretWord = regexp.MustCompile(`(?i)(pass|pwd|secret|token|credential|api[_-]?key)[\w-]*["']?\s*[:=]\s*["']?`)
	userInfo   = regexp.MustCompile(`(?:://[^/\s@:]*:(.*)|:([^\s@]+))@`)
	onlyRefs   = regexp.MustCompile(`^(\$\{(env|file):[^{}]*\})+$`)
	startsRef  = regexp.MustCompile(`^\$\{(env|file):[^{}]*\}["'\s,}\]]*(#.*)?`)
)

// holdsSecret tells whether a line looks as if a secret stood in it in clear. It errs on the side of hiding.
func holdsSecret(line string) bool {
	for _, at := range secretWord.FindAllStringIndex(line, -1) {
		rest := line[at[1]:]
		if strings.TrimSpace(rest) != "" && startsRef.FindString(rest) == "" {
			return true
		}
	}
	return passwordInURL(line)
}

// passwordInURL tells whether text holds user:password@ with a password that is not a reference.
func passwordInURL(text string) bool {
	for _, m := range userInfo.FindAllStringSubmatch(text, -1) {
		if password := m[1] + m[2]; password != "" && !onlyRefs.MatchString(password) {
			return true
		}
	}
	return false
}

// mentionsSecret is for files that could not be parsed: there a secret may stand on the line after its key.
func (t *fileText) mentionsSecret() bool {
	for _, line := range t.lines {
		if holdsSecret(line) {
			return true
		}
		for _, at := range secretWord.FindAllStringIndex(line, -1) {
			if strings.TrimSpace(line[at[1]:]) == "" {
				return true
			}
		}
	}
	return false
}

// Redact removes from a message whatever came by reference: all of it on the line of the reference, longer values
// everywhere.
func (f *Files) Redact(p policy.Problem) policy.Problem {
	for _, r := range f.resolved {
		sameLine := r.pos.File == p.Pos.File && r.pos.Line == p.Pos.Line
		if r.value != "" && (sameLine || len(r.value) >= 6) {
			p.Message = strings.ReplaceAll(p.Message, r.value, "[redacted]")
		}
	}
	return p
}

// Print writes each problem as file:line:column: message, the line and a caret under its column. A line that holds a
// secret, or an identifier, is not written.
func (f *Files) Print(w io.Writer, problems []policy.Problem) {
	hidden := map[policy.Pos]bool{}
	for _, p := range problems {
		if p.Hidden {
			hidden[policy.Pos{File: p.Pos.File, Line: p.Pos.Line}] = true
		}
	}
	for _, p := range problems {
		if p.Pos.File != "" {
			fmt.Fprint(w, place(p.Pos), ": ")
		}
		fmt.Fprintln(w, p.Message)
		t := f.texts[p.Pos.File]
		if t == nil || p.Pos.Line < 1 || p.Pos.Line > len(t.lines) {
			continue
		}
		if t.all || t.hidden[p.Pos.Line] {
			fmt.Fprintln(w, "    (line not shown: it may hold a secret)")
			continue
		}
		if hidden[policy.Pos{File: p.Pos.File, Line: p.Pos.Line}] {
			fmt.Fprintln(w, "    (line not shown: it may hold an identifier)")
			continue
		}
		line := t.lines[p.Pos.Line-1]
		if strings.TrimSpace(line) == "" {
			continue
		}
		fmt.Fprintf(w, "    %s\n    %s^\n", printable(line), indent(line, p.Pos.Column))
	}
}

func place(p policy.Pos) string {
	if p.Line < 1 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// indent is what stands before the caret: blanks, with tabs kept as tabs so that the caret lands under its column.
func indent(line string, column int) string {
	var b strings.Builder
	for _, r := range line {
		if column--; column < 1 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// printable keeps control characters of a hostile file away from the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0)) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// Sort orders problems by file, in the order in which the files are read, then by place.
func (f *Files) Sort(ps []policy.Problem) {
	slices.SortStableFunc(ps, func(a, b policy.Problem) int {
		return cmp.Or(cmp.Compare(slices.Index(f.order, a.Pos.File), slices.Index(f.order, b.Pos.File)),
			cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
}

// ReadCause says why a file cannot be read, without its name.
func ReadCause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return "it cannot be read"
}
