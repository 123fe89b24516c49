// The admin listener: /livez, /readyz, /metrics, /statusz. It serves while partners are parked, and holds no event data.

package kafka

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler serves the admin pages.
func (w *Worker) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(w.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /livez", probe(w.alive))
	mux.HandleFunc("GET /readyz", probe(w.ready))
	mux.HandleFunc("GET /statusz", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(rw)
		enc.SetEscapeHTML(false)
		// A write that fails means that the asker is gone; there is nobody to tell.
		_ = enc.Encode(w.Status())
	})
	return mux
}

func probe(ok func() bool) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		if !ok() {
			http.Error(rw, "not yet", http.StatusServiceUnavailable)
			return
		}
		_, _ = rw.Write([]byte("ok\n"))
	}
}

// ServeAdmin serves the admin pages on l until ctx ends.
func ServeAdmin(ctx context.Context, l net.Listener, pages http.Handler) error {
	srv := &http.Server{Handler: pages, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}
