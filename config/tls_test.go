// tls_test.go: certificates made on the spot; a client configured from files reaches a server that asks for its
// certificate, and every file that is not what it should be is named.

package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate makes a self-signed certificate for 127.0.0.1 that is its own authority.
func certificate(t *testing.T, dir, name string) (certFile, keyFile string, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	write(t, certFile, certPEM)
	write(t, keyFile, keyPEM)
	if pair, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	return certFile, keyFile, pair
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTLSReachesAServer(t *testing.T) {
	dir := t.TempDir()
	serverCert, _, server := certificate(t, dir, "server")
	clientCert, clientKey, client := certificate(t, dir, "client")
	clients := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(client.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	clients.AddCert(leaf)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("client", r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshakes are meant
	s.TLS = &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	s.StartTLS()
	defer s.Close()

	get := func(c *TLS) (string, error) {
		conf, err := c.Config()
		if err != nil {
			t.Fatal(err)
		}
		if conf.MinVersion != tls.VersionTLS12 {
			t.Errorf("lowest version %x", conf.MinVersion)
		}
		tr := &http.Transport{TLSClientConfig: conf}
		defer tr.CloseIdleConnections()
		resp, err := (&http.Client{Transport: tr}).Get(s.URL)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		return resp.Header.Get("client"), nil
	}
	if name, err := get(&TLS{CA: serverCert, Cert: clientCert, Key: clientKey}); err != nil || name != "client" {
		t.Errorf("with authority and certificate: %q, %v", name, err)
	}
	if _, err := get(&TLS{Cert: clientCert, Key: clientKey}); err == nil {
		t.Error("a server with an unknown authority was trusted")
	}
	if _, err := get(&TLS{CA: serverCert}); err == nil {
		t.Error("the server took a client without a certificate: the test proves nothing")
	}
}

func TestTLSErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	cert, key, _ := certificate(t, dir, "a")
	_, otherKey, _ := certificate(t, dir, "b")
	junk, gone := filepath.Join(dir, "junk.pem"), filepath.Join(dir, "gone.pem")
	write(t, junk, []byte("-----BEGIN hunter2"))
	for _, c := range []struct {
		tls  TLS
		want string
	}{
		{TLS{CA: gone}, "tls.ca " + gone + ": no such file or directory"},
		{TLS{CA: junk}, "tls.ca " + junk + ": holds no certificate in PEM form"},
		{TLS{Cert: gone, Key: key}, "tls.cert " + gone + ": no such file or directory"},
		{TLS{Cert: cert, Key: gone}, "tls.key " + gone + ": no such file or directory"},
		{TLS{Cert: cert, Key: otherKey}, "are not a certificate and its private key in PEM form"},
		{TLS{Cert: cert, Key: junk}, "tls.key " + junk + ": are not a certificate and its private key in PEM form"},
	} {
		got, err := c.tls.Config()
		if got != nil || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: got %v, %v; want %q", c.tls, got, err, c.want)
		}
	}
	if c, err := (*TLS)(nil).Config(); c != nil || err != nil {
		t.Errorf("no tls: %v, %v", c, err)
	}
}
