// topics.go is the verb `topics`: the topics that consentry owns.

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/kafka"
)

func topicsCommand(a *app) *cobra.Command {
	return family(&cobra.Command{
		Use:   "topics",
		Short: "Plan or make the partner topics, quarantine and tally, and those of the consent changelog",
		Long: "Plan or make the topics that consentry writes: the partner topics, quarantine and tally, and with\n" +
			"consent.changelog its two. Topics that are there are never altered and never deleted. Raw topics, and the\n" +
			"intake topic of consents, are the carrier's own.",
		Example: "  consentry topics plan",
	}, &cobra.Command{
		Use:     "plan",
		Short:   "Print the topics, their settings, and which are missing",
		Example: "  consentry topics plan",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.topicsPlan(cmd.Context()) },
	}, &cobra.Command{
		Use:     "create",
		Short:   "Make the topics that are missing",
		Example: "  consentry topics create",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.topicsCreate(cmd.Context()) },
	})
}

func (a *app) topicsPlan(ctx context.Context) error {
	cfg, conn, err := a.loadBrokers()
	if err != nil {
		return err
	}
	plan, err := kafka.PlanTopics(ctx, conn, topicNeedsOf(cfg))
	if err != nil {
		return brokersFailed(cfg, err)
	}
	for _, t := range plan {
		if !t.Exists {
			fmt.Fprintf(a.out, "missing  %s\n", describeTopic(t.Topic))
			continue
		}
		fmt.Fprintf(a.out, "there    %s: %d partitions, replication %d\n", t.Name, t.Partitions, t.Replication)
		for _, s := range t.Different {
			fmt.Fprintf(a.out, "         %s is %s\n", s.Name, s.Value)
		}
	}
	return nil
}

func (a *app) topicsCreate(ctx context.Context) error {
	cfg, conn, err := a.loadBrokers()
	if err != nil {
		return err
	}
	made, err := kafka.CreateTopics(ctx, conn, topicNeedsOf(cfg))
	for _, t := range made {
		fmt.Fprintf(a.out, "made     %s\n", describeTopic(t))
	}
	if err != nil {
		return brokersFailed(cfg, err)
	}
	if len(made) == 0 {
		fmt.Fprintln(a.out, "all topics are there")
	}
	return nil
}

func describeTopic(t kafka.Topic) string {
	var settings []string
	for _, s := range t.Settings {
		settings = append(settings, s.Name+"="+s.Value)
	}
	return fmt.Sprintf("%s: %d partitions, replication %d, %s", t.Name, t.Partitions, t.Replication, strings.Join(settings, " "))
}

func topicNeedsOf(cfg *config.Config) kafka.TopicNeeds {
	n := kafka.TopicNeeds{Quarantine: cfg.Quarantine, Tally: cfg.Tally, Partitions: cfg.Kafka.Topics.Partitions,
		Replication: cfg.Kafka.Topics.Replication, Retention: cfg.Kafka.Topics.Retention}
	for _, p := range cfg.Partners {
		for _, s := range p.Streams {
			n.Streams = append(n.Streams, s.Topic.Value)
		}
	}
	if c := cfg.Consent.Changelog; c != nil {
		n.Consent = &kafka.ConsentTopics{Requests: c.Requests, State: c.State, Intake: c.Intake, Group: cfg.Kafka.Group}
	}
	return n
}

// loadBrokers reads the configuration for a verb that needs the brokers and no schema.
func (a *app) loadBrokers() (*config.Config, kafka.Connection, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, kafka.Connection{}, err
	}
	conn, err := connectionOf(cfg)
	return cfg, conn, err
}
