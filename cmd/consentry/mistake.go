// mistake.go says what is wrong with a command line without repeating what may be a subject: a telephone number that
// stands where a verb or a flag should must not come back in an error, which goes on into logs.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// mistake is a usage error of the command line's library, in words that quote no value.
func mistake(c *cobra.Command, err error) string {
	var value *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	var syntax *pflag.InvalidSyntaxError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &value):
		return fmt.Sprintf("invalid argument for --%s: it takes %s", value.GetFlag().Name, kindOf(value.GetFlag()))
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return "unknown flag: -" + word(unknown.GetSpecifiedShortnames()[:1])
	case errors.As(err, &unknown):
		return "unknown flag: --" + word(unknown.GetSpecifiedName())
	case errors.As(err, &missing):
		return "flag needs an argument: --" + missing.GetFlag().Name
	case errors.As(err, &syntax):
		return "a flag is not written as a flag is"
	}
	var typed string
	if _, scanned := fmt.Sscanf(err.Error(), "unknown command %q", &typed); scanned != nil {
		return err.Error()
	}
	if !c.HasSubCommands() {
		return c.CommandPath() + " takes no arguments"
	}
	said := fmt.Sprintf("unknown command %q for %q", word(typed), c.CommandPath())
	if near := c.SuggestionsFor(typed); len(near) > 0 {
		said += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return said
}

func kindOf(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return "no value, or true or false"
	case "int", "int64", "uint64":
		return "a whole number"
	}
	return "a " + f.Value.Type()
}

// whyNot is why a file that was named on the command line cannot be opened, without its name: it may be a subject that
// stands in the file's place.
func whyNot(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return "it cannot be read"
}

// word is what was typed where a verb or a flag is expected, if it is made of letters as those are, and else dots.
func word(typed string) string {
	for _, c := range typed {
		if (c < 'a' || c > 'z') && c != '-' {
			return "…"
		}
	}
	return typed
}
