package dynamo

import (
	"context"
	"time"
)

type updateTimeToLive struct {
	TableName               string
	TimeToLiveSpecification *struct {
		AttributeName string
		Enabled       bool
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
func (e *Engine) updateTimeToLive(ctx context.Context, r *updateTimeToLive) (answer, error) {
	spec := r.TimeToLiveSpecification
	switch {
	case spec == nil:
		return nil, constraint("null", "timeToLiveSpecification", "Member must not be null")
	case spec.AttributeName == "" || len(spec.AttributeName) > 255:
		return nil, constraint(spec.AttributeName, "timeToLiveSpecification.attributeName",
			"Member must have length between 1 and 255")
	}
	err := e.change(ctx, func(x *edit) error {
		t, err := x.find(r.TableName)
		switch {
		case err != nil:
			return err
		case spec.Enabled && t.ttl != "":
			return invalid("TimeToLive is already enabled")
		case !spec.Enabled && t.ttl == "":
			return invalid("TimeToLive is already disabled")
		case !spec.Enabled && t.ttl != spec.AttributeName:
			return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
		}
		t = x.table(r.TableName)
		t.ttl = ""
		if spec.Enabled {
			t.ttl = spec.AttributeName
		}
		x.storeBirth(t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer{{"TimeToLiveSpecification", spec}}, nil
}

func (e *Engine) describeTimeToLive(_ context.Context, r *namedTable) (answer, error) {
	t, err := e.find(r.TableName)
	if err != nil {
		return nil, err
	}
	status := "ENABLED"
	if t.ttl == "" {
		status = "DISABLED"
	}
	return answer{{"TimeToLiveDescription", answer{{"TimeToLiveStatus", status}, {"AttributeName", t.ttl}}}}, nil
}

const (
	longExpired = 5 * 365 * 24 * time.Hour // what expired before is left alone, lest a wrong unit empty the table
	sweepBatch  = 500                      // items one edit deletes
)

// Sweep deletes every item that has expired by now, as the service does in the background within a few days: until then
// reads show it. It gives the number of items deleted; their stream records name the service as who did it.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
func (e *Engine) Sweep(ctx context.Context) (int, error) {
	deleted := 0
	for name, t := range e.shown.Load().tables {
		keys := t.expired(e.Now())
		for len(keys) > 0 {
			some := keys[:min(sweepBatch, len(keys))]
			keys = keys[len(some):]
			err := e.change(ctx, func(x *edit) error {
				deleted += x.expire(name, t.schema, some)
				return nil
			})
			if err != nil {
				return deleted, err
			}
		}
	}
	return deleted, nil
}

func (t *table) expired(now time.Time) []string {
	if t.ttl == "" {
		return nil
	}
	var keys []string
	for key, it := range t.items.up("", "") {
		if t.hasExpired(it, now) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (t *table) hasExpired(it Item, now time.Time) bool {
	at, ok := it.get(t.ttl).(number)
	if !ok {
		return false
	}
	seconds, ok := at.whole()
	return ok && seconds < now.Unix() && seconds > now.Add(-longExpired).Unix()
}

// expire deletes those of the items that are still there and still expired.
func (x *edit) expire(name string, s *schema, keys []string) int {
	n := 0
	for _, key := range keys {
		t := x.tables[name]
		if t == nil || t.schema != s {
			return n
		}
		if it, found := t.items.get(key); found && t.hasExpired(it, x.now) {
			x.replace(name, key, it, nil, true)
			n++
		}
	}
	return n
}
