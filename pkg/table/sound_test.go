package table

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"charter/pkg/customer"
	"charter/pkg/mail"
	"charter/pkg/org"
	"charter/pkg/pricing"
)

// sound walks the table and checks what must hold of it at any moment, whatever
// was done to it: nothing by halves, nothing left over, all counts right.
func (d *desk) sound() {
	d.t.Helper()
	s := survey{desk: d, all: d.all(), used: map[key]int64{}}
	for k, i := range s.all {
		if i.text("TierId") != "" && strings.HasPrefix(k.sk, "CUSTOMER"+sep) {
			s.used[tierUseKey(between(k.pk), i.text("TierId"), shardOf(customer.Number(i.text("Number"))))]++
		}
	}
	for k, i := range s.all {
		s.item(k, i)
	}
	for k, n := range s.used {
		s.must(s.all[k].number("Customers") == n, k, "counts %d customers; there are %d", s.all[k].number("Customers"), n)
	}
}

type survey struct {
	*desk
	all  map[key]item
	used map[key]int64 // customers of a tier by their counter
}

// between is the organization of a partition such as ORG#<id>#MEMBERS.
func between(pk string) string { return strings.Split(pk, sep)[1] }

func (s survey) must(holds bool, k key, format string, args ...any) {
	s.t.Helper()
	if !holds {
		s.t.Errorf(strings.ReplaceAll(k.pk+" | "+k.sk, sep, "#")+": "+format, args...)
	}
}

func (s survey) item(k key, i item) {
	pk, sk := strings.Split(k.pk, sep), strings.Split(k.sk, sep)
	owner := s.all[orgKey(i.text("OrganizationId"))]
	switch pk[0] {
	case "ORG":
		s.must(s.all[orgKey(pk[1])] != nil, k, "its organization is not there")
		if len(pk) == 2 {
			s.organization(k, pk[1], sk, i)
		} else {
			s.many(k, pk[1], pk[2], sk, i)
		}
	case "HOLDS":
		client, isClient := strings.CutPrefix(pk[2], "client:")
		s.must(s.all[adminKey(pk[1], pk[2])] != nil || isClient && s.all[clientKey(pk[1], client)] != nil, k, "nobody has the role that is held")
	case "NAME":
		s.must(owner != nil && owner.flag("NameClaimed") && nameKey(owner.text("Name")) == k, k, "no organization has the name: %v", owner)
	case "SLUG":
		s.must(owner != nil && slugKey(owner.text("Slug")) == k, k, "no organization has the slug")
	case "CODE":
		s.must(owner != nil && codeKey(owner.text("Code")) == k, k, "no organization has the code")
	case "EMAIL":
		user := s.all[userKey(i.text("UserId"))]
		s.must(user != nil && s.email(user) == k, k, "no user has the e-mail")
	case "USER":
		if sk[0] == "USER" {
			email := s.all[s.email(i)]
			s.must(email.text("UserId") == pk[1], k, "its e-mail is not its own")
			s.must(email.text("VerifiedAt") == i.text("VerifiedAt") && email.text("HomeId") == i.text("HomeId"), k, "its e-mail knows another state")
			s.must(i["VerifiedAt"] != nil || i["HomeId"] == nil || s.all[unverifiedKey(pk[1], 0)] != nil, k, "it is neither verified nor unverified")
		} else {
			s.must(owner != nil && owner.text("Code") == i.text("Code"), k, "its organization is another")
			s.must(s.all[memberKey(sk[1], pk[1])] != nil, k, "the organization does not know of it")
		}
	case "UNVERIFIED":
		user := s.all[userKey(pk[1])]
		s.must(user != nil && user.text("HomeId") == i.text("HomeId"), k, "it is of nobody, or another home")
		s.must((user["VerifiedAt"] != nil) == i.flag("Accepted"), k, "the account is verified, or not")
		for n := range shards {
			s.must(s.all[unverifiedKey(pk[1], n)] != nil, k, "there is no %d", n)
		}
	case "EXPIRY":
		s.must(owner != nil && i.number("ExpiresAt") > 0, k, "its organization is not there")
	case "CLIENT":
		s.must(s.all[clientKey(i.text("OrganizationId"), pk[1])] != nil && len(i.bytes("SecretHash")) == 32, k, "no organization has the client")
	case "LETTER":
		_, err := mail.ParseAddress(i.text("To"))
		s.must(err == nil || i.text("FailedAt") != "", k, "no letter: %v", err)
		s.must((i.text("FailedAt") == "") == (i.text("DuePK") == "DUE" && i.text("DueAt") != ""), k, "due or failed, not both")
	case "IDEMPOTENCY":
		s.must(len(i.bytes("Print")) == 32 && i.number("ExpiresAt") > 0, k, "no outcome")
		s.must((i["Result"] == nil) != (i["Faults"] == nil), k, "a result or a refusal, not both")
	case "RATE":
		s.must(i.number("Attempts") > 0 && i.number("ExpiresAt") > 0, k, "no counter")
	}
}

