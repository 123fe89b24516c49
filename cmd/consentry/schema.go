// schema.go is the verb `schema`: what partners are told about the records they get.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/schema/registry"
)

func schemaCommand(a *app) *cobra.Command {
	return family(&cobra.Command{
		Use:   "schema",
		Short: "Show, publish or export the schemas of the partner topics",
		Long: "Show, publish or export the schemas of the partner topics. They are derived from the policies.\n" +
			"Only `schema publish` registers them; `run` looks them up, and waits where one is missing.",
		Example: "  consentry schema show partner.acme-ads.location",
	}, schemaShowCommand(a), schemaPublishCommand(a), schemaExportCommand(a))
}

func schemaShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show STREAM",
		Short:   "Print the schema of one partner topic",
		Example: "  consentry schema show partner.acme-ads.location",
		Args:    one("STREAM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.loadPolicy(cmd.Context())
			if err != nil {
				return err
			}
			streams, err := d.streams(args)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.out, streams[0].Output.Text())
			return nil
		},
	}
}

func schemaPublishCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "publish [STREAM]…",
		Short: "Register the schemas in the partner registry",
		Long: "Register the schemas of the named streams, or of all, in the partner registry: subject <topic>-value,\n" +
			"compatibility FULL_TRANSITIVE. Publishing again what is there changes nothing.",
		Example: "  consentry schema publish\n  consentry schema publish partner.acme-ads.location",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.loadPolicy(cmd.Context())
			if err != nil {
				return err
			}
			streams, err := d.streams(args)
			if err != nil {
				return err
			}
			client, err := partnerRegistry(d.cfg)
			if err != nil {
				return &exitError{code: exitConfig, err: err}
			}
			defer client.Close()
			return a.publish(cmd.Context(), client, streams)
		},
	}
}

// publish registers each stream's schema and prints a line for each; the first failure does not stop the rest.
func (a *app) publish(ctx context.Context, client *registry.Client, streams []*policy.Program) error {
	failed := 0
	for _, p := range streams {
		format, ok := registry.ParseFormat(p.Format)
		if !ok {
			return &exitError{code: exitFailed, err: fmt.Errorf("%s: format %s has no schemas", p.Topic, p.Format)}
		}
		s, err := client.Publish(ctx, registry.Subject(p.Topic), p.Output.Text(), format)
		if err != nil {
			failed++
			fmt.Fprintf(a.err, "%s: %v\n", registry.Subject(p.Topic), err)
			continue
		}
		fmt.Fprintf(a.out, "%s\tid %d\tversion %d\n", registry.Subject(p.Topic), s.ID, s.Version)
	}
	if failed > 0 {
		return &exitError{code: exitFailed, err: fmt.Errorf("%d of %d schemas were not published", failed, len(streams))}
	}
	return nil
}

func schemaExportCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "export DIR",
		Short:   "Write every schema to a file, for whoever has no access to the registry",
		Example: "  consentry schema export schemas/",
		Args:    one("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.loadPolicy(cmd.Context())
			if err != nil {
				return err
			}
			streams, err := d.streams(nil)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			for _, p := range streams {
				name := registry.Subject(p.Topic) + ".avsc"
				if p.Format == "json" {
					name = registry.Subject(p.Topic) + ".schema.json"
				}
				file := filepath.Join(args[0], name)
				if err := os.WriteFile(file, []byte(p.Output.Text()+"\n"), 0o644); err != nil {
					return &exitError{code: exitFailed, err: err}
				}
				fmt.Fprintln(a.out, file)
			}
			return nil
		},
	}
}

// streams finds streams by their topics; none named means all.
func (d *deployment) streams(topics []string) ([]*policy.Program, error) {
	var all, found []*policy.Program
	var names []string
	for _, p := range d.set.Partners {
		for _, s := range p.Streams {
			all = append(all, s)
			names = append(names, s.Topic)
		}
	}
	if len(topics) == 0 {
		return all, nil
	}
	for _, t := range topics {
		was := len(found)
		for _, s := range all {
			if s.Topic == t {
				found = append(found, s)
			}
		}
		if len(found) == was {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("no stream has such a topic; there are: %s", strings.Join(names, ", "))}
		}
	}
	return found, nil
}

// partnerRegistry connects to the registry that partners read, rawRegistry to the one of the raw events.
func partnerRegistry(cfg *config.Config) (*registry.Client, error) {
	return registryOf("registry.partner", cfg.Registry.Partner)
}

func rawRegistry(cfg *config.Config) (*registry.Client, error) {
	return registryOf("registry.raw", cfg.Registry.Raw)
}

func registryOf(name string, e config.Endpoint) (*registry.Client, error) {
	if e.URL == "" {
		return nil, errors.New("the configuration names no " + name)
	}
	tls, err := e.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c, err := registry.New(registry.Options{URL: e.URL, Username: e.Username, Password: e.Password.Reveal(), TLS: tls})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}
