// table.go lists every key of the three kinds of file: its form, its bounds, and what it means. The reader and the
// published JSON Schema are both made from it.

package config

import "slices"

// form says what a key's value looks like.
type form uint8

const (
	object   form = iota // a mapping with the keys listed
	list                 // a list of items
	paths                // a mapping of names to field paths
	fields               // a stream's fields: names to mappings, handed to package policy as written
	text                 // text that is not empty
	name                 // [a-z0-9][a-z0-9_-]{0,31}
	topic                // a Kafka topic or group
	field                // a dotted path into an event
	filePath             // a path, relative to the file that names it
	glob                 // a pattern for files, relative likewise
	enum                 // one word of a closed list
	integer              // a whole number within bounds
	boolean
	span     // a duration: 250ms, 5s, 15m, 1h, 7d
	date     // YYYY-MM-DD
	httpURL  // http or https
	redisURL // redis or rediss, one host
	secret   // text that must come by reference
	address  // host:port
	broker   // the same, or several by one reference
	region   // ISO 3166-1 alpha-2
	refused  // known, and refused with the sentence in doc
	notYet   // known to the contract, kept for package policy to refuse
)

type spec struct {
	key  string
	form form
	need bool
	doc  string
	enum []string
	min  int64 // integer: lower bound; span: milliseconds
	max  int64
	over string // what to say above max, in place of the bounds
	item *spec
	keys []spec
	one  []string // object: exactly one of these keys is given
}

// apiVersion is the only version of the files that there is.
const apiVersion = "consentry/v1"

var version = spec{key: "apiVersion", form: enum, need: true, enum: []string{apiVersion}, doc: "The version of this file's contract."}

var tlsKeys = []spec{
	{key: "ca", form: filePath, doc: "PEM file with the authorities to trust. Without it the system's are used."},
	{key: "cert", form: filePath, doc: "PEM file with the client's certificate; needs key."},
	{key: "key", form: filePath, doc: "PEM file with the client's private key; needs cert."},
}

var endpointKeys = []spec{
	{key: "url", form: httpURL, need: true, doc: "The Confluent API with its path (Apicurio: .../apis/ccompat/v7)."},
	{key: "username", form: text, doc: "User of basic authentication."},
	{key: "password", form: secret, doc: "Password of basic authentication, by reference only."},
	{key: "tls", form: object, keys: tlsKeys, doc: "Authorities and client certificate for an https registry."},
}

// notReplicas are the ways in which Redis clients spell the reading from replicas.
var notReplicas = []spec{
	{key: "replicas", form: refused, doc: onlyMasters},
	{key: "read_from", form: refused, doc: onlyMasters},
	{key: "read_only", form: refused, doc: onlyMasters},
	{key: "route_by_latency", form: refused, doc: onlyMasters},
	{key: "route_randomly", form: refused, doc: onlyMasters},
}

const day = int64(24 * 60 * 60 * 1000)