func (s survey) email(i item) key {
	a, err := i.address("Email")
	if err != nil {
		s.t.Error(err)
	}
	return emailKey(a)
}

// organization checks an item of an organization's own partition.
func (s survey) organization(k key, id string, sk []string, i item) {
	admins := s.all[adminsKey(id)]
	switch sk[0] {
	case "ORG":
		s.must(s.all[slugKey(i.text("Slug"))].text("OrganizationId") == id, k, "its slug is not its own")
		s.must(s.all[codeKey(i.text("Code"))].text("OrganizationId") == id, k, "its code is not its own")
		s.must(!i.flag("NameClaimed") || s.all[nameKey(i.text("Name"))].text("OrganizationId") == id, k, "its name is not its own")
		s.must(admins != nil && s.all[tiersKey(id)] != nil && s.all[rolesKey(id)] != nil, k, "it is not whole")
	case "ADMINS":
		s.must(len(i.members("Owners")) > 0, k, "no owner is left")
		s.must(len(i.members("Admins")) <= org.MaxAdmins, k, "too many")
		for _, user := range i.members("Owners") {
			s.must(i.has("Admins", user), k, "%s is an owner and no admin", user)
		}
		for _, user := range i.members("Admins") {
			s.must(s.all[adminKey(id, user)] != nil, k, "%s has no item", user)
		}
	case "ADMIN":
		role := org.Admin
		if admins.has("Owners", sk[1]) {
			role = org.Owner
		}
		s.must(admins.has("Admins", sk[1]) && i.text("Role") == string(role), k, "the role is %q; want %q", i.text("Role"), role)
		s.must(s.all[memberKey(id, sk[1])].text("Role") == string(role), k, "the member's role is another")
		s.held(k, id, sk[1])
	case "CLIENT":
		s.must(s.all[signInKey(sk[1])].text("OrganizationId") == id, k, "it cannot sign in")
		s.held(k, id, "client:"+sk[1])
	case "CLIENTS":
		n := int64(0)
		for other := range s.all {
			if other.pk == k.pk && strings.HasPrefix(other.sk, "CLIENT"+sep) {
				n++
			}
		}
		s.must(i.number("Clients") == n && n <= org.MaxClients, k, "counts %d; there are %d", i.number("Clients"), n)
	case "TIERS":
		s.tiers(k, id, i)
	case "ROLES":
		custom := i.tree("Custom")
		for name := range custom {
			role, members := org.Role(custom.tree(name).text("Name")), int64(0)
			for other, m := range s.all {
				if other.pk == membersPartition(id) && m.text("UserId") != "" && m.text("Role") == string(role) {
					members++
				}
			}
			s.must(roleName(role) == name, k, "a role stands under another name")
			s.must(custom.tree(name).number("Members") == members, k, "%s counts %d members; there are %d", role, custom.tree(name).number("Members"), members)
		}
	}
}

