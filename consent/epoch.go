// accept-epoch: a person says that the store as it stands is right. Everything moves under a new epoch, so that nothing
// that was asked or remembered under the old one can be mistaken for it.

package consent

import (
	"context"
	"errors"
	"sort"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Found is what stands in a store before it is accepted.
type Found struct {
	Epoch   uint64 // the highest that is there; 0 in a new store
	Open    bool   // all shards have it
	Lines   int
	Stopped []string // partners, sorted
	Kafka   bool     // the truth of some shard is in Kafka
}

var errOvertaken error = &Refused{Reason: "another accept-epoch has taken over; let it finish, or run this again"}

var errClash error = &Refused{Reason: "some subjects or stop flags stand under two epochs, which no run of consentry " +
	"leaves behind; delete the keys of the wrong epoch and run accept-epoch again"}

// closeShards takes the epoch from all shards, so that nobody writes any more and every worker parks.
var closeShards = redis.NewScript(`
for i = 1, #KEYS do
  if redis.call('HEXISTS', KEYS[i], 'truth') == 1 then return 'kafka' end
end
for i = 1, #KEYS do
  redis.call('HDEL', KEYS[i], 'epoch')
  redis.call('HSET', KEYS[i], 'accepting', ARGV[1], 'place', 0)
end
return 'ok'
`)

// moveKeys renames pairs of keys of one shard, if this run of accept-epoch is the last that began.
var moveKeys = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'accepting') ~= ARGV[1] then return 'overtaken' end
for i = 2, #KEYS, 2 do
  if redis.call('EXISTS', KEYS[i]) == 1 and redis.call('RENAMENX', KEYS[i], KEYS[i + 1]) == 0 then return 'clash' end
end
return 'ok'
`)

// openShards gives all shards the new epoch at once.
var openShards = redis.NewScript(`
for i = 1, #KEYS do
  if redis.call('HGET', KEYS[i], 'accepting') ~= ARGV[1] then return 'overtaken' end
end
for i = 1, #KEYS do
  redis.call('HSET', KEYS[i], 'epoch', ARGV[1])
  redis.call('HDEL', KEYS[i], 'accepting')