var mainTable = spec{form: object, doc: "consentry.yaml: the plumbing, owned by the platform team.", keys: []spec{
	version,
	{key: "environment", form: name, need: true, doc: "production, test (allows simulate), or another name."},
	{key: "kafka", form: object, need: true, doc: "The Kafka cluster and how consentry works with it.", keys: []spec{
		{key: "brokers", form: list, need: true, doc: "Bootstrap brokers. An entry that comes by reference may hold several, separated by commas.",
			item: &spec{form: broker, doc: "host:port"}},
		{key: "group", form: topic, doc: "Each partner reads as <group>.<partner>. Default consentry."},
		{key: "instance", form: integer, need: true, min: 0, max: 1 << 20, doc: "A number, stable over restarts and unique among running workers."},
		{key: "lanes", form: integer, min: 1, max: 64, doc: "Transactional sessions per partner in one process. Default 2."},
		{key: "commit", form: object, doc: "When a transaction ends.", keys: []spec{
			{key: "every", form: span, min: 10, max: 30_000, doc: "At the latest after this time. Default 250ms."},
			{key: "records", form: integer, min: 1, max: 100_000, doc: "At the latest after this many raw records. More could not be asked about, nor written, within a verdict's life. Default 20000."},
		}},
		{key: "topics", form: object, doc: "For topics create.", keys: []spec{
			{key: "replication", form: integer, min: 1, max: 100, doc: "Replicas of each partition. Default 3."},
			{key: "partitions", form: integer, min: 1, max: 100_000, doc: "Partitions of each topic. Default 12."},
			{key: "retention", form: span, min: 60_000, max: 3660 * day, doc: "How long partner topics keep records. Default 7d."},
		}},
		{key: "tls", form: object, keys: tlsKeys, doc: "Authorities and client certificate."},
		{key: "sasl", form: object, doc: "User and password.", keys: []spec{
			{key: "mechanism", form: enum, need: true, enum: []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, doc: "How the broker asks for them."},
			{key: "username", form: text, need: true, doc: "The user."},
			{key: "password", form: secret, need: true, doc: "The password, by reference only."},
		}},
	}},
	{key: "registry", form: object, need: true, doc: "Two worlds that do not see each other.", keys: []spec{
		{key: "raw", form: object, need: true, keys: endpointKeys, doc: "The registry with the schemas of raw topics."},
		{key: "partner", form: object, need: true, keys: endpointKeys, doc: "The registry that partners read."},
	}},
	{key: "redis", form: object, need: true, one: []string{"url", "sentinel", "cluster"}, doc: "The consent store.", keys: slices.Concat([]spec{
		{key: "url", form: redisURL, doc: "redis://host:port/db, or rediss:// for TLS. One Redis."},
		{key: "sentinel", form: object, doc: "A master that Sentinels watch. Needs consent.changelog.", keys: slices.Concat([]spec{
			{key: "master", form: text, need: true, doc: "The name under which the Sentinels know the master."},
			{key: "nodes", form: list, need: true, doc: "The Sentinels. An entry that comes by reference may hold several, separated by commas.",
				item: &spec{form: broker, doc: "host:port"}},
			{key: "username", form: text, doc: "The Sentinels' own ACL user, where they have one."},
			{key: "password", form: secret, doc: "The Sentinels' own password, by reference only."},
		}, notReplicas)},
		{key: "cluster", form: object, doc: "A Redis Cluster. Needs consent.changelog.", keys: slices.Concat([]spec{
			{key: "nodes", form: list, need: true, doc: "Nodes to begin with. An entry that comes by reference may hold several, separated by commas.",
				item: &spec{form: broker, doc: "host:port"}},
		}, notReplicas)},
		{key: "database", form: integer, min: 0, max: 255, doc: "Number of the database behind Sentinels. Default 0. With url it stands in the URL; a Cluster has only 0."},
		{key: "username", form: text, doc: "The ACL user."},
		{key: "password", form: secret, doc: "The password, by reference only."},
		{key: "tls", form: object, keys: tlsKeys, doc: "Authorities and client certificate. Behind Sentinels and in a Cluster its presence, even empty, turns TLS on."},
	}, notReplicas)},
	{key: "consent", form: object, doc: "How consent is asked.", keys: []spec{
		{key: "subject", form: enum, enum: []string{"msisdn", "imsi", "opaque"}, doc: "What identifies a subject. Default msisdn."},
		{key: "region", form: region, doc: "Home region of national numbers, ISO 3166-1 alpha-2. Default US."},
		{key: "park_when_stale", form: span, min: 1, max: 2000, over: staleTooLong, doc: "Age of the store's answers at which work stops. Default and most 2s; with changelog at least 1s."},
		{key: "changelog", form: object, doc: "Keeps the truth about consents in Kafka and rebuilds Redis from it. May be empty: {}. Without it one Redis holds the truth.", keys: []spec{
			{key: "requests", form: topic, doc: "Topic of the changes that were asked for. Default consentry.consent.requests."},
			{key: "state", form: topic, doc: "Topic of each subject's line. Default consentry.consent.state."},
			{key: "intake", form: topic, doc: "The carrier's own short-lived topic of changes, which sync reads. Default none."},
		}},
	}},
	{key: "keys", form: object, need: true, doc: "The pseudonyms' keys.", keys: []spec{
		{key: "dir", form: filePath, need: true, doc: "Folder of the epoch keys, shared by all workers."},
		{key: "keep", form: span, min: 3_600_000, max: 366 * day, doc: "At the latest this long after an epoch can no longer be needed its key is erased. Default 72h."},
	}},
	{key: "detect", form: object, doc: "What says no whoever has agreed: lists that the house adds to those shipped.", keys: []spec{
		{key: "places", form: object, doc: "The sensitive places. Needed where a source has a position.", keys: []spec{
			{key: "file", form: filePath, need: true, doc: "A list made by consentry places import."},
			{key: "warn_after", form: span, min: day, max: 3660 * day, doc: "Age of the list's data from which it is called old. Default 35d."},
			{key: "park_after", form: span, min: day, max: 3660 * day, doc: "Age from which partners that read positions park. Default 90d."},
		}},
		{key: "topics", form: object, doc: "Additions to the shipped topics: CSV files with the header from,to, where to is a node of the taxonomy.", keys: []spec{
			{key: "domains", form: filePath, doc: "Registrable domains."},
			{key: "apps", form: filePath, doc: "App packages."},
			{key: "terms", form: filePath, doc: "Words and phrases of searches."},
		}},
		{key: "jurisdictions", form: filePath, doc: "CSV file that adds rules to the shipped table of jurisdictions, or tightens them."},
	}},
	{key: "quarantine", form: topic, doc: "Topic of pointers to unreadable events. Default consentry.quarantine."},
	{key: "tally", form: topic, doc: "Topic of the counts. Default consentry.tally."},
	{key: "admin", form: address, doc: "Where /livez, /readyz, /metrics and /statusz listen. Default 127.0.0.1:9464."},
	{key: "sources", form: glob, need: true, doc: "The sources' files."},
	{key: "partners", form: glob, need: true, doc: "The partners' files."},
}}

