package lambdastream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Only what TTL deleted is called for, and what fails is reported.
func TestHandlerExpired(t *testing.T) {
	record := func(n int, name, identity, id string) string {
		return fmt.Sprintf(`{"eventName": %q, %s "dynamodb": {"SequenceNumber": "%d", "OldImage": {"OrganizationId": {"S": %q}}}}`, name, identity, n, id)
	}
	service := `"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},`
	event := `{"Records": [` + strings.Join([]string{
		record(1, "REMOVE", service, "org_1"),
		record(2, "REMOVE", "", "org_by_hand"),
		record(3, "REMOVE", `"userIdentity": {"type": "Service", "principalId": "somebody"},`, "org_by_another"),
		record(4, "MODIFY", service, "org_changed"),
		strings.Replace(record(5, "REMOVE", service, "x"), "OrganizationId", "LetterId", 1),
		record(6, "REMOVE", service, "org_2"),
	}, ",") + `]}`
	var called []string
	done := make(chan string, 10)
	answer, err := HandlerExpired("OrganizationId", func(_ context.Context, id string) error {
		done <- id
		if id == "org_2" {
			return errors.New("not now")
		}
		return nil
	}).Invoke(t.Context(), []byte(event))
	close(done)
	for id := range done {
		called = append(called, id)
	}
	slices.Sort(called)
	if err != nil || !slices.Equal(called, []string{"org_1", "org_2"}) || string(answer) != `{"batchItemFailures":[{"itemIdentifier":"6"}]}` {
		t.Errorf("%v, %s, %v", called, answer, err)
	}
}
