package kafka_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/kafka"
)

// reader is one partner that reads one topic into one stream.
func reader(topic string) kafka.Reader {
	group := fresh("group")
	return kafka.Reader{Partner: "acme", Group: group,
		Sources: []kafka.ReaderSource{{Name: "location", Topic: topic, Streams: []string{"partner.acme.location"}}}}
}

func initAt(b *broker, r kafka.Reader, o kafka.InitOptions) ([]kafka.Position, error) {
	return kafka.InitOffsets(b.Context(), b.Connection, []kafka.Reader{r}, o)
}

var beginning, end = kafka.Start{Beginning: true}, kafka.Start{End: true}

func TestInitOffsets(t *testing.T) {
	onBoth(t, func(b *broker) {
		raw := b.topic("raw", 2)
		old := time.Now().Add(-2 * time.Hour).Truncate(time.Millisecond)
		b.write(raw, 0, 5, old)
		b.write(raw, 0, 5, old.Add(time.Hour))
		b.write(raw, 1, 3, old)
		for _, c := range []struct {
			at       kafka.Start
			p0, p1   int64
			withBusy bool
		}{
			{beginning, 0, 0, false}, {end, 10, 3, false}, {kafka.Start{Time: old.Add(time.Minute)}, 5, 3, false},
			{end, 10, 3, true}, // while a worker is there
		} {
			r := reader(raw)
			if c.withBusy {
				b.member(r.Group, raw)
			}
			positions, err := initAt(b, r, kafka.InitOptions{At: c.at})
			if err != nil || len(positions) != 2 {
				b.Fatalf("%+v: %v %v", c, positions, err)
			}
			if b.at(r.Group, raw, 0) != c.p0 || b.at(r.Group, raw, 1) != c.p1 || positions[0].To != c.p0 {
				b.Errorf("%+v: the group stands at %d and %d", c, b.at(r.Group, raw, 0), b.at(r.Group, raw, 1))
			}
			// A topic with positions is left alone, and that is a success.
			again, err := initAt(b, r, kafka.InitOptions{At: beginning})
			if err != nil || again[0].Moved || again[1].Moved || b.at(r.Group, raw, 0) != c.p0 {
				b.Errorf("%+v: the second time %+v %v", c, again, err)
			}
		}
	})
}

func TestInitOffsetsNamesAPartitionWithoutPosition(t *testing.T) {
	onBoth(t, func(b *broker) {
		raw := b.topic("raw", 2)
		r := reader(raw)
		b.commit(r.Group, raw, 0, 0)
		positions, err := initAt(b, r, kafka.InitOptions{At: end})
		if err == nil || !strings.Contains(err.Error(), raw+" partition 1 has no position") {
			b.Errorf("%+v %v", positions, err)
		}
		if b.at(r.Group, raw, 1) != -1 {
			b.Error("a topic with a position was touched")
		}
	})
}

func TestInitOffsetsOverwriteNeedsAnEmptyGroup(t *testing.T) {
	onBoth(t, func(b *broker) {
		raw, other := b.topic("raw", 1), b.topic("raw", 1)
		tally := b.topic("tally", 1)
		b.write(raw, 0, 9, time.Now())
		r := reader(raw)
		r.Sources = append(r.Sources, kafka.ReaderSource{Name: "other", Topic: other, Streams: []string{"partner.acme.other"}})
		b.commit(r.Group, raw, 0, 4)
		o := kafka.InitOptions{At: end, Overwrite: true, Topic: raw, Tally: tally, Instance: "7"}
		positions, err := initAt(b, r, o)
		if err != nil || len(positions) != 1 || b.at(r.Group, raw, 0) != 9 || b.at(r.Group, other, 0) != -1 {
			b.Fatalf("%+v %v", positions, err)
		}
		wantSkipped(b, tally, `{"source":"location","topic":"`+raw+`","partition":0,"from":4,"to":9,"events":0,"stream":"partner.acme.location",`+
			`"released":0,"held":0,"withheld":{},"policy":"","instance":"7","stage":"offsets"}`)

		b.member(r.Group, raw)
		o.At = beginning
		if _, err := initAt(b, r, o); !errors.Is(err, kafka.ErrGroupBusy) || b.at(r.Group, raw, 0) != 9 {
			b.Errorf("a group with members was overwritten: %v", err)
		}
	})
}