end
return 'ok'
`)

const (
	scanCount = 1000
	moveBatch = 250 // pairs in one script, which holds the server up
)

// Inspect looks at what stands in the store, whatever its state.
func (s *Store) Inspect(ctx context.Context) (Found, error) {
	var f Found
	stopped := map[string]bool{}
	err := s.scan(ctx, func(_ int, epoch uint64, rest string) error {
		f.Epoch = max(f.Epoch, epoch)
		if partner, ok := strings.CutPrefix(rest, stopPrefix); ok {
			stopped[partner] = true
		} else if rest != protectedName {
			f.Lines++
		}
		return nil
	})
	if err != nil {
		return Found{}, err
	}
	for p := range stopped {
		f.Stopped = append(f.Stopped, p)
	}
	sort.Strings(f.Stopped)
	return f, s.inspectMeta(ctx, &f)
}

func (s *Store) inspectMeta(ctx context.Context, f *Found) error {
	pending := make([]uint64, Shards)
	err := s.onNodes(ctx, allShards, func(ctx context.Context, n node) error {
		pipe := n.client.Pipeline()
		reads := make([]*redis.StringCmd, len(n.shards))
		for i, shard := range n.shards {
			reads[i] = pipe.HGet(ctx, metaKeys[shard], fieldAccepting)
		}
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		for i, shard := range n.shards {
			v, ok := parseInt([]byte(reads[i].Val()))
			if ok && v > 0 {
				pending[shard] = uint64(v)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	metas, err := s.Metas(ctx, allShards)
	if err != nil {
		return err
	}
	f.Open = metas[stopShard].Epoch != 0
	for i := range metas {
		f.Epoch = max(f.Epoch, metas[i].Epoch, metas[i].Building, pending[i])
		f.Kafka = f.Kafka || metas[i].Kafka
	}
	return nil
}

// scan visits every line, stop flag and set of protected subjects. A key that moves meanwhile may be visited twice.
func (s *Store) scan(ctx context.Context, visit func(shard int, epoch uint64, rest string) error) error {
	clients := []*redis.Client{s.client}
	if s.cluster != nil {
		looking, cancel := context.WithTimeout(ctx, s.writeDeadline)
		nodes, err := s.nodesOf(looking, allShards)
		cancel()
		if err != nil {
			return err
		}
		clients = clients[:0]
		for _, n := range nodes {
			clients = append(clients, n.client)
		}
	}
	for _, client := range clients {
		var cursor uint64
		for {
			keys, next, err := s.scanPage(ctx, client, cursor)
			if err != nil {
				return err
			}
			for _, key := range keys {
				if shard, epoch, rest, ok := splitKey(key); ok {
					if err := visit(shard, epoch, rest); err != nil {
						return err
					}
				}
			}
			if next == 0 {
				break
			}
			cursor = next
		}
	}
	return nil
}

func (s *Store) scanPage(ctx context.Context, client *redis.Client, cursor uint64) ([]string, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	keys, next, err := client.Scan(ctx, cursor, "consentry:*", scanCount).Result()
	if err != nil {
		return nil, 0, s.failed(ctx, err)
	}
	return keys, next, nil
}

// splitKey takes consentry:{NN}:EPOCH:REST apart; false for any other key, the metas among them.
func splitKey(key string) (shard int, epoch uint64, rest string, ok bool) {
	tail, found := strings.CutPrefix(key, "consentry:{")
	if !found || len(tail) < 4 || tail[2:4] != "}:" {
		return 0, 0, "", false
	}
	shard, err := strconv.Atoi(tail[:2])
	if err != nil || shard < 0 || shard >= Shards {
		return 0, 0, "", false
	}
	number, rest, found := strings.Cut(tail[4:], ":")
	epoch, err = strconv.ParseUint(number, 10, 64)
	if !found || err != nil || rest == "" {
		return 0, 0, "", false
	}
	return shard, epoch, rest, true
}

// Writer makes changes in a store that is being accepted.
type Writer interface {
	ApplyAll(ctx context.Context, changes []Named) ([]Result, error)
}

// ApplyAll of a writer is that of the Store, under the epoch to come.
func (w writer) ApplyAll(ctx context.Context, changes []Named) ([]Result, error) {
	return w.applyAll(ctx, changes)
}

// Accept closes the store, moves every line and stop flag under a new epoch, lets load (if any) add to them and opens
// the store. It may be cut short anywhere: until the end nobody can ask or change anything, and running it again
// completes it. moved is told the number of keys moved so far.
func (s *Store) Accept(ctx context.Context, load func(context.Context, Writer) error, moved func(int)) (uint64, error) {
	if s.changelog {
		return 0, ErrMoved
	}
	found, err := s.Inspect(ctx)
	if err != nil {
		return 0, err
	}
	now, err := s.Clock(ctx)
	if err != nil {
		return 0, err
	}
	epoch := max(found.Epoch+1, uint64(now.UnixMilli()))
	if err := s.runScript(ctx, closeShards, metaKeys[:], epoch); err != nil {
		return 0, err
	}
	if err := s.moveAll(ctx, epoch, moved); err != nil {
		return 0, err
	}
	if load != nil {
		if err := load(ctx, s.writer(fieldAccepting, epoch)); err != nil {
			return 0, err
		}
	}
	if err := s.runScript(ctx, openShards, metaKeys[:], epoch); err != nil {
		return 0, err
	}
	return epoch, nil
}

// moveAll renames until a whole scan finds nothing of another epoch.
func (s *Store) moveAll(ctx context.Context, epoch uint64, moved func(int)) error {
	total := 0
	for {
		before := total
		var waiting [Shards][]string
		flush := func(shard int) error {
			if len(waiting[shard]) == 0 {
				return nil
			}
			keys := append([]string{metaKeys[shard]}, waiting[shard]...)
			if err := s.runScript(ctx, moveKeys, keys, epoch); err != nil {
				return err
			}
			total += len(waiting[shard]) / 2
			waiting[shard] = waiting[shard][:0]
			if moved != nil {
				moved(total)
			}
			return nil
		}
		err := s.scan(ctx, func(shard int, from uint64, rest string) error {
			if from == epoch {
				return nil
			}
			waiting[shard] = append(waiting[shard],
				string(appendEpochPrefix(nil, shard, from))+rest, string(appendEpochPrefix(nil, shard, epoch))+rest)
			if len(waiting[shard]) < 2*moveBatch {
				return nil
			}
			return flush(shard)
		})
		if err != nil {
			return err
		}
		for shard := range waiting {
			if err := flush(shard); err != nil {
				return err
			}
		}
		if total == before {
			return nil
		}
	}
}

func (s *Store) runScript(ctx context.Context, script *redis.Script, keys []string, epoch uint64) error {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	word, err := script.Run(ctx, s.client, keys, epoch).Text()
	if err != nil && !errors.Is(err, redis.Nil) {
		return unreachable(err)
	}
	switch word {
	case "ok":
		return nil
	case "kafka":
		return ErrMoved
	case "overtaken":
		return errOvertaken
	case "clash":
		return errClash
	}
	return unreachable(errReply)
}
