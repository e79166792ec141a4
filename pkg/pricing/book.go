package pricing

import (
	"context"

	"charter/pkg/caller"
)

// Book keeps the price lists. The list is always that of the caller's
// organization. Each method also refuses a caller whose organization is gone,
// then one who does not hold the Admin role at that moment (fault.Forbidden),
// before it looks at anything else; fault.Unavailable means that nothing was
// done, or that it is not known what was.
//
// Two changes at once do not lose each other: the rules of Tiers hold for the
// list as it is at the moment of the write.
type Book interface {
	// Add puts a tier on the list. Errors: those of Tiers.Add.
	Add(ctx context.Context, c caller.Caller, name TierName, currency Currency) error

	// Change renames and reprices the tier named old, for its customers too,
	// none of which is written. Errors: those of Tiers.Change.
	Change(ctx context.Context, c caller.Caller, old, name TierName, currency Currency) error

	// Remove takes a tier off the list; its customers go to heir, "" for none,
	// none of which is written. No customer can begin to use the tier between
	// the count and the write. Errors: those of Tiers.Remove.
	Remove(ctx context.Context, c caller.Caller, name, heir TierName) error

	// Tiers is the list as it is now.
	Tiers(ctx context.Context, c caller.Caller) (Tiers, error)
}
