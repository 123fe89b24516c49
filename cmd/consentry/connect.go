// connect.go turns the configuration's kafka: section into what package kafka connects with.

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/kafka"
)

// connectionOf reads the TLS files. It does not connect.
func connectionOf(cfg *config.Config) (kafka.Connection, error) {
	tls, err := cfg.Kafka.TLS.Config()
	if err != nil {
		return kafka.Connection{}, &exitError{code: exitConfig, err: err}
	}
	conn := kafka.Connection{Brokers: cfg.Kafka.Brokers, TLS: tls}
	if s := cfg.Kafka.SASL; s != nil {
		conn.SASL = &kafka.SASL{Mechanism: s.Mechanism, Username: s.Username, Password: s.Password.Reveal()}
	}
	return conn, nil
}

// brokersFailed says of brokers that give no answer which they are.
func brokersFailed(cfg *config.Config, err error) error {
	var trouble *kafka.Trouble
	if errors.As(err, &trouble) && trouble.Cause() == string(kafka.BrokerUnreachable) {
		err = fmt.Errorf("%w\nkafka.brokers is %s; consentry preflight tells which of them answers", err, strings.Join(cfg.Kafka.Brokers, ", "))
	}
	return &exitError{code: exitFailed, err: err}
}
