// Package registry is the network part of schema: it asks a Confluent-compatible schema registry for schemas, publishes
// the partners' ones, and finds the compiled reader for a writer's schema id.
//
// Errors carry an operation, a status and a reason, never an answer's text: some registries quote what they were given.
package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// Options tell where a registry is. URL is the base of the Confluent API with its path.
type Options struct {
	URL                string
	Username, Password string
	TLS                *tls.Config   // nil for the system's roots
	Timeout            time.Duration // of one request; 0 is 3 s
}

// Client asks one registry. Safe for concurrent use. It retries nothing and caches nothing.
type Client struct {
	sr        *sr.Client
	transport *http.Transport
}

// Format is a registry's word for a kind of schema.
type Format uint8

const (
	Avro Format = iota
	JSON
)

// ParseFormat knows the configuration's words avro and json.
func ParseFormat(word string) (Format, bool) {
	switch word {
	case "avro":
		return Avro, true
	case "json":
		return JSON, true
	}
	return 0, false
}

func (f Format) sr() sr.SchemaType {
	if f == JSON {
		return sr.TypeJSON
	}
	return sr.TypeAvro
}

// Schema is one registered schema.
type Schema struct {
	ID, Version int // Version is 0 where the registry was asked by id
	Text        string
	Avro        bool // whether its type is Avro and it stands alone, without references
}

// ErrNotFound says that the registry is well and does not have the subject, version or schema (404 with one of the
// Confluent codes 40401, 40402 and 40403).
var ErrNotFound = errors.New("the registry does not have it")

// ErrIncompatible says that a registry refused a schema that breaks readers of the earlier ones.
var ErrIncompatible = errors.New("not compatible with the versions before it (FULL_TRANSITIVE); a change of type needs a new topic")

// Unreachable says that the registry gave no usable answer. It is doubt about the system: the caller parks.
type Unreachable struct {
	Op     string // what was asked, e.g. "schema by id"
	Status int    // HTTP status, 0 without an answer
	Reason string // from a closed set
}

func (e *Unreachable) Error() string {
	s := "schema registry: " + e.Op + ": " + e.Reason
	if e.Status != 0 {
		s += " (HTTP " + strconv.Itoa(e.Status) + ")"
	}
	return s
}

// Cause is the word for parking.
func (e *Unreachable) Cause() string { return "registry_unreachable" }

// maxAnswer bounds one answer in bytes.
const maxAnswer = 4 << 20

var errTooLarge = errors.New("answer too large")

