package table

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"
)

// seal closes some entries of an organization's audit trail. Each holds the hash
// of the one before, so that an entry or seal that was changed, taken out or put
// in shows in every seal from there on.
//
// A chain tells what was changed by someone who did not make all of it anew. The
// hash of each seal is logged, too: against the log it tells even that.
type seal struct {
	number  int64     // from 1 on, without gaps
	before  []byte    // the hash of the seal before, none for the first
	entries []string  // the ids, ascending
	digest  []byte    // of the entries themselves
	at      time.Time // when it was sealed
	hash    []byte    // of all of the above, and of the organization's id
}

const (
	sealed = 100 // entries in one seal, at most

	// latest is how long after its id was made an entry may be written: nothing
	// runs longer in Lambda than 15 minutes.
	latest = 15 * time.Minute

	// unsealedFor is how long an entry may wait for its seal.
	unsealedFor = 5 * time.Minute
)

func (s seal) sum(organization string) []byte {
	return digestOf(str(organization), num(s.number), bin(s.before), texts(s.entries), bin(s.digest), moment(s.at))
}

func (s seal) item(organization string) item {
	i := newItem(sealKey(organization, s.number)).set("Number", num(s.number)).set("Entries", texts(s.entries)).
		set("Digest", bin(s.digest)).set("SealedAt", moment(s.at)).set("Hash", bin(s.hash))
	if s.before != nil {
		i.set("Before", bin(s.before))
	}
	return i
}

func readSeal(i item) seal {
	return seal{number: i.number("Number"), before: i.bytes("Before"), entries: i.texts("Entries"), digest: i.bytes("Digest"),
		at: i.time("SealedAt"), hash: i.bytes("Hash")}
}

// digestOf is the SHA-256 of values in a form that no two lists of them share:
// type, length, and content.
func digestOf(values ...types.AttributeValue) []byte {
	h := sha256.New()
	var add func(v types.AttributeValue)
	part := func(kind byte, n int) { h.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(n))) }
	bytesOf := func(kind byte, b []byte) { part(kind, len(b)); h.Write(b) }
	add = func(v types.AttributeValue) {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			bytesOf('S', []byte(v.Value))
		case *types.AttributeValueMemberN:
			bytesOf('N', []byte(v.Value))
		case *types.AttributeValueMemberB:
			bytesOf('B', v.Value)
		case *types.AttributeValueMemberL:
			part('L', len(v.Value))
			for _, e := range v.Value {
				add(e)
			}
		case *types.AttributeValueMemberM:
			part('M', len(v.Value))
			for _, name := range slices.Sorted(maps.Keys(v.Value)) {
				bytesOf('S', []byte(name))
				add(v.Value[name])
			}
		default: // entries have no other type
			part('?', 0)
		}
	}
	for _, v := range values {
		add(v)
	}
	return h.Sum(nil)
}

// errSealRace is a seal that another run has made meanwhile.
var errSealRace = errors.New("table: the seal was made meanwhile")

// Seal seals the entries of an organization that no seal covers yet. It is
// called when the stream tells of an entry, and may be called at any time, for
// one organization several times at once, and be cut off anywhere: each seal is
// one write under the condition that its number is free, and a call that finds
// all entries sealed writes nothing. So what an earlier call has missed is
// sealed by the next.
func (t Trail) Seal(ctx context.Context, organization string) error {
	for range mostRounds {
		last, horizon, covered, err := t.covered(ctx, organization)
		if err == nil {
			err = t.sealFrom(ctx, organization, last, horizon, covered)
		}
		if !errors.Is(err, errSealRace) {
			return err
		}
	}
	return busy
}

// covered is the last seal, and what later seals need to look at: entries from
// horizon on, but for those that are covered.
func (t Trail) covered(ctx context.Context, organization string) (last seal, horizon string, covered map[string]bool, err error) {
	var begin time.Time
	covered = map[string]bool{}
	in := &dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :pk"), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(50),
		ExpressionAttributeValues: item{":pk": str(sealsPartition(organization))}}
	err = t.query(ctx, in, func(i item) (bool, error) {
		s := readSeal(i)
		if last.number == 0 {
			last = s
			if begin, err = ulidTime(s.entries); err != nil {
				return false, err
			}
			begin = begin.Add(-latest)
			horizon = ulidFrom(begin)
		}
		for _, id := range s.entries {
			covered[id] = true
		}
		// An entry is sealed after its id was made, give or take what clocks differ.
		return !s.at.Before(begin.Add(-latest)), nil
	})
	return last, horizon, covered, err
}

var errSeal = errors.New("table: a seal names no entry")

