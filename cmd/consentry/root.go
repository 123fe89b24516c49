// root.go builds the command line from the verbs, and turns what a verb returns into an exit code.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes of every verb.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitConfig = 78
)

// exitError carries the exit code of a failed verb; said tells that the verb has already printed why.
type exitError struct {
	code int
	err  error
	said bool
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// app is what every verb shares.
type app struct {
	in         io.Reader
	out, err   io.Writer
	configPath string
}

// verbs lists the command line, in the order of help.
var verbs = []func(*app) *cobra.Command{
	runCommand,
	checkCommand,
	schemaCommand,
	topicsCommand,
	offsetsCommand,
	preflightCommand,
	explainCommand,
	detectCommand,
	demoCommand,
	simulateCommand,
	consentCommand,
	stopCommand,
	resumeCommand,
	keysCommand,
	placesCommand,
	statusCommand,
	versionCommand,
}

// root builds the whole command line.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "consentry",
		Short: "A privacy firewall for event streams",
		Long: "A privacy firewall for event streams. What a partner's policy names, of those who agreed, may leave; nothing else.\n\n" +
			"  to see it at work, with nothing to install    consentry demo\n" +
			"  to set up, or to find what is missing         consentry preflight\n" +
			"  when events do not arrive                     consentry status\n" +
			"  why one event does or does not leave          consentry explain\n" +
			"  when one partner must get nothing, now        consentry stop PARTNER",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.PersistentFlags().StringVarP(&a.configPath, "config", "c", "consentry.yaml", "main configuration file")
	for _, v := range verbs {
		root.AddCommand(v(a))
	}
	return root
}

func run(args []string, in io.Reader, out, errw io.Writer) int {
	a := &app{in: in, out: out, err: errw}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := a.root()
	root.SetArgs(args)
	verb, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var ee *exitError
	if errors.As(err, &ee) {
		if !ee.said && ee.err != nil {
			fmt.Fprintln(errw, "consentry:", ee.err)
		}
		return ee.code
	}
	fmt.Fprintln(errw, "consentry:", mistake(verb, err))
	shows := "how it is used"
	if verb.HasSubCommands() {
		shows = "the verbs"
	}
	fmt.Fprintf(errw, "%s --help shows %s\n", verb.CommandPath(), shows)
	return exitUsage
}

// family is a verb that does nothing by itself: to a script that leaves out which one is meant this is an error.
func family(c *cobra.Command, verbs ...*cobra.Command) *cobra.Command {
	var names []string
	for _, v := range verbs {
		names = append(names, v.Name())
	}
	c.AddCommand(verbs...)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%s has no %q; it needs one of %s", c.CommandPath(), word(args[0]), strings.Join(names, ", "))
		}
		return fmt.Errorf("%s needs one of %s", c.CommandPath(), strings.Join(names, ", "))
	}
	c.Args = cobra.ArbitraryArgs
	return c
}

// one takes exactly one argument, and names it when it is not there.
func one(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return fmt.Errorf("%s needs %s", c.CommandPath(), what)
		case 1:
			return nil
		}
		return fmt.Errorf("%s takes one %s, and was given %d", c.CommandPath(), what, len(args))
	}
}
