// The second half of preflight: who else can read what consentry guards, and whether every group has a beginning.

package kafka

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// readersOfTopics names who may read the raw topics, quarantine and tally (nobody needs to but consentry and the
// carrier) and each partner topic (its partner). It only tells; who ought to be on the list is a person's to judge.
func (p *preflight) readersOfTopics(ctx context.Context, raw map[string]bool) {
	var names []string
	for name := range raw {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, t := range p.Topics.Topics() {
		names = append(names, t.Name)
	}
	acls, err := p.adm.DescribeACLs(ctx, kadm.NewACLs().AnyResource().
		ResourcePatternType(kadm.ACLPatternAny).Operations(kadm.OpAny).
		Allow().AllowHosts().Deny().DenyHosts())
	if err == nil {
		for _, r := range acls {
			if r.Err != nil {
				err = r.Err
			}
		}
	}
	switch {
	case errors.Is(err, kerr.SecurityDisabled):
		p.add(Warn, "who reads", "", "the brokers have no authorizer: whoever reaches them reads the raw topics; set authorizer.class.name and ACLs")
		return
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		p.add(Warn, "who reads", "", "this user may not see the ACLs (needs DESCRIBE on the cluster); ask an administrator who may read the raw topics")
		return
	case err != nil:
		p.add(Warn, "who reads", "", "the ACLs cannot be read: %s", code(err))
		return
	}
	for _, name := range names {
		who := mayRead(acls, name)
		switch {
		case slices.Contains(who, "User:*"):
			p.add(Fail, "who reads", "", "topic %s: an ACL lets everybody read it", name)
		case len(who) == 0:
			p.add(OK, "who reads", "", "topic %s: nobody by ACL, only super users", name)
		default:
			p.add(OK, "who reads", "", "topic %s: %s, and super users", name, strings.Join(who, ", "))
		}
	}
}

// mayRead lists the principals that an ACL allows to read a topic, sorted. A deny may still stop them: the list errs
// on the side of too many.
func mayRead(acls kadm.DescribeACLsResults, topic string) []string {
	var who []string
	for _, r := range acls {
		for _, a := range r.Described {
			reads := a.Operation == kadm.OpRead || a.Operation == kadm.OpAll
			if a.Type != kmsg.ACLResourceTypeTopic || a.Permission != kmsg.ACLPermissionTypeAllow || !reads {
				continue
			}
			covers := a.Name == topic || a.Name == "*" || a.Pattern == kadm.ACLPatternPrefixed && strings.HasPrefix(topic, a.Name)
			if covers && !slices.Contains(who, a.Principal) {
				who = append(who, a.Principal)
			}
		}
	}
	slices.Sort(who)
	return who
}

// offsets judges every group's positions as its workers will.
func (p *preflight) offsets(ctx context.Context, raw map[string]bool) {
	for _, r := range p.Readers {
		topics := slices.DeleteFunc(r.topics(), func(t string) bool { return !raw[t] })
		if len(topics) == 0 {
			continue // said already: its raw topics are missing
		}
		check := "offsets " + r.Group
		details, err := lookAtTopics(ctx, p.adm, topics)
		if err == nil {
			_, err = lookAtOffsets(ctx, p.adm, r.Group, topics, details, nil, nil)
		}
		switch cause := causeOf(err, ""); {
		case err == nil:
			p.add(OK, check, "", "every raw topic has positions")
		case cause == OffsetsMissing:
			p.add(Fail, check, p.SetStart, "nobody has said where this partner begins: %v", err)
		case cause == OffsetsLost:
			p.add(Fail, check, "consentry offsets init --lost", "what stood at the position is gone: %v", err)
		default:
			p.add(Fail, check, "", "%v", err)
		}
	}
}
