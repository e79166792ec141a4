package dynamo

import (
	"crypto/sha256"
	"encoding/hex"
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

// recordLife is how long a stream keeps a record that nobody asks for.
const recordLife = 24 * time.Hour

// record tells the table's stream of a change. The table is the edit's own.
func (x *edit) record(t *table, old, it Item, expired bool) {
	if t.view == "" {
		return
	}
	x.sequence++
	r := t.newRecord(x.sequence, x.now, old, it, expired)
	key := bigEndian(x.sequence)
	t.log = t.log.set(string(key), r)
	x.store(mutation{logBucket + t.name, key, x.encoded(r.item())})
	for at, old := range t.log.up("", "") {
		if x.now.Sub(old.At) < recordLife {
			break
		}
		x.dropRecord(t, at)
	}
}

// newRecord tells of the change from old to it, either of which may be nil.
func (s *schema) newRecord(sequence uint64, at time.Time, old, it Item, expired bool) *Record {
	r := &Record{EventName: "MODIFY", At: at.Truncate(time.Second), Keys: s.key.cut(it), Expired: expired}
	switch {
	case old == nil:
		r.EventName = "INSERT"
	case it == nil:
		r.EventName = "REMOVE"
		r.Keys = s.key.cut(old)
	}
	if s.view == "NEW_IMAGE" || s.view == "NEW_AND_OLD_IMAGES" {
		r.NewImage = it
	}
	if s.view == "OLD_IMAGE" || s.view == "NEW_AND_OLD_IMAGES" {
		r.OldImage = old
	}
	s.complete(r, sequence)
	return r
}

// complete adds what follows from the rest.
func (s *schema) complete(r *Record, sequence uint64) {
	r.SequenceNumber = fmt.Sprintf("1%020d", sequence)
	id := sha256.Sum256([]byte(s.ID + r.SequenceNumber))
	r.EventID = hex.EncodeToString(id[:16])
	r.SizeBytes = r.Keys.bytes() + r.NewImage.bytes() + r.OldImage.bytes()
	r.ViewType, r.StreamARN = s.view, s.stream
}

// item is the record as the file keeps it.
func (r *Record) item() Item {
	it := Item{{"at", numberOf(int(r.At.Unix()))}, {"event", text(r.EventName)}, {"expired", boolean(r.Expired)}, {"keys", r.Keys}}
	if r.NewImage != nil {
		it = append(it, attribute{"new", r.NewImage})
	}
	if r.OldImage != nil {
		it = append(it, attribute{"old", r.OldImage})
	}
	return it
}

// readRecord is the opposite.
func (s *schema) readRecord(sequence uint64, it Item) *Record {
	image := func(name string) Item {
		image, _ := it.get(name).(Item)
		return image
	}
	r := &Record{
		EventName: it.Text("event"), Expired: it.get("expired") == boolean(true),
		Keys: image("keys"), NewImage: image("new"), OldImage: image("old"),
	}
	if at, ok := it.get("at").(number); ok {
		seconds, _ := at.whole()
		r.At = time.Unix(seconds, 0)
	}
	s.complete(r, sequence)
	return r
}

func (x *edit) dropRecord(t *table, at string) {
	t.log = t.log.remove(at)
	x.store(mutation{logBucket + t.name, []byte(at), nil})
}

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