func (s survey) held(k key, id, subject string) {
	for n := range shards {
		s.must(s.all[holdsKey(id, subject, n)] != nil, k, "the role is not held in %d", n)
	}
}

func (s survey) tiers(k key, id string, i item) {
	list := readTiers(i)
	defaults := 0
	for name := range i.tree("Tiers") {
		s.must(tierName(pricing.TierName(i.tree("Tiers").tree(name).text("Name"))) == name, k, "a tier stands under another name")
	}
	for _, t := range list.Live {
		if t.IsDefault {
			defaults++
		}
		for n := range shards {
			s.must(!s.all[tierUseKey(id, t.ID, n)].flag("Closed"), k, "%s is live and closed", t.Name)
		}
	}
	s.must(defaults == min(len(list.Live), 1), k, "%d of %d tiers are the default", defaults, len(list.Live))
	for gone := range list.Replaced {
		_, ok := list.Resolve(gone)
		s.must(ok, k, "nobody took over from %s", gone)
	}
}

// many checks an item of a partition of what can be many.
func (s survey) many(k key, id, kind string, sk []string, i item) {
	switch kind {
	case "MEMBERS":
		if sk[0] != "MEMBER" {
			email, err := i.address("Email")
			s.must(err == nil && invitationKey(id, org.InvitationID(email)) == k, k, "invites another address: %v", err)
			s.must(len(i.bytes("TokenHash")) == 32 && i.text("Role") != "" && i.number("ExpiresAt") > 0, k, "no invitation")
			return
		}
		role := org.Role(i.text("Role"))
		_, ok := readRoles(s.all[rolesKey(id)]).Named(role)
		s.must(ok, k, "there is no role %q", role)
		s.must(s.all[membershipKey(sk[1], id)] != nil && s.all[userKey(sk[1])] != nil, k, "the user does not know of it")
		s.must(org.Role(i.text("Role")).IsAdmin() == (s.all[adminKey(id, sk[1])] != nil), k, "the role %q is another", i.text("Role"))
		if newest := i.text("Newest"); newest != "" {
			s.must(s.all[key{associationsPartition(id), join(sk[1], newest)}] != nil, k, "the newest customer is not linked")
		}
	case "CUSTOMERS":
		if tier := i.text("TierId"); tier != "" {
			_, ok := readTiers(s.all[tiersKey(id)]).Resolve(tier)
			s.must(ok, k, "its tier is gone")
		}
	case "TIERUSE":
		n, err := strconv.Atoi(sk[1])
		s.must(err == nil && n < shards, k, "no counter")
		s.must(i.number("Customers") == s.used[k], k, "counts %d customers; there are %d", i.number("Customers"), s.used[k])
		s.must(!i.flag("Closed") || i.number("Customers") == 0, k, "closed with %d customers", i.number("Customers"))
	case "ASSOCIATIONS":
		s.must(s.all[memberKey(id, i.text("UserId"))] != nil, k, "the user is no member")
		s.must(associationKey(readAssociation(i)) == k, k, "stands in the wrong place")
	}
}

// kinds counts the items of the table by what they are.
func (d *desk) kinds() map[string]int {
	kinds := map[string]int{}
	for k := range d.all() {
		pk, sk := strings.Split(k.pk, sep), strings.Split(k.sk, sep)
		kind := pk[0]
		if pk[0] == "ORG" || pk[0] == "USER" {
			kind = strings.Join(slices.Concat(pk[:1], pk[2:], sk[:1]), " ")
			if len(pk) > 2 {
				kind = pk[2]
			}
		}
		kinds[kind]++
	}
	return kinds
}

// raw writes an item by hand, past all rules.
func (d *desk) raw(writes ...write) {
	d.t.Helper()
	if err := d.transact(context.Background(), writes); err != nil {
		d.t.Fatal(err)
	}
}