const (
	oneRedis     = "this version keeps consent in one Redis: a failover to a replica forgets acknowledged withdrawals, and until the truth is in Kafka nothing could bring them back"
	onlyMasters  = "consents are read from masters only: a replica still answers with what was so before the last withdrawal"
	severalHosts = "names one host: write sentinel: {master: ..., nodes: [...]} or cluster: {nodes: [...]} in place of url"
	staleTooLong = "park_when_stale is at most 2s: with the 3s that a verdict lives it makes the 5s within which an opt-out must hold"
	// staleTooShort is of a changelog only: without one no heartbeat is waited for.
	staleTooShort = "with consent.changelog park_when_stale is at least 1s: owners say every 500ms that the store is complete, and who waits for less parks between two of them"
)

var sourceTable = spec{form: object, doc: "sources/*.yaml: what one raw topic means, owned by the privacy office.", keys: []spec{
	version,
	{key: "source", form: name, need: true, doc: "The source's name."},
	{key: "topic", form: topic, need: true, doc: "The raw topic."},
	{key: "format", form: enum, need: true, enum: []string{"avro", "json"}, doc: "The wire format: avro with a registry id in front, or json."},
	{key: "schema", form: object, need: true, doc: "The schema to compile against: subject or file. JSON needs a file.", keys: []spec{
		{key: "subject", form: text, doc: "Subject in the raw registry, usually <topic>-value."},
		{key: "file", form: filePath, doc: "An Avro schema or a JSON Schema."},
	}},
	{key: "category", form: enum, need: true, enum: []string{"location", "browsing", "app_usage", "search"}, doc: "What a consent must cover. Filters may imply more, never fewer."},
	{key: "subject", form: object, need: true, doc: "The line that an event is about.", keys: []spec{
		{key: "field", form: field, need: true, doc: "Where it stands; of the kind that consent.subject names."},
		{key: "form", form: enum, enum: []string{"e164", "digits", "national"}, doc: "How an msisdn is written. Default e164."},
	}},
	{key: "account", form: field, doc: "Household or billing account, or the word same_as_subject."},
	{key: "line_since", form: field, doc: "Since when the line is this person's: older consents belong to its last owner."},
	{key: "time", form: object, need: true, doc: "When the event happened.", keys: []spec{
		{key: "field", form: field, need: true, doc: "Where it stands."},
		{key: "unit", form: enum, enum: []string{"s", "ms", "us"}, doc: "Unit of a plain integer since 1970-01-01T00:00Z."},
		{key: "past", form: span, need: true, min: 1, max: 366 * day, doc: "How much older than its Kafka timestamp an event may be."},
		{key: "future", form: span, need: true, min: 0, max: day, doc: "How much younger it may be."},
	}},
	{key: "position", form: object, doc: "Where the subject was. Feeds only cells.", keys: []spec{
		{key: "lat", form: field, need: true, doc: "Latitude, degrees."},
		{key: "lon", form: field, need: true, doc: "Longitude, degrees."},
		{key: "accuracy_m", form: field, doc: "Accuracy, metres."},
	}},
	{key: "jurisdiction", form: object, doc: "Whose law counts. What is not named, or null in an event, is taken as the strictest that it could be.", keys: []spec{
		{key: "place", form: field, doc: "Where the event happened: ISO 3166-1 alpha-2 or ISO 3166-2."},
		{key: "residence", form: field, doc: "Where the account lives: likewise."},
	}},
	{key: "url", form: field, doc: "A URL; any filter over it implies browsing."},
	{key: "app", form: field, doc: "An app's package; any filter over it implies app_usage."},
	{key: "query", form: field, doc: "A search text; any filter over it implies search."},
	{key: "identifiers", form: list, item: &spec{form: field, doc: "A field path."}, doc: "Fields that may feed no output."},
	{key: "release_only_if_false", form: paths, doc: "Names (minor, protected) and their fields: null, missing or anything but false withholds."},
	{key: "opt_out_if_set", form: paths, doc: "Signals (gpc, say) and their fields: any value but missing, false or 0 withholds."},
	{key: "signals", form: object, doc: "Consent strings that travel with the event. They can only withhold; one that cannot be read does.", keys: []spec{
		{key: "gpp", form: field, doc: "IAB Global Privacy Platform."},
		{key: "tcf", form: field, doc: "IAB Transparency and Consent Framework, version 2. Says no to a partner that names no tcf.vendor."},
		{key: "us_privacy", form: field, doc: "IAB US Privacy, 1YNN."},
	}},
}}

