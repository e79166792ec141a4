package sam_test

import (
	"strings"
	"testing"

	"charter/pkg/sam"
)

func TestAllows(t *testing.T) {
	s := sam.Statement{Actions: []string{"dynamodb:PutItem"}, Resources: []string{"Table.Arn"}, Keys: []string{"ORG*AUDIT", "RATE*", "ONE"}}
	need := func(action, resource string, keys ...string) sam.Need {
		return sam.Need{Action: action, Resource: resource, Keys: keys}
	}
	for _, c := range []struct {
		need sam.Need
		want bool
	}{
		{need("dynamodb:PutItem", "Table.Arn", "ORG\x011\x01AUDIT", "RATE\x01x", "ONE"), true},
		{need("dynamodb:PutItem", "Table.Arn", "ORG\x011\x01AUDIT", "ORG\x011"), false}, // all keys, not one
		{need("dynamodb:PutItem", "Table.Arn", "ONE\x011"), false},
		{need("dynamodb:PutItem", "Table.Arn", "XRATE"), false},
		{need("dynamodb:PutItem", "Table.Arn", "ORGAUDI"), false},
		{need("dynamodb:PutItem", "Table.Arn/index/byDue", "ONE"), false},
		{need("dynamodb:PutItems", "Table.Arn", "ONE"), false},
	} {
		if got := s.Allows(c.need); got != c.want {
			t.Errorf("%+v: %v", c.need, got)
		}
	}
	letters := sam.Statement{Actions: []string{"ses:SendEmail"}, From: "a@example.com"}
	for from, want := range map[string]bool{"a@example.com": true, "b@example.com": false, "": false} {
		if got := letters.Allows(sam.Need{Action: "ses:SendEmail", From: from}); got != want {
			t.Errorf("a letter from %q: %v", from, got)
		}
	}
}

// A role that says something that is not read here is an error, and is not left
// out in silence.
func TestRolesThatAreNotRead(t *testing.T) {
	const guard = "    Properties: {CodeUri: functions/guard/}\n"
	for policies, want := range map[string]string{
		"[AWSLambdaExecute]": "Policies",
		"[{Statement: {Effect: Deny, Action: a, Resource: b}}]":                                                            "must allow",
		"[{Statement: {Effect: Allow, Action: a, NotResource: b}}]":                                                        "NotResource",
		"[{Statement: {Effect: Allow, Action: a, Resource: b, Condition: {Bool: {x: y}}}}]":                                "Bool",
		"[{Statement: {Effect: Allow, Action: a, Resource: b, Condition: {StringEquals: {\"ses:FromAddress\": [c, d]}}}}]": "ses:FromAddress",
	} {
		text := strings.Replace(small, guard, "    Properties:\n      CodeUri: functions/guard/\n      Policies: "+policies+"\n", 1)
		if _, err := sam.Read([]byte(text), map[string]string{"Word": "x"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", policies, err)
		}
	}
}