func TestInitOffsetsLostMovesOnlyWhatIsOutOfRange(t *testing.T) {
	onBoth(t, func(b *broker) {
		raw := b.topic("raw", 3)
		tally := b.topic("tally", 1)
		for p := range int32(3) {
			b.write(raw, p, 10, time.Now())
		}
		r := reader(raw)
		b.commit(r.Group, raw, 0, 2)  // before what is left
		b.commit(r.Group, raw, 1, 5)  // in range
		b.commit(r.Group, raw, 2, 40) // behind the end
		b.trim(raw, 0, 6)
		o := kafka.InitOptions{Lost: true, Tally: tally, Instance: "0"}
		positions, err := initAt(b, r, o)
		if err != nil {
			b.Fatal(err)
		}
		for p, want := range []int64{6, 5, 10} {
			if got := b.at(r.Group, raw, int32(p)); got != want || positions[p].To != want || positions[p].Moved != (p != 1) {
				b.Errorf("partition %d stands at %d, not %d: %+v", p, got, want, positions[p])
			}
		}
		wantSkipped(b, tally, `"partition":0,"from":2,"to":6,`, `"partition":2,"from":40,"to":10,`)

		// A group without positions has nothing to move, and is told what to do.
		if _, err := initAt(b, reader(raw), o); err == nil || !strings.Contains(err.Error(), "offsets init --at") {
			b.Errorf("%v", err)
		}
	})
}

// A topic that was made again has other events at the same offsets. Kafka forgets the positions with the topic; where it
// does not, the topic's id in the commit tells.
func TestInitOffsetsLostAfterATopicWasMadeAgain(t *testing.T) {
	b := realBroker(t)
	raw, tally := b.topic("raw", 1), b.topic("tally", 1)
	b.write(raw, 0, 5, time.Now())
	r := reader(raw)
	if _, err := initAt(b, r, kafka.InitOptions{At: end}); err != nil {
		t.Fatal(err)
	}
	commits, err := b.adm.FetchOffsets(t.Context(), r.Group)
	if err != nil {
		t.Fatal(err)
	}
	old := commits[raw][0].Offset
	if _, err := b.adm.DeleteTopic(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	for { // the broker deletes at its leisure
		if _, err := b.adm.CreateTopic(t.Context(), 1, 1, nil, raw); err == nil {
			break
		} else if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
	b = connect(t, b.Connection) // the old client remembers the old topic
	b.write(raw, 0, 8, time.Now())
	old.LeaderEpoch = -1
	back := commits.Offsets()
	back[raw][0] = old
	if err := b.adm.CommitAllOffsets(t.Context(), r.Group, back); err != nil {
		t.Fatal(err)
	}
	positions, err := initAt(b, r, kafka.InitOptions{Lost: true, Tally: tally})
	if err != nil || len(positions) != 1 || positions[0].To != 0 {
		t.Errorf("%+v %v", positions, err)
	}
}

// wantSkipped reads a tally topic from its start and wants these pieces, one a record.
func wantSkipped(b *broker, tally string, want ...string) {
	b.Helper()
	cl, err := kgo.NewClient(append(b.Options(), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{tally: {0: kgo.NewOffset().AtStart()}}))...)
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	var got []string
	for len(got) < len(want) {
		cl.PollFetches(b.Context()).EachRecord(func(r *kgo.Record) {
			if !json.Valid(r.Value) {
				b.Errorf("not JSON: %s", r.Value)
			}
			got = append(got, string(r.Value))
		})
	}
	for i, w := range want {
		if !strings.Contains(got[i], w) || !strings.HasSuffix(got[i], `"stage":"offsets"}`) {
			b.Errorf("tally record %s lacks %s", got[i], w)
		}
	}
}