var partnerTable = spec{form: object, doc: "partners/*.yaml: one recipient, owned by the privacy office.", keys: []spec{
	version,
	{key: "partner", form: name, need: true, doc: "The partner's name."},
	{key: "contract", form: object, doc: "The contract that allows it. When it ends, everything is withheld.", keys: []spec{
		{key: "id", form: text, need: true, doc: "The contract's number."},
		{key: "until", form: date, need: true, doc: "Its last day, YYYY-MM-DD; it ends at 24:00 UTC."},
		{key: "forbids_reidentification", form: boolean, need: true, doc: "Whether it forbids to identify people. Must be true."},
	}},
	{key: "purpose", form: name, need: true, doc: "What the data is for: part of every consent."},
	{key: "tcf", form: object, doc: "The partner as TCF strings know it. Without it an event that carries one is withheld.", keys: []spec{
		{key: "vendor", form: integer, need: true, min: 1, max: 65535, doc: "Its id on the Global Vendor List."},
		{key: "purposes", form: list, need: true, doc: "The TCF purposes that it must have consent for.",
			item: &spec{form: integer, min: 1, max: 24, doc: "A purpose's number."}},
	}},
	{key: "mode", form: enum, enum: []string{"live", "shadow"}, doc: "live, or shadow: decides and counts, releases nothing. Default live."},
	{key: "streams", form: list, need: true, doc: "One entry per partner topic.", item: &spec{form: object, doc: "One stream.", keys: []spec{
		{key: "topic", form: topic, need: true, doc: "The partner's topic: must begin with partner.<partner>."},
		{key: "source", form: name, need: true, doc: "The source that it is made of."},
		{key: "profile", form: enum, enum: []string{"unlinked", "bundle", "aggregate", "pseudonymous"}, doc: "The set of rules. This version has pseudonymous; the default is unlinked."},
		{key: "same_person_for", form: span, min: 3_600_000, max: 30 * day, doc: "How long a pseudonym stays the same: whole hours or days, at most 30d."},
		{key: "format", form: enum, need: true, enum: []string{"avro", "json"}, doc: "The wire format of released records."},
		{key: "fields", form: fields, need: true, doc: "The released fields, in this order. Nothing else leaves."},
		{key: "withhold", form: object, doc: "What is withheld beside the house's own lists, which are always on.", keys: []spec{
			{key: "also_near", form: list, item: &spec{form: name, doc: "A category of the list of places."}, doc: "More categories of places to withhold near."},
			{key: "also_topics", form: list, item: &spec{form: text, doc: "A node of the taxonomy."}, doc: "More topics to withhold, with all beneath them."},
		}},
		{key: "crowd", form: notYet, doc: "Not in this version: how many accounts must share a record."},
		{key: "at_most", form: notYet, doc: "Not in this version: how many records an account may have."},
	}}},
}}
