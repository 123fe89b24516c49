package main

// People changing their minds while their events flow: opt-outs by the command line, each acknowledged, and some of
// them granted again.

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/city"
	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/keys"
)

// acknowledgement is what `consent … --json` prints.
type acknowledgement struct {
	AcknowledgedAt time.Time `json:"acknowledged_at"`
	InForce        bool      `json:"in_force"`
	Void           string    `json:"void"`
}

// changeMinds withdraws optOuts subjects that have a grant, by turns everything or one pair, and grants some again.
func changeMinds(ctx context.Context, h *house.House, ring *keys.Ring, before map[string]string, chased *chaser) (map[string][]change, error) {
	c, err := city.New(city.Options{Seed: millionSeed, Subscribers: millionSubscribers})
	if err != nil {
		return nil, err
	}
	namer := consent.NewNamer(house32(ring))
	done := map[string][]change{}
	for who := 0; len(done) < optOuts; who++ {
		if who == millionSubscribers {
			return nil, errors.New("too few subjects with a grant")
		}
		subject := c.MSISDN(who)
		if !strings.HasPrefix(subject, "+") {
			subject = "+" + subject
		}
		if grantIn(before[namer.ID("msisdn", []byte(subject)).String()], "acme-ads", "advertising") == nil {
			continue
		}
		chased.chase(ctx, who)
		out := change{subject: subject, withdraws: true}
		args := []string{"consent", "withdraw-all"}
		if len(done)%3 == 0 {
			out.partner, out.purpose = "acme-ads", "advertising"
			args = []string{"consent", "withdraw", "--partner", out.partner, "--purpose", out.purpose}
		}
		if out.acked, err = acknowledged(ctx, h, subject, args); err != nil {
			return nil, err
		}
		done[subject] = []change{out}
		if len(done)%(optOuts/regrants) != 0 {
			continue
		}
		since := time.Now().UTC().Truncate(time.Millisecond)
		again := change{subject: subject, partner: "acme-ads", purpose: "advertising",
			grant: grant{linked: true, categories: []string{"location", "app_usage"}, since: since.UnixMilli()}}
		if again.acked, err = acknowledged(ctx, h, subject, []string{"consent", "grant", "--partner", again.partner,
			"--purpose", again.purpose, "--categories", "location,app_usage", "--linked",
			"--since", since.Format("2006-01-02T15:04:05.000Z")}); err != nil {
			return nil, err
		}
		done[subject] = append(done[subject], again)
	}
	return done, nil
}

// acknowledged runs one consent verb with the subject on standard input.
func acknowledged(ctx context.Context, h *house.House, subject string, args []string) (time.Time, error) {
	out, err := h.VerbIn(ctx, subject+"\n", append(args, "--subject", "-", "--json")...)
	if err != nil {
		return time.Time{}, err
	}
	var a acknowledgement
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		return time.Time{}, errors.New("the acknowledgement is not the JSON of the contract")
	}
	if !a.InForce {
		return time.Time{}, errors.New("a change was acknowledged and is not in force: " + a.Void)
	}
	return a.AcknowledgedAt, nil
}
