// Command consentry is a privacy firewall for event streams. Each verb has its own file; none holds logic that a
// package could own.
package main

import (
	"os"

	"github.com/spf13/cobra"
)

func main() {
	cobra.EnableCommandSorting = false // help lists the verbs in the order of use
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
