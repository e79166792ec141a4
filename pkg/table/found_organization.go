package table

import (
	"context"
	"errors"
	"slices"

	"charter/pkg/idempotency"
	"charter/pkg/org"
	"charter/pkg/pricing"
)

// What another request may have taken between our read and our write.
var (
	errSlugRace  = errors.New("table: the slug was taken meanwhile")
	errCodeRace  = errors.New("table: the code was taken before")
	errEmailRace = errors.New("table: the e-mail was taken meanwhile")
)

// mostRounds is how often one request tries anew when another was faster.
const mostRounds = 8

// Found implements org.Directory. The password is hashed whether there is an
// account or not: the time tells nothing. It is hashed once there is room for
// the attempt within its limits: that is the work which a flood would be after.
// Of attempts at once all may find room; no more than the limits say succeed.
func (d Directory) Found(ctx context.Context, a org.Application) (org.Organization, error) {
	return d.found(ctx, a, func() (string, error) { return a.Password.Hash(d.Random) })
}

func (d Directory) found(ctx context.Context, a org.Application, hash func() (string, error)) (org.Organization, error) {
	now := d.Now()
	o := org.Organization{ID: "org_" + d.ulid(), Code: d.code(), Name: a.Name, Profile: a.Organization, KYBStatus: org.KYBPending,
		CreatedAt: now, UpdatedAt: now}
	founder := org.User{ID: "kp_" + d.ulid(), Person: a.Founder, HomeID: o.ID, CreatedAt: now}
	limits := []rate{d.Limits.address("found", a.Source), d.Limits.email("found", a.Founder.Email)}
	return once(ctx, d.Table, readOrganization, func(keep func(item) []write) (_ org.Organization, err error) {
		defer func() { err = d.tally(ctx, limits, err) }()
		var free slugSearch
		for range 2 * mostRounds { // half of them to find a slug, if so many have it
			slug, choices := org.SlugOf(o.Name, o.Code), free.next()
			taken, err := d.taken(ctx, a, limits, slug, choices)
			if err != nil {
				return org.Organization{}, err
			}
			if founder.PasswordHash == "" {
				if founder.PasswordHash, err = hash(); err != nil {
					return org.Organization{}, err
				}
			}
			n, found := free.among(choices, func(n int) bool { return taken[slugKey(org.SlugChoice(slug, n))] == nil })
			if !found {
				continue
			}
			o.Slug = org.SlugChoice(slug, n)
			user, known := founder, taken[emailKey(a.Founder.Email)]
			if known != nil {
				if user, err = readUser(known); err != nil {
					return org.Organization{}, err
				}
			}
			err = d.transact(ctx, slices.Concat(keep(organizationItem(o)), d.counting(limits), d.founding(o, user, known != nil)))
			switch {
			case errors.Is(err, errCodeRace):
				o.Code, free = d.code(), slugSearch{} // the slug can be made of it
			case errors.Is(err, errSlugRace):
				free = slugSearch{taken: n}
			case !errors.Is(err, errEmailRace):
				return o, err
			}
		}
		return org.Organization{}, busy
	})
}

// taken looks at all that the organization wants, at the limits, and at the request's key.
func (d Directory) taken(ctx context.Context, a org.Application, limits []rate, slug string, choices []int) (map[key]item, error) {
	keys := []key{nameKey(a.Name), emailKey(a.Founder.Email)}
	for _, r := range limits {
		keys = append(keys, d.attempts(r))
	}
	attempt := idempotency.FromContext(ctx)
	if attempt != nil {
		keys = append(keys, outcomeKey(attempt.Name()))
	}
	for _, n := range choices {
		keys = append(keys, slugKey(org.SlugChoice(slug, n)))
	}
	found, err := d.fetch(ctx, keys...)
	if err == nil {
		err = d.within(limits, found)
	}
	if err == nil {
		err = d.before(attempt, found)
	}
	if err == nil && found[nameKey(a.Name)] != nil {
		err = org.NameTaken
	}
	return found, err
}

// founding is every item of a new organization. known: the user has an account.
func (d Directory) founding(o org.Organization, user org.User, known bool) []write {
	name := newItem(nameKey(o.Name)).with("OrganizationId", o.ID)
	slug := newItem(slugKey(o.Slug)).with("OrganizationId", o.ID)
	letter, writes := d.welcome(o, user)
	writes = append(writes, d.claim(name, org.NameTaken), d.claim(slug, errSlugRace))
	if known {
		writes = append(writes, d.check(emailKey(user.Email), "UserId = :user", item{":user": str(user.ID)}, errEmailRace))
		writes = append(writes, d.stays(user, "Founded", errEmailRace)...)
	} else {
		writes = append(writes, d.claim(emailItem(user), errEmailRace), d.put(userItem(user)))
		writes = append(writes, d.confine(user)...)
	}
	if !user.Verified() {
		writes = append(writes, d.put(newItem(expiryKey(o.ID)).with("OrganizationId", o.ID).
			set("ExpiresAt", num(o.CreatedAt.Add(org.UnverifiedTime).Unix()))))
	}
	writes = append(writes, d.put(organizationItem(o).set("NameClaimed", flag(true))))
	return append(writes, d.making(o, user, letter.ID)...)
}

// making is what goes with a new organization, in either dialect. letter is the
// id of the one that welcomes its owner, "" for none.
func (t *Table) making(o org.Organization, owner org.User, letter string) []write {
	admin := adminItem(o.ID, owner, org.Owner)
	if letter != "" {
		admin = admin.welcomed(letter, o.CreatedAt)
	}
	writes := []write{t.claim(newItem(codeKey(o.Code)).with("OrganizationId", o.ID), errCodeRace)}
	for _, i := range t.belonging(o, owner, org.Owner, o.CreatedAt) {
		writes = append(writes, t.put(i))
	}
	writes = append(writes, t.hold(o.ID, owner.ID)...)
	return append(writes,
		t.put(newItem(adminsKey(o.ID)).set("Admins", set(owner.ID)).set("Owners", set(owner.ID))),
		t.put(admin),
		t.put(tiersItem(o.ID, pricing.Tiers{}, 1)),
		t.put(rolesItem(o.ID)),
		t.put(subscriptionItem(o.ID, org.Subscription{ID: "sub_" + t.ulid(), Plan: org.DefaultPlan, Status: org.Active, Start: o.CreatedAt})),
		t.audit(o.ID, owner.ID, "organization.create", o.ID, org.Difference{Field: "Code", New: o.Code}, org.Difference{Field: "Plan", New: org.DefaultPlan}),
	)
}
