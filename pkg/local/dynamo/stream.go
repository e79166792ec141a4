package dynamo

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// Record is one change of one item, as a stream tells it. As JSON it is an element of "Records" in the event that Lambda
// gives a function.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
type Record struct {
	EventID        string    // the same however often the record is delivered
	EventName      string    // INSERT, MODIFY or REMOVE
	SequenceNumber string    // 21 digits, greater with every record
	At             time.Time // of the change, to the second
	Keys           Item
	NewImage       Item // nil for a REMOVE, and where the stream's view leaves it out
	OldImage       Item // nil for an INSERT, and where the stream's view leaves it out
	SizeBytes      int
	ViewType       string
	StreamARN      string
	Expired        bool // deleted by TTL
}

// recordEvent is the wire form.
type recordEvent struct {
	EventID      string    `json:"eventID"`
	EventName    string    `json:"eventName"`
	EventVersion string    `json:"eventVersion"`
	EventSource  string    `json:"eventSource"`
	AWSRegion    string    `json:"awsRegion"`
	DynamoDB     change    `json:"dynamodb"`
	UserIdentity *identity `json:"userIdentity,omitempty"`
	SourceARN    string    `json:"eventSourceARN"`
}

type change struct {
	ApproximateCreationDateTime int64
	Keys                        Item
	NewImage                    Item `json:",omitempty"`
	OldImage                    Item `json:",omitempty"`
	SequenceNumber              string
	SizeBytes                   int
	StreamViewType              string
}

type identity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

var theService = identity{"Service", "dynamodb.amazonaws.com"}

// MarshalJSON writes the record as Lambda gives it to a function.
func (r Record) MarshalJSON() ([]byte, error) {
	event := recordEvent{
		EventID: r.EventID, EventName: r.EventName, EventVersion: "1.1", EventSource: "aws:dynamodb", AWSRegion: region,
		DynamoDB:  change{r.At.Unix(), r.Keys, r.NewImage, r.OldImage, r.SequenceNumber, r.SizeBytes, r.ViewType},
		SourceARN: r.StreamARN,
	}
	if r.Expired {
		event.UserIdentity = &theService
	}
	return json.Marshal(event)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Record) UnmarshalJSON(data []byte) error {
	var event recordEvent
	if err := json.Unmarshal(data, &event); err != nil {
		return err
	}
	c := event.DynamoDB
	*r = Record{
		EventID: event.EventID, EventName: event.EventName, SequenceNumber: c.SequenceNumber,
		At: time.Unix(c.ApproximateCreationDateTime, 0), Keys: c.Keys, NewImage: c.NewImage, OldImage: c.OldImage,
		SizeBytes: c.SizeBytes, ViewType: c.StreamViewType, StreamARN: event.SourceARN, Expired: event.UserIdentity != nil,
	}
	return nil
}

// recordLife is how long a stream keeps a record that nobody asks for.
const recordLife = 24 * time.Hour

// record tells the table's stream of a change. The table is the edit's own.
func (x *edit) record(t *table, old, it Item, expired bool) {
	if t.view == "" {
		return
	}
	x.sequence++
	r := &Record{
		EventName: "MODIFY", SequenceNumber: sequenceNumber(x.sequence), At: x.now.Truncate(time.Second),
		ViewType: t.view, StreamARN: t.streamARN(), Expired: expired,
	}
	id := sha256.Sum256([]byte(t.ID + r.SequenceNumber))
	r.EventID = fmt.Sprintf("%x", id[:16])
	switch {
	case old == nil:
		r.EventName = "INSERT"
		r.Keys = t.key.cut(it)
	case it == nil:
		r.EventName = "REMOVE"
	}
	if r.Keys == nil {
		r.Keys = t.key.cut(old)
	}
	if t.view == "NEW_IMAGE" || t.view == "NEW_AND_OLD_IMAGES" {
		r.NewImage = it
	}
	if t.view == "OLD_IMAGE" || t.view == "NEW_AND_OLD_IMAGES" {
		r.OldImage = old
	}
	r.SizeBytes = r.Keys.bytes() + r.NewImage.bytes() + r.OldImage.bytes()
	key := bigEndian(x.sequence)
	t.log = t.log.set(string(key), r)
	x.store(mutation{logBucket + t.name, key, x.encoded(r)})
	for at, old := range t.log.up("", "") {
		if x.now.Sub(old.At) < recordLife {
			break
		}
		x.dropRecord(t, at)
	}
}

func (x *edit) dropRecord(t *table, at string) {
	t.log = t.log.remove(at)
	x.store(mutation{logBucket + t.name, []byte(at), nil})
}

func sequenceNumber(n uint64) string { return fmt.Sprintf("1%020d", n) }

// settle moves a subscription's checkpoint, and drops the records that every subscription is done with.
func (x *edit) settle(t *table, subscription string, done uint64) {
	t.checkpoints = withCheckpoint(t.checkpoints, subscription, done)
	x.store(mutation{checkpointsBucket + t.name, []byte(subscription), bigEndian(done)})
	all := done
	for _, other := range t.checkpoints {
		all = min(all, other)
	}
	for at := range t.log.up("", string(bigEndian(all+1))) {
		x.dropRecord(t, at)
	}
}
