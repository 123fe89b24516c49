// connect.go turns the configuration's kafka: section into what package kafka connects with.
package main

import (
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