// ulidTime is when the last of the ids was made.
func ulidTime(ids []string) (time.Time, error) {
	if len(ids) == 0 {
		return time.Time{}, errSeal
	}
	id, err := ulid.Parse(ids[len(ids)-1])
	if err != nil {
		return time.Time{}, errSeal
	}
	return ulid.Time(id.Time()), nil
}

// ulidFrom is less than every id made at that time or later.
func ulidFrom(at time.Time) string {
	var id ulid.ULID
	if ms := at.UnixMilli(); ms > 0 {
		_ = id.SetTime(uint64(ms)) // fails past the year 10889
	}
	return strings.ToLower(id.String())
}

func (t Trail) sealFrom(ctx context.Context, organization string, last seal, horizon string, covered map[string]bool) error {
	var ids []string
	entries := sha256.New()
	close := func() error {
		if len(ids) == 0 {
			return nil
		}
		s := seal{number: last.number + 1, before: last.hash, entries: ids, digest: entries.Sum(nil), at: t.Now()}
		s.hash = s.sum(organization)
		if err := t.putSeal(ctx, organization, s); err != nil {
			return err
		}
		last, ids = s, nil
		entries.Reset()
		return nil
	}
	in := &dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :pk"),
		ExpressionAttributeValues: item{":pk": str(trailPartition(organization))}}
	if horizon != "" {
		*in.KeyConditionExpression += " AND SK >= :from"
		in.ExpressionAttributeValues[":from"] = str(horizon)
	}
	err := t.query(ctx, in, func(i item) (bool, error) {
		if covered[i.text("SK")] {
			return true, nil
		}
		ids = append(ids, i.text("SK"))
		entries.Write(digestOf(tree(i)))
		if len(ids) == sealed {
			return true, close()
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return close()
}

func (t Trail) putSeal(ctx context.Context, organization string, s seal) error {
	_, err := t.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.Name, Item: s.item(organization), ConditionExpression: aws.String(unique)})
	var taken *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &taken):
		return errSealRace
	case err != nil:
		return failure(err)
	}
	// What erases an organization finds the seals that were there before it was gone.
	found, err := t.fetch(ctx, orgKey(organization))
	if err != nil {
		return err
	}
	if found[orgKey(organization)] == nil {
		return t.discard(ctx, []key{sealKey(organization, s.number)})
	}
	slog.InfoContext(ctx, "sealed", "organization", organization, "seal", s.number, "entries", len(s.entries), "hash", hex.EncodeToString(s.hash))
	return nil
}

// judgeTrail checks the chain of an organization's seals against its entries.
// The seals are read first: an entry that one of them names was there before.
func (a Auditor) judgeTrail(ctx context.Context, w *walk, organization string) error {
	var seals []seal
	err := a.query(ctx, &dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :pk"),
		ExpressionAttributeValues: item{":pk": str(sealsPartition(organization))}},
		func(i item) (bool, error) { seals = append(seals, readSeal(i)); return true, nil })
	if err != nil {
		return err
	}
	digests, open := map[string][]byte{}, map[string]bool{}
	err = a.query(ctx, &dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :pk"),
		ExpressionAttributeValues: item{":pk": str(trailPartition(organization))}},
		func(i item) (bool, error) {
			digests[i.text("SK")] = digestOf(tree(i))
			open[i.text("SK")] = w.now.Sub(i.time("At")) > unsealedFor
			return true, nil
		})
	if err != nil {
		return err
	}
	var before seal
	for _, s := range seals {
		who := organizationOf(organization)
		w.find(s.number == before.number+1, "%s, seal %d: the one before is not there", who, s.number)
		w.find(bytes.Equal(s.before, before.hash), "%s, seal %d: it does not follow the one before", who, s.number)
		w.find(bytes.Equal(s.hash, s.sum(organization)), "%s, seal %d: its hash is that of another", who, s.number)
		entries := sha256.New()
		for _, id := range s.entries {
			_, unsealed := open[id]
			w.find(digests[id] != nil, "%s, seal %d: the entry %s is gone", who, s.number, id)
			w.find(digests[id] == nil || unsealed, "%s, seal %d: the entry %s is sealed twice", who, s.number, id)
			entries.Write(digests[id])
			delete(open, id)
		}
		w.find(bytes.Equal(s.digest, entries.Sum(nil)), "%s, seal %d: an entry of it was changed", who, s.number)
		before = s
	}
	for id, overdue := range open {
		if overdue {
			w.Unsealed = append(w.Unsealed, organizationOf(organization)+", audit entry "+id+": it has had no seal for over five minutes")
		}
	}
	return nil
}
