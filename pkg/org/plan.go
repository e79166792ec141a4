package org

import "time"

// Plan is what an organization is subscribed to.
type Plan struct {
	Name     string
	Features []Feature
}

// Feature is one thing that a plan entitles to.
type Feature struct {
	Key, Name, Description string
	Limit                  *int // nil: no limit
}

// DefaultPlan is the plan of a new organization.
const DefaultPlan = "standard"

var plans = map[string]Plan{
	DefaultPlan: {Name: DefaultPlan, Features: []Feature{
		{"admins", "Admins", "People who manage the organization.", nil},
		{"price_tiers", "Price tiers", "Named price lists, each in one currency.", new(200)},
		{"customer_links", "Customer links", "Users linked to customer numbers of the ERP.", nil},
		{"token_enrichment", "Token enrichment", "Access tokens that carry customer, price tier and currency.", nil},
	}},
}

// Status is where a subscription stands.
type Status string

// Active is a subscription that counts now.
const Active Status = "active"

// Subscription is an organization's use of a plan.
type Subscription struct {
	ID     string // sub_ and a ULID
	Plan   string
	Status Status
	Start  time.Time
	End    time.Time // zero: open
}

// Entitlements are the features of the plans subscribed to, each once.
func Entitlements(subscriptions []Subscription) []Feature {
	features, seen := []Feature{}, map[string]bool{}
	for _, s := range subscriptions {
		for _, f := range plans[s.Plan].Features {
			if !seen[f.Key] {
				seen[f.Key] = true
				features = append(features, f)
			}
		}
	}
	return features
}
