// tls.go turns the files of a tls: mapping into a client configuration.

package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
)

// Config reads the files. A nil TLS gives nil. The result trusts ca alone where one is named, else the system's
// authorities, and speaks TLS 1.2 or later. Errors name the file, never what is in it.
func (t *TLS) Config() (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, errors.New("tls.ca " + t.CA + ": " + ReadCause(err))
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("tls.ca " + t.CA + ": holds no certificate in PEM form")
		}
	}
	if t.Cert == "" && t.Key == "" {
		return c, nil
	}
	cert, err := os.ReadFile(t.Cert)
	if err != nil {
		return nil, errors.New("tls.cert " + t.Cert + ": " + ReadCause(err))
	}
	key, err := os.ReadFile(t.Key)
	if err != nil {
		return nil, errors.New("tls.key " + t.Key + ": " + ReadCause(err))
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		// The library's error may describe the key: it is not passed on.
		return nil, errors.New("tls.cert " + t.Cert + " and tls.key " + t.Key + ": are not a certificate and its private key in PEM form")
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
