// store.go is how every verb reaches the consent store, and names a subject in it.

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/keys"
)

// openStore makes the client of the configured store; it does not connect.
func openStore(cfg *config.Config) (*consent.Store, error) {
	tls, err := cfg.Redis.TLS.Config()
	if err != nil {
		return nil, &exitError{code: exitConfig, err: err}
	}
	o := consent.Options{
		URL: cfg.Redis.URL, Username: cfg.Redis.Username, Password: cfg.Redis.Password.Reveal(), TLS: tls,
		Database: cfg.Redis.Database, Changelog: cfg.Consent.Changelog != nil, StaleAfter: cfg.Consent.ParkWhenStale,
	}
	if s := cfg.Redis.Sentinel; s != nil {
		o.Sentinel = &consent.Sentinel{Master: s.Master, Nodes: s.Nodes, Username: s.Username, Password: s.Password.Reveal()}
	}
	if c := cfg.Redis.Cluster; c != nil {
		o.Cluster = c.Nodes
	}
	store, err := consent.Open(o)
	if err != nil {
		return nil, &exitError{code: exitConfig, err: err}
	}
	return store, nil
}

// storeFailed says of a store that gives no answer which one it is, and that a verb may be run again.
func storeFailed(cfg *config.Config, err error) error {
	var sick *consent.Sick
	if errors.As(err, &sick) && sick.Cause() == string(kafka.RedisUnreachable) {
		err = fmt.Errorf("%w (%s); mend that and run this again: twice does no harm", err, redisOf(cfg))
	}
	return asFailed(err)
}

// redisOf says where the configuration's Redis is.
func redisOf(cfg *config.Config) string {
	switch r := cfg.Redis; {
	case r.Sentinel != nil:
		return "redis.sentinel is " + r.Sentinel.Master + " by " + strings.Join(r.Sentinel.Nodes, ", ")
	case r.Cluster != nil:
		return "redis.cluster is " + strings.Join(r.Cluster.Nodes, ", ")
	default:
		return "redis.url is " + r.URL
	}
}

// subjects names what a person types.
type subjects struct {
	kind, region string
	print        string // of the house key: its fingerprint
	bound        bool   // the changelog says that it is this key
	namer        *consent.Namer
	buf          []byte
}

// openSubjects reads the house key, and compares it with the one that named the subjects in the store: under another one
// nobody is found.
func openSubjects(ctx context.Context, cfg *config.Config, store *consent.Store) (*subjects, error) {
	return namedBy(cfg, func(print string) (bool, error) {
		same, err := store.Fingerprint(ctx, keys.House, print)
		if err != nil {
			return false, storeFailed(cfg, err)
		}
		return same, nil
	})
}

// subjects is openSubjects for who changes consents: under another house key a withdrawal would be acknowledged for nobody.
// What a changelog says counts, because a store that was emptied takes whichever key comes first.
func (b *book) subjects(ctx context.Context) (*subjects, error) {
	if b.log == nil {
		return openSubjects(ctx, b.cfg, b.store)
	}
	house, err := b.log.House(ctx)
	if err != nil {
		return nil, b.failed(err)
	}
	if house == "" {
		return openSubjects(ctx, b.cfg, b.store)
	}
	named, err := namedBy(b.cfg, func(print string) (bool, error) { return print == house, nil })
	if err != nil {
		return nil, err
	}
	named.bound = true
	return named, nil
}

// reading is openSubjects for who changes nothing, and so leaves no fingerprint in a store that has none. Where the brokers
// do not answer it takes the store's word.
func (b *book) reading(ctx context.Context) (*subjects, error) {
	house := ""
	if b.log != nil {
		var err error
		house, err = b.log.House(ctx)
		if cause, _ := kafka.CauseOf(err, kafka.BrokerUnreachable); err != nil && (cause != kafka.BrokerUnreachable || ctx.Err() != nil) {
			return nil, b.failed(err)
		}
	}
	return namedBy(b.cfg, func(print string) (bool, error) {
		if house == "" {
			var err error
			if house, err = b.store.Printed(ctx, keys.House); err != nil {
				return false, storeFailed(b.cfg, err)
			}
		}
		return house == "" || house == print, nil
	})
}

func namedBy(cfg *config.Config, same func(print string) (bool, error)) (*subjects, error) {
	ring, err := keys.Open(cfg.Keys.Dir)
	if err != nil {
		return nil, &exitError{code: exitFailed, err: err}
	}
	s := &subjects{kind: cfg.Consent.Subject, region: cfg.Consent.Region, print: ring.Fingerprints()[keys.House]}
	ok, err := same(s.print)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &exitError{code: exitFailed, err: fmt.Errorf("%w; mount the key folder of this deployment; nothing was changed", &mismatch{keys.House})}
	}
	house := ring.HouseKey()
	s.namer = consent.NewNamer(house[:])
	return s, nil
}

var errSubject = errors.New("the subject is not of the kind that consent.subject names")

// id names a subject in its canonical form, as files have it: a telephone number in E.164.
func (s *subjects) id(text string) (consent.ID, bool) {
	canonical, ok := consent.Canonical(s.buf[:0], s.kind, consent.E164, s.region, []byte(text))
	if !ok {
		return consent.ID{}, false
	}
	s.buf = canonical
	return s.namer.ID(s.kind, canonical), true
}

// typed names a subject as a person types it: a telephone number may have the usual marks between its digits, and may
// be national. One in E.164 is taken as it is, as an event's would be, so that every number which can be in an event
// can be withdrawn. A national one must be valid, and be to the library what it is to us: the library alone takes
// digits with a country code for a national number of somebody else.
func (s *subjects) typed(text string) (consent.ID, bool) {
	if id, ok := s.id(text); ok || s.kind != consent.MSISDN {
		return id, ok
	}
	bare := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ()-./", r) {
			return -1
		}
		return r
	}, text)
	if id, ok := s.id(bare); ok {
		return id, true
	}
	canonical, ok := consent.Canonical(s.buf[:0], s.kind, consent.National, s.region, []byte(bare))
	if !ok {
		return consent.ID{}, false
	}
	n, err := phonenumbers.Parse(bare, s.region)
	if err != nil || !phonenumbers.IsValidNumber(n) || phonenumbers.Format(n, phonenumbers.E164) != string(canonical) {
		return consent.ID{}, false
	}
	s.buf = canonical
	return s.namer.ID(s.kind, canonical), true
}

// unlikely tells whether a telephone number in E.164 is one that no plan has: worth a word to who typed it.
func (s *subjects) unlikely(text string) bool {
	if s.kind != consent.MSISDN {
		return false
	}
	n, err := phonenumbers.Parse(text, s.region)
	return err != nil || !phonenumbers.IsPossibleNumber(n)
}
