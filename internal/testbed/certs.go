// Certificates of the secure testbed: a CA of its own, a server and a client certificate under it, and a CA that
// nobody should trust, for the tests that must be refused.

package testbed

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certs are PEM files.
type Certs struct {
	CA                    string
	ServerCert, ServerKey string
	ServerBoth            string // key and certificate in one file, as Kafka's PEM stores want it
	ClientCert, ClientKey string // CN=consentry
	StrangerCA            string // signed nothing here
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func makeCerts(dir string) (Certs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Certs{}, err
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	c := Certs{CA: file("ca.pem"), StrangerCA: file("stranger-ca.pem"),
		ServerCert: file("server.pem"), ServerKey: file("server.key"), ServerBoth: file("server-both.pem"),
		ClientCert: file("client.pem"), ClientKey: file("client.key")}
	ca, err := newAuthority("testbed", c.CA)
	if err != nil {
		return Certs{}, err
	}
	if _, err := newAuthority("stranger", c.StrangerCA); err != nil {
		return Certs{}, err
	}
	if err := ca.issue("localhost", c.ServerCert, c.ServerKey); err != nil {
		return Certs{}, err
	}
	if err := ca.issue("consentry", c.ClientCert, c.ClientKey); err != nil {
		return Certs{}, err
	}
	key, err := os.ReadFile(c.ServerKey)
	if err != nil {
		return Certs{}, err
	}
	cert, err := os.ReadFile(c.ServerCert)
	if err != nil {
		return Certs{}, err
	}
	return c, os.WriteFile(c.ServerBoth, append(key, cert...), 0o600)
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(30 * 24 * time.Hour),
	}
}

func newAuthority(name, file string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := template(name + " ca")
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert, key}, writePEM(file, "CERTIFICATE", der)
}

// issue makes a certificate for the loopback that serves both ends: the broker is a client of itself.
func (a *authority) issue(name, certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := template(name)
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	t.DNSNames, t.IPAddresses = []string{"localhost"}, []net.IP{net.ParseIP(loopback)}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return err
	}
	if err := writePEM(certFile, "CERTIFICATE", der); err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(keyFile, "PRIVATE KEY", pkcs8)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// Client is how a client connects: it trusts the testbed's CA and, when mutual, shows the client certificate.
func (c Certs) Client(mutual bool) (*tls.Config, error) {
	ca, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", c.CA)
	}
	conf := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if mutual {
		pair, err := tls.LoadX509KeyPair(c.ClientCert, c.ClientKey)
		if err != nil {
			return nil, err
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}
