package table

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"charter/pkg/caller"
	"charter/pkg/mail"
	"charter/pkg/org"
	"charter/pkg/text"
)

// Team is the table as the members of organizations see it.
type Team struct{ *Table }

var _ org.Team = Team{}

// Establish implements org.Team. Nothing is read: of the caller's person the
// items hold what the token says, the e-mail; see complete.
func (t Team) Establish(ctx context.Context, c caller.Caller, name, slug string, p org.Profile) (org.Organization, error) {
	now := t.Now()
	o := org.Organization{ID: "org_" + t.ulid(), Code: t.code(), Name: name, Slug: slug, Profile: p,
		KYBStatus: org.KYBPending, CreatedAt: now, UpdatedAt: now}
	email, _ := mail.ParseAddress(c.Email)
	owner := org.User{ID: c.UserID, Person: org.Person{Email: email}}
	return once(ctx, t.Table, readOrganization, func(keep func(item) []write) (org.Organization, error) {
		for range mostRounds {
			slug := t.claim(newItem(slugKey(o.Slug)).with("OrganizationId", o.ID), org.SlugTaken)
			err := t.transact(ctx, slices.Concat(keep(organizationItem(o)), t.proven(c, ""), t.stays(owner, "Founded", org.AccountGone), []write{slug, t.put(organizationItem(o))}, t.making(o, owner, "")))
			if !errors.Is(err, errCodeRace) {
				return o, err
			}
			o.Code = t.code()
		}
		return org.Organization{}, busy
	})
}

// Organizations implements org.Team.
func (t Team) Organizations(ctx context.Context, c caller.Caller) ([]org.Organization, error) {
	items, err := t.partition(ctx, userPartition(c.UserID))
	if err != nil {
		return nil, err
	}
	memberships := whole(items).under("ORG")
	slices.SortFunc(memberships, func(a, b item) int {
		return cmp.Or(a.time("JoinedAt").Compare(b.time("JoinedAt")), cmp.Compare(a.text("OrganizationId"), b.text("OrganizationId")))
	})
	var organizations []org.Organization
	for some := range slices.Chunk(memberships, 100-len(provingKeys(c))) {
		keys := make([]key, len(some))
		for n, i := range some {
			keys[n] = orgKey(i.text("OrganizationId"))
		}
		found, err := t.fetch(ctx, append(provingKeys(c), keys...)...)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if found[k] == nil || isProven(c, found[k].text("OrganizationId"), found) != nil {
				continue
			}
			o, err := readOrganization(found[k])
			if err != nil {
				return nil, err
			}
			organizations = append(organizations, o)
		}
	}
	return organizations, nil
}

// Organization implements org.Team.
func (t Team) Organization(ctx context.Context, c caller.Caller) (org.Organization, error) {
	s, err := t.standing(ctx, c, org.ReadOrganization)
	if err != nil {
		return org.Organization{}, err
	}
	return readOrganization(s.found[orgKey(c.OrganizationID)])
}

// Revise implements org.Team. Only a new name for an organization whose name is
// claimed needs to know what stood before: its item comes with the refusal of
// the first try.
func (t Team) Revise(ctx context.Context, c caller.Caller, changes org.Changes) error {
	_, err := once(ctx, t.Table, nothing, func(keep func(item) []write) (struct{}, error) {
		return struct{}{}, t.acting(ctx, c, org.UpdateOrganization, org.Admin, nil, func(s standing) error {
			var claimed item
			for range mostRounds {
				err := t.transact(ctx, slices.Concat(keep(nil), t.proof(c, s, org.Admin), t.revising(c, changes, claimed)))
				var found nameClaimed
				if !errors.As(err, &found) {
					return err
				}
				claimed = found.item
			}
			return busy
		})
	})
	return err
}

// nameClaimed is an organization whose name is claimed, or was changed meanwhile.
type nameClaimed struct{ item }

func (nameClaimed) Error() string { return "table: the organization's name is claimed" }

// revising writes the changes. claimed is the organization as it stands, if it
// is known that its name is claimed.
func (t Team) revising(c caller.Caller, changes org.Changes, claimed item) []write {
	attributes := item{"UpdatedAt": moment(t.Now())}
	maps.Copy(attributes, changedAttributes(changes))
	condition, values := "attribute_exists(PK)", item{":one": num(1)}
	audit := t.audit(c.OrganizationID, c.Subject(), "organization.update", c.OrganizationID, changes.Fields()...)
	var release []write
	switch {
	case changes.Name == nil:
	case claimed == nil:
		condition += " AND NameClaimed = :no"
		values[":no"] = flag(false)
	default:
		condition += " AND " + sameVersion
		values[":version"] = num(claimed.number("Version"))
		if claimed.flag("NameClaimed") && !text.SameName(claimed.text("Name"), *changes.Name) {
			attributes["NameClaimed"] = flag(false)
			release = []write{t.remove(nameKey(claimed.text("Name")))}
		}
	}
	w := t.change(orgKey(c.OrganizationID), attributes, nil)
	*w.Update.UpdateExpression += " ADD Version :one"
	w.Update.ConditionExpression = &condition
	w.Update.ExpressionAttributeValues = values.and(w.Update.ExpressionAttributeValues)
	w.failed = func(old item) error {
		if old == nil {
			return errStale // gone, which the caller's standing tells
		}
		return nameClaimed{old}
	}
	return append([]write{w, audit}, release...)
}

// changedAttributes are the attributes of an organization's item that change.
func changedAttributes(changes org.Changes) item {
	attributes := item{}
	for name, value := range map[string]*string{
		"Name": changes.Name, "Address1": changes.Address1, "Address2": changes.Address2, "City": changes.City,
		"Region": changes.Region, "PostalCode": changes.PostalCode, "Country": changes.Country, "Phone": changes.Phone,
		"Website": changes.Website, "KRAPin": changes.KRAPin, "LogoURL": changes.LogoURL,
	} {
		if value != nil {
			attributes[name] = str(*value)
		}
	}
	if changes.Email != nil {
		attributes["Email"] = str(changes.Email.String())
	}
	return attributes
}
