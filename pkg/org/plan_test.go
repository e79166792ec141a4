package org

import "testing"

func TestEntitlements(t *testing.T) {
	got := Entitlements([]Subscription{{Plan: DefaultPlan}, {Plan: DefaultPlan}, {Plan: "unknown"}})
	if len(got) != len(plans[DefaultPlan].Features) || len(got) == 0 {
		t.Errorf("got %v", got)
	}
}
