// The proxy before a secure registry: TLS and basic auth, as a carrier's gateway does it. Apicurio's own basic auth
// needs an identity server beside it.

package testbed

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

type proxy struct{ server *http.Server }

func startProxy(addr, inner string, s *Secure) (*proxy, error) {
	pair, err := tls.LoadX509KeyPair(s.Certs.ServerCert, s.Certs.ServerKey)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: inner})
	quiet := log.New(io.Discard, "", 0) // a registry that was stopped on purpose is no news
	forward.ErrorLog = quiet
	want := sha256.Sum256([]byte(User + ":" + s.Password))
	p := &proxy{server: &http.Server{
		ErrorLog:          quiet,
		ReadHeaderTimeout: 5 * time.Second,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			got := sha256.Sum256([]byte(user + ":" + password))
			if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
				http.Error(w, "unauthorized", http.StatusUnauthorized)
				return
			}
			r.Header.Del("Authorization")
			forward.ServeHTTP(w, r)
		}),
	}}
	go func() { _ = p.server.ServeTLS(l, "", "") }() // ends with close
	return p, nil
}

func (p *proxy) close() error { return p.server.Close() }
