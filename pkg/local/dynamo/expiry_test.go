package dynamo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/local/dynamo"
)

func TestSweepDeletesWhatHasExpired(t *testing.T) {
	c, e := newTable(t)
	now := time.Unix(1_700_000_000, 0)
	e.Now = func() time.Time { return now }
	n, err := e.Sweep(t.Context())
	must(t, err, eq("swept without TTL", fmt.Sprint(n), "0"))
	_, err = c.db.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &c.table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: s("ttl"), Enabled: aws.Bool(true)},
	})
	must(t, err)
	at := func(d time.Duration) attributes {
		return attributes{"ttl": N(fmt.Sprint(now.Add(d).Unix())), "g1pk": S("g"), "g1sk": S("x")}
	}
	must(t, c.put("past", at(-time.Second)), c.put("future", at(time.Second)), c.put("ancient", at(-6*365*24*time.Hour)),
		c.put("text", attributes{"ttl": S("1")}), c.put("none", nil), c.put("fraction", attributes{"ttl": N("1600000000.9")}))
	got, err := c.get("past")
	must(t, err, eq("expired and not swept", fmt.Sprint(got != nil), "true"))
	n, err = e.Sweep(t.Context())
	must(t, err, eq("swept", fmt.Sprint(n), "2"))
	o, err := c.q("pk = :p", attributes{":p": S(c.pk)}, nil)
	must(t, err, eq("left", sks(o.Items), "ancient,future,none,text"))
	o, err = c.q("g1pk = :p", attributes{":p": S("g")}, func(in *dynamodb.QueryInput) { in.IndexName = s("GSI1") })
	must(t, err, eq("left in the index", sks(o.Items), "ancient,future"))

	var removed []string
	follow(t, e, dynamo.Subscription{
		Table: c.table, Name: "ttl", Filter: func(r dynamo.Record) bool { return r.EventName == "REMOVE" },
		Deliver: func(_ context.Context, records []dynamo.Record) ([]string, error) {
			for _, r := range records {
				data, _ := json.Marshal(r)
				removed = append(removed, string(data))
			}
			return nil, nil
		},
	}, atLeast(1))
	for _, r := range removed {
		if !strings.Contains(r, `"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}`) {
			t.Error(r)
		}
	}
}
