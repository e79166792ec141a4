package table

import (
	"context"
	"slices"
	"strings"

	"charter/pkg/caller"
	"charter/pkg/org"
	"charter/pkg/text"
)

// The custom roles are one item. They are a map by the digest of the folded
// name, so that one condition says that a name is free. Each counts the members
// who have it. The version changes with what the roles say, not with the counts.
func rolesItem(organization string) item {
	return newItem(rolesKey(organization)).set("Version", num(1)).set("Custom", tree(item{}))
}

func roleName(r org.Role) string { return digest(text.Fold(string(r))) }

func policyList(policies org.Policies) string {
	words := make([]string, len(policies))
	for n, p := range policies {
		words[n] = string(p)
	}
	return strings.Join(words, " ")
}

func readRoles(i item) org.Roles {
	var roles org.Roles
	custom := i.tree("Custom")
	for name := range custom {
		d := custom.tree(name)
		policies, _ := org.ParsePolicies(strings.Fields(d.text("Policies")))
		roles = append(roles, org.Definition{Role: org.Role(d.text("Name")), Description: d.text("Description"), Policies: policies})
	}
	return roles
}

// Roles implements org.Team.
func (t Team) Roles(ctx context.Context, c caller.Caller) (org.Roles, error) {
	s, err := t.standing(ctx, c, org.ReadOrganization)
	return s.roles, err
}

// AddRole implements org.Team.
func (t Team) AddRole(ctx context.Context, c caller.Caller, d org.Definition) error {
	if _, builtIn := org.Roles(nil).Named(d.Role); builtIn {
		return t.protected(ctx, c)
	}
	role := item{"Name": str(string(d.Role)), "Description": str(d.Description), "Policies": str(policyList(d.Policies)), "Members": num(0)}
	return t.redefine(ctx, c, d, "role.add", definition{
		told:       []org.Difference{{Field: "Description"}, {Field: "Policies", New: policyList(d.Policies)}},
		expression: "SET Custom.#role = :definition ADD Version :one",
		condition:  "attribute_not_exists(Custom.#role) AND size(Custom) < :most",
		values:     item{":definition": tree(role), ":one": num(1), ":most": num(org.MaxRoles)},
		refused: func(before item) error {
			if before != nil {
				return org.RoleTaken
			}
			return org.TooManyRoles
		},
	})
}

// ChangeRole implements org.Team.
func (t Team) ChangeRole(ctx context.Context, c caller.Caller, d org.Definition) error {
	if _, builtIn := org.Roles(nil).Named(d.Role); builtIn {
		return t.protected(ctx, c)
	}
	return t.redefine(ctx, c, d, "role.update", definition{
		told:       []org.Difference{{Field: "Description"}, {Field: "Policies", New: policyList(d.Policies)}},
		expression: "SET Custom.#role.Description = :description, Custom.#role.Policies = :policies ADD Version :one",
		condition:  "attribute_exists(Custom.#role)",
		values:     item{":description": str(d.Description), ":policies": str(policyList(d.Policies)), ":one": num(1)},
		refused:    func(item) error { return org.UnknownRole },
	})
}

// RemoveRole implements org.Team.
func (t Team) RemoveRole(ctx context.Context, c caller.Caller, role org.Role) error {
	if _, builtIn := org.Roles(nil).Named(role); builtIn {
		return t.protected(ctx, c)
	}
	return t.redefine(ctx, c, org.Definition{Role: role}, "role.remove", definition{
		expression: "REMOVE Custom.#role ADD Version :one",
		condition:  "attribute_exists(Custom.#role) AND Custom.#role.Members = :zero",
		values:     item{":one": num(1), ":zero": num(0)},
		refused: func(before item) error {
			if before != nil {
				return org.RoleInUse
			}
			return org.UnknownRole
		},
	})
}

// protected refuses a change of a built-in role, once the caller may change any.
func (t Team) protected(ctx context.Context, c caller.Caller) error {
	if _, err := t.standing(ctx, c, org.UpdateOrganization); err != nil {
		return err
	}
	return org.ProtectedRole
}

// definition is a change of one custom role. refused says why it cannot be,
// given the role as it stands, nil when there is none.
type definition struct {
	expression, condition string
	values                item
	refused               func(before item) error
	told                  []org.Difference // by the audit trail
}

func (t Team) redefine(ctx context.Context, c caller.Caller, d org.Definition, action string, change definition) error {
	_, err := once(ctx, t.Table, nothing, func(keep func(item) []write) (struct{}, error) {
		as := d.Policies.Least()
		return struct{}{}, t.acting(ctx, c, org.UpdateOrganization, as, nil, func(s standing) error {
			if err := s.Grants(d.Policies); err != nil {
				return err
			}
			proof, condition, values := t.proof(c, s, as), change.condition, change.values
			if !s.Role.IsAdmin() {
				// ROLES is the item that changes: what it has to be is part of the change.
				proof = append([]write{t.hasRole(c, s.Role)}, t.proven(c, c.OrganizationID)...)
				condition += " AND " + sameVersion
				values = item{":version": num(s.version)}.and(change.values)
			}
			w := t.update(rolesKey(c.OrganizationID), change.expression, condition, values, func(roles item) error {
				if roles == nil || !s.Role.IsAdmin() && roles.number("Version") != s.version {
					return errStale
				}
				return change.refused(roles.tree("Custom").tree(roleName(d.Role)))
			})
			w.Update.ExpressionAttributeNames = map[string]string{"#role": roleName(d.Role)}
			return t.transact(ctx, slices.Concat(keep(nil), proof, []write{w, t.audit(c.OrganizationID, c.Subject(), action, string(d.Role), change.told...)}))
		})
	})
	return err
}

// recount moves a member from one role to another in the counts of custom
// roles; "" is no member. With a version it also checks that the custom roles
// are those that were read.
func (t *Table) recount(organization string, version int64, from, to org.Role) []write {
	names, values, sets := map[string]string{}, item{}, []string{}
	count := func(r org.Role, name, sign string) {
		if r.Custom() && from != to {
			names[name], values[":one"] = roleName(r), num(1)
			sets = append(sets, strings.ReplaceAll("Custom.?.Members = Custom.?.Members "+sign+" :one", "?", name))
		}
	}
	count(from, "#from", "-")
	count(to, "#to", "+")
	condition := "attribute_exists(PK)"
	if version > 0 {
		condition, values[":version"] = sameVersion, num(version)
	}
	switch {
	case len(sets) > 0:
		w := t.update(rolesKey(organization), "SET "+strings.Join(sets, ", "), condition, values, means(errStale))
		w.Update.ExpressionAttributeNames = names
		return []write{w}
	case version > 0:
		return []write{t.check(rolesKey(organization), condition, values, errStale)}
	}
	return nil
}