// New makes a client; it asks nothing yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, errors.New("schema registry: the URL must be http or https with a host, and without user, password or query")
	}
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	// No proxy from the environment: what is asked where stands in the configuration.
	tr := &http.Transport{
		TLSClientConfig: o.TLS, TLSHandshakeTimeout: o.Timeout, ResponseHeaderTimeout: o.Timeout,
		MaxIdleConnsPerHost: 4, MaxConnsPerHost: 16, IdleConnTimeout: 30 * time.Second,
		DialContext: (&net.Dialer{Timeout: o.Timeout}).DialContext,
	}
	hc := &http.Client{
		Timeout: o.Timeout, Transport: limited{tr},
		// A redirect would carry the password elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	opts := []sr.ClientOpt{sr.URLs(o.URL), sr.HTTPClient(hc), sr.UserAgent("consentry")}
	if o.Username != "" || o.Password != "" {
		opts = append(opts, sr.BasicAuth(o.Username, o.Password))
	}
	c, err := sr.NewClient(opts...)
	if err != nil {
		return nil, errors.New("schema registry: the client refuses its options")
	}
	return &Client{sr: c, transport: tr}, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// limited bounds the bodies of answers.
type limited struct{ next http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err == nil {
		resp.Body = &limitedBody{ReadCloser: resp.Body, left: maxAnswer}
	}
	return resp, err
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Latest returns id and text of the newest schema of a subject. ErrNotFound when the subject has none.
func (c *Client) Latest(ctx context.Context, subject string) (id int, text string, err error) {
	s, err := c.Version(ctx, subject, -1)
	return s.ID, s.Text, err
}

// Version returns one version of a subject, -1 for the newest.
func (c *Client) Version(ctx context.Context, subject string, version int) (Schema, error) {
	s, err := c.sr.SchemaByVersion(ctx, subject, version)
	if err != nil {
		return Schema{}, translate("subject's schema", err)
	}
	if s.ID < 0 || s.Schema.Schema == "" {
		return Schema{}, &Unreachable{Op: "subject's schema", Reason: "the answer holds no schema"}
	}
	return Schema{s.ID, s.Version, s.Schema.Schema, alone(s.Schema)}, nil
}

// Versions lists a subject's versions in ascending order. ErrNotFound when it has none.
func (c *Client) Versions(ctx context.Context, subject string) ([]int, error) {
	v, err := c.sr.SubjectVersions(ctx, subject)
	if err != nil {
		return nil, translate("subject's versions", err)
	}
	return v, nil
}

// ByID returns the schema with an id. ErrNotFound only for 404 with code 40403.
func (c *Client) ByID(ctx context.Context, id int) (Schema, error) {
	s, err := c.sr.SchemaByID(ctx, id)
	if err != nil {
		return Schema{}, translateOnly("schema by id", err, sr.ErrSchemaNotFound.Code)
	}
	if s.Schema == "" {
		return Schema{}, &Unreachable{Op: "schema by id", Reason: "the answer holds no schema"}
	}
	return Schema{ID: id, Text: s.Schema, Avro: alone(s)}, nil
}

// Lookup finds the id under which a subject holds exactly this text. ErrNotFound when it does not: some registries
// compare byte by byte, so ask with the text that was published.
func (c *Client) Lookup(ctx context.Context, subject, text string, f Format) (Schema, error) {
	s, err := c.sr.LookupSchema(ctx, subject, sr.Schema{Schema: text, Type: f.sr()})
	if err != nil {
		return Schema{}, translate("lookup", err)
	}
	return Schema{s.ID, s.Version, text, f == Avro}, nil
}

// Publish pins the subject to FULL_TRANSITIVE and registers the text. Publishing again what is there changes nothing.
func (c *Client) Publish(ctx context.Context, subject, text string, f Format) (Schema, error) {
	_, err := c.Version(ctx, subject, -1)
	isNew := errors.Is(err, ErrNotFound)
	if err != nil && !isNew {
		return Schema{}, err
	}
	// Some registries know no settings of a subject that is not there yet; a first version has nothing to break.
	if !isNew {
		if err := c.pin(ctx, subject); err != nil {
			return Schema{}, err
		}
	}
	if _, err := c.sr.RegisterSchema(ctx, subject, sr.Schema{Schema: text, Type: f.sr()}, -1, -1); err != nil {
		return Schema{}, translate("register", err)
	}
	if isNew {
		if err := c.pin(ctx, subject); err != nil {
			return Schema{}, err
		}
	}
	return c.Lookup(ctx, subject, text, f)
}

func (c *Client) pin(ctx context.Context, subject string) error {
	for _, r := range c.sr.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatFullTransitive}, subject) {
		if r.Err != nil {
			return translate("set compatibility", r.Err)
		}
	}
	return nil
}

func alone(s sr.Schema) bool { return s.Type == sr.TypeAvro && len(s.References) == 0 }

// translate makes our errors of the client's, which quote URLs and answers.
func translate(op string, err error) error {
	return translateOnly(op, err, sr.ErrSubjectNotFound.Code, sr.ErrVersionNotFound.Code, sr.ErrSchemaNotFound.Code)
}

func translateOnly(op string, err error, notFound ...int) error {
	var re *sr.ResponseError
	var ne net.Error
	switch {
	case errors.As(err, &re):
		if re.StatusCode == http.StatusNotFound {
			for _, code := range notFound {
				if re.ErrorCode == code {
					return ErrNotFound
				}
			}
			// Also what a wrong base path answers.
			return &Unreachable{op, re.StatusCode, "not found, without the registry's own code for it (is the URL's path right?)"}
		}
		if re.StatusCode == http.StatusConflict {
			return ErrIncompatible
		}
		return &Unreachable{op, re.StatusCode, "refused"}
	case errors.Is(err, context.Canceled):
		return &Unreachable{op, 0, "cancelled"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		return &Unreachable{op, 0, "no answer in time"}
	case errors.Is(err, errTooLarge):
		return &Unreachable{op, 0, "the answer is too large"}
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return &Unreachable{op, 0, "its certificate is not signed by an authority that is trusted here, or is not for this host"}
	case errors.As(err, new(*net.OpError)):
		return &Unreachable{op, 0, "no connection"}
	}
	return &Unreachable{op, 0, "the answer cannot be used"}
}

// Subject is the name under which a topic's value schema is registered.
func Subject(topic string) string { return topic + "-value" }
