// Package processor decides. It is the one place where the order of the stages is written, for `run`, `explain` and
// `demo` alike. It knows neither Kafka nor Redis clients: a batch goes in; verdicts, outbound records and pointers to
// what could not be read come out; an error means that the system is sick and that nothing may be used.
package processor

// Reason is the verdict on one event for one stream: a closed list, the same word as metric label, tally key, explain
// output and test name. The zero Reason is Undecided and lets nothing out.
type Reason uint8

const (
	Undecided Reason = iota
	Released
	BadEvent
	UnknownSchema
	BadSubject
	BadTime
	ContractEnded
	Withdrawn
	NoConsent
	BeforeConsent
	ConsentEnded
	NotLinked
	SignalOptOut
	Minor
	Protected
	Jurisdiction
	SensitivePlace
	SensitiveTopic
	MissingField
	FilterRefused
	KeyErased
	ResidualIdentifier
	TooLarge
	numReasons
)

// NumReasons bounds arrays indexed by Reason.
const NumReasons = int(numReasons)

var reasonNames = [NumReasons]string{
	Undecided:          "undecided",
	Released:           "released",
	BadEvent:           "bad_event",
	UnknownSchema:      "unknown_schema",
	BadSubject:         "bad_subject",
	BadTime:            "bad_time",
	ContractEnded:      "contract_ended",
	Withdrawn:          "withdrawn",
	NoConsent:          "no_consent",
	BeforeConsent:      "before_consent",
	ConsentEnded:       "consent_ended",
	NotLinked:          "not_linked",
	SignalOptOut:       "signal_opt_out",
	Minor:              "minor",
	Protected:          "protected",
	Jurisdiction:       "jurisdiction",
	SensitivePlace:     "sensitive_place",
	SensitiveTopic:     "sensitive_topic",
	MissingField:       "missing_field",
	FilterRefused:      "filter_refused",
	KeyErased:          "key_erased",
	ResidualIdentifier: "residual_identifier",
	TooLarge:           "too_large",
}

func (r Reason) String() string { return reasonNames[r] }
