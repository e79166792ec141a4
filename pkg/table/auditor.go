package table

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"charter/pkg/customer/roll"
	"charter/pkg/mail"
	"charter/pkg/org"
	"charter/pkg/pricing"
)

// Auditor is the table as one sees it who checks that it is whole. It reads
// every item, and writes none.
type Auditor struct{ *Table }

// Report is what an Auditor found: sentences that name ids and no personal data.
type Report struct {
	Broken   []string       // what does not fit together
	Unsealed []string       // entries of the audit trail that wait for their seal for too long
	Items    int            // all that were read
	Counts   map[string]int // of them, by what they are
}

// Whole reports whether nothing was found.
func (r Report) Whole() bool { return len(r.Broken) == 0 && len(r.Unsealed) == 0 }

// Audit walks the table. Others may write meanwhile, so that what one item says
// was true when it was read and another's is true now: what is found counts only
// when a second walk finds the same again.
func (a Auditor) Audit(ctx context.Context) (Report, error) {
	report, err := a.walk(ctx)
	if err != nil || report.Whole() {
		return report, err
	}
	again, err := a.walk(ctx)
	again.Broken = both(again.Broken, report.Broken)
	again.Unsealed = both(again.Unsealed, report.Unsealed)
	return again, err
}

// both is what stands in both lists.
func both(a, b []string) []string {
	return slices.DeleteFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// walk is one way through the table.
type walk struct {
	ledger
	Report
	now      time.Time
	trails   map[string]bool   // organizations that have entries or seals
	rolls    map[string]string // the name of an organization's contents
	contents map[string][]byte // contents by organization and name
}

func (a Auditor) walk(ctx context.Context) (Report, error) {
	w := &walk{ledger: newLedger(), Report: Report{Counts: map[string]int{}}, now: a.Now(), trails: map[string]bool{},
		rolls: map[string]string{}, contents: map[string][]byte{}}
	pages := dynamodb.NewScanPaginator(a.Client, &dynamodb.ScanInput{TableName: &a.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Report{}, failure(err)
		}
		for _, i := range page.Items {
			w.item(i)
		}
	}
	for id := range w.trails {
		if err := a.judgeTrail(ctx, w, id); err != nil {
			return Report{}, err
		}
	}
	w.judgeRolls()
	w.Broken = append(w.Broken, w.findings()...)
	slices.Sort(w.Broken)
	slices.Sort(w.Unsealed)
	return w.Report, nil
}

// find adds what is wrong unless holds.
func (w *walk) find(holds bool, format string, args ...any) {
	if !holds {
		w.Broken = append(w.Broken, fmt.Sprintf(format, args...))
	}
}

// kind is a kind of items: what they are called and what must hold of one. pk
// and sk are the parts of its key.
type kind struct {
	name  string
	check func(w *walk, pk, sk []string, i item)
}

// kinds are all that there are, by the words in their keys, as keys.go lists them.
var kinds = map[string]kind{
	"ORG ORG":               {"organizations", (*walk).organization},
	"ORG ADMINS":            {"sets of admins", (*walk).admins},
	"ORG ADMIN":             {"admins", (*walk).admin},
	"ORG CLIENT":            {"API clients", (*walk).client},
	"ORG CLIENTS":           {"counts of API clients", (*walk).clientCount},
	"ORG TIERS":             {"price lists", (*walk).tiers},
	"ORG ROLES":             {"lists of custom roles", (*walk).roles},
	"ORG SUB":               {"subscriptions", (*walk).subscription},
	"ORG MEMBERS":           {"members and invitations", (*walk).memberOrInvitation},
	"ORG CUSTOMERS":         {"customers", (*walk).customer},
	"ORG TIERUSE":           {"counters of customers", (*walk).tierUse},
	"ORG ASSOCIATIONS":      {"associations", (*walk).association},
	"ORG LOG":               {"associations on no sheet", (*walk).logged},
	"ORG END":               {"ends of the quarters of a log", (*walk).end},
	"ORG ROLL":              {"rolls of associations", (*walk).roll},
	"ORG AUDIT":             {"audit entries", (*walk).entry},
	"ORG SEALS":             {"seals", (*walk).seal},
	"HOLDS HOLDS":           {"proofs of a role", (*walk).holds},
	"NAME NAME":             {"names", (*walk).claimed},
	"SLUG SLUG":             {"slugs", (*walk).claimed},
	"CODE CODE":             {"codes", (*walk).claimed},
	"EMAIL EMAIL":           {"e-mails", (*walk).email},
	"USER USER":             {"users", (*walk).user},
	"USER ORG":              {"memberships", (*walk).membership},
	"UNVERIFIED UNVERIFIED": {"marks of unverified accounts", (*walk).unverified},
	"VERIFY VERIFY": {"links that verify an e-mail", func(w *walk, _, _ []string, i item) {
		w.find(i.text("UserId") != "" && i.text("Email") != "", "a link that verifies an e-mail verifies none")
		w.expires(i, "a link that verifies an e-mail")
	}},
	"EXPIRY EXPIRY": {"unverified organizations", func(w *walk, pk, _ []string, i item) {
		w.needs("the organization "+pk[1]+" is not there, and waits to be verified", "organization", pk[1])
		w.expires(i, "the time of the unverified organization "+pk[1])
	}},
	"CLIENT CLIENT": {"sign-ins of API clients", (*walk).signIn},
	"ROLL KEYS":     {"sheets of a roll", (*walk).part},
	"ROLL REST":     {"rests of sheets", (*walk).part},
	"ROLL CONTENTS": {"contents of a roll", (*walk).part},
	"ISSUER ISSUER": {"links to other issuers", func(w *walk, _, _ []string, i item) {
		w.needs("a person of another issuer is linked to an account that is not there", "user", i.text("UserId"))
	}},
	"LETTER LETTER": {"letters", (*walk).letter},
	"MARK MARK": {"addresses that get no letters", func(w *walk, _, _ []string, i item) {
		why := mail.Reason(i.text("Reason"))
		w.find((why == mail.Bounced || why == mail.Complained) && !i.time("MarkedAt").IsZero(), "an address gets no letters, and nothing says why, or since when")
	}},
	"IDEMPOTENCY IDEMPOTENCY": {"outcomes", func(w *walk, _, _ []string, i item) {
		w.find(len(i.bytes("Print")) == 32 && (i["Result"] == nil) != (i["Faults"] == nil), "an outcome under an Idempotency-Key is no outcome")
		w.expires(i, "an outcome under an Idempotency-Key")
	}},
	"RATE RATE": {"counters of attempts", func(w *walk, _, _ []string, i item) {
		w.find(i.number("Attempts") > 0, "a counter of attempts counts none")
		w.expires(i, "a counter of attempts")
	}},
}

func (w *walk) expires(i item, what string) { w.find(i.number("ExpiresAt") > 0, "%s never ends", what) }

// kindOf is the words of a key: what is many is named by its partition.
func kindOf(pk, sk []string) string {
	switch {
	case pk[0] == "ORG" && len(pk) == 3 && pk[2] == "LOG" && len(sk) == 1:
		return "ORG END"
	case pk[0] == "ORG" && len(pk) == 3:
		return pk[0] + " " + pk[2]
	}
	return pk[0] + " " + sk[0]
}

// isWord reports whether a part of a key is none of a person's.
func isWord(part string) bool {
	return part != "" && len(part) <= 20 && strings.Trim(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (w *walk) item(i item) {
	w.Items++
	pk, sk := strings.Split(i.text("PK"), sep), strings.Split(i.text("SK"), sep)
	k, ok := kinds[kindOf(pk, sk)]
	if !ok || len(pk) < 2 {
		if !isWord(pk[0]) {
			pk[0] = "unknown"
		}
		w.find(false, "an item of a kind that there is not; its key begins with %s", pk[0])
		return
	}
	w.Counts[k.name]++
	if pk[0] == "ORG" {
		w.needs("the organization "+pk[1]+" is not there, but something of it is", "organization", pk[1])
	}
	k.check(w, pk, sk, i)
}

// Matters that two items agree on: what it means that the one is there alone,
// and that the other is.
var (
	ofName   = &matter{"its name is not claimed for it", "a name is claimed for it that it does not have"}
	ofSlug   = &matter{"its slug is not claimed for it", "a slug is claimed for it that it does not have"}
	ofCode   = &matter{"its code is not claimed for it", "a code is claimed for it that it does not have"}
	ofEmail  = &matter{"their e-mail is not claimed for them", "an e-mail is claimed for them that they do not have"}
	ofState  = &matter{"their e-mail knows another state of their account", "their account has another state than their e-mail knows"}
	ofMarks  = &matter{"they are unverified, and not all marks of it are there", "there are marks of an unverified account that is none"}
	ofSignIn = &matter{"it cannot sign in", "it can sign in, and no organization has it"}

	ofAdmin      = &matter{"they are in the set of admins, without an item that says so with the role", "they are in no set of admins that says so with the role, and have an item"}
	ofAdminRole  = &matter{"they are admin and their membership has another role", "their membership has a role that they are not admin with"}
	ofProof      = &matter{"proofs of the Admin role are missing", "there are proofs of an Admin role that is not held"}
	ofMembership = &matter{"they are a member and their account does not know of it", "their account knows of a membership that is not there"}

	ofLists     = &matter{"it has associations that lists of many would leave out", "lists of many would show associations that it does not have"}
	ofVersion   = &matter{"its roll has a version that its log does not know of", "its log knows of a version that its roll does not have"}
	ofClients   = &matter{"it has more API clients than are counted", "it counts more API clients than there are"}
	ofCustomers = &matter{"more customers have the tier than are counted", "more customers of the tier are counted than there are"}
	ofRole      = &matter{"more members have the custom role than are counted", "more members of the custom role are counted than there are"}
)

func organizationOf(id string) string     { return "organization " + id }
func userOf(id string) string             { return "user " + id }
func subjectOf(id, subject string) string { return "organization " + id + ", subject " + subject }

func (w *walk) organization(pk, _ []string, i item) {
	id, who := pk[1], organizationOf(pk[1])
	w.find(i.text("OrganizationId") == id, "%s: it has the id of another", who)
	w.has("organization", id)
	w.has("code of", id, i.text("Code"))
	w.needs(who+": it has no owner", "owner of", id)
	w.needs(who+": it has no price list", "price list of", id)
	w.needs(who+": it has no list of custom roles", "roles of", id)
	w.needs(who+": it has no subscription", "subscription of", id)
	w.book(ofSlug, 1, who, slugKey(i.text("Slug")).pk)
	w.book(ofCode, 1, who, codeKey(i.text("Code")).pk)
	if i.flag("NameClaimed") {
		w.book(ofName, 1, who, nameKey(i.text("Name")).pk)
	}
}

func (w *walk) claimed(pk, _ []string, i item) {
	m := map[string]*matter{"NAME": ofName, "SLUG": ofSlug, "CODE": ofCode}[pk[0]]
	w.book(m, -1, organizationOf(i.text("OrganizationId")), i.text("PK"))
}

func (w *walk) user(pk, _ []string, i item) {
	who := userOf(pk[1])
	w.has("user", pk[1])
	email, err := i.address("Email")
	w.find(err == nil && !email.IsZero() && i.text("UserId") == pk[1], "%s: their account is none", who)
	w.book(ofEmail, 1, who, emailKey(email).pk)
	w.book(ofState, 1, who, i.text("VerifiedAt")+i.text("HomeId"))
	if i["VerifiedAt"] == nil && i["HomeId"] != nil {
		w.book(ofMarks, allMarks, who, i.text("HomeId"))
	}
}

// unverified is a mark of an account. Where an invitation verified it, the marks
// go one by one.
func (w *walk) unverified(pk, _ []string, i item) {
	n, err := strconv.Atoi(pk[len(pk)-1])
	if err != nil || len(pk) != 3 || n < 0 || n >= marks {
		w.find(false, "a mark of an unverified account is none")
		return
	}
	if i.flag("Accepted") {
		w.expires(i, userOf(pk[1])+": a mark of their account, which is verified,")
		return
	}
	w.book(ofMarks, -1<<n, userOf(pk[1]), i.text("HomeId"))
}

func (w *walk) email(_, _ []string, i item) {
	w.book(ofEmail, -1, userOf(i.text("UserId")), i.text("PK"))
	w.book(ofState, -1, userOf(i.text("UserId")), i.text("VerifiedAt")+i.text("HomeId"))
}

func (w *walk) admins(pk, _ []string, i item) {
	who := organizationOf(pk[1])
	w.find(len(i.members("Admins")) <= org.MaxAdmins, "%s: it has too many admins", who)
	if len(i.members("Owners")) > 0 {
		w.has("owner of", pk[1])
	}
	for _, user := range i.members("Owners") {
		w.find(i.has("Admins", user), "%s: an owner is no admin", subjectOf(pk[1], user))
	}
	for _, user := range i.members("Admins") {
		role := org.Admin
		if i.has("Owners", user) {
			role = org.Owner
		}
		w.book(ofAdmin, 1, subjectOf(pk[1], user), string(role))
	}
}

func (w *walk) admin(pk, sk []string, i item) {
	who := subjectOf(pk[1], sk[1])
	w.book(ofAdmin, -1, who, i.text("Role"))
	w.book(ofAdminRole, 1, who, i.text("Role"))
	w.book(ofProof, allShards, who, "")
}

// The proofs of one subject are booked as bits, one for each shard, and so are
// the marks of an account.
const (
	allShards = 1<<shards - 1
	allMarks  = 1<<marks - 1
)

func (w *walk) holds(pk, _ []string, i item) {
	n, err := strconv.Atoi(pk[len(pk)-1])
	if err != nil || len(pk) != 4 || n < 0 || n >= shards {
		w.find(false, "a proof of a role is none")
		return
	}
	w.book(ofProof, -1<<n, subjectOf(pk[1], pk[2]), "")
}

func (w *walk) client(pk, sk []string, i item) {
	w.book(ofProof, allShards, subjectOf(pk[1], "client:"+sk[1]), "")
	w.book(ofSignIn, 1, subjectOf(pk[1], "client:"+sk[1]), "")
	w.book(ofClients, 1, organizationOf(pk[1]), "")
}

func (w *walk) signIn(pk, _ []string, i item) {
	who := subjectOf(i.text("OrganizationId"), "client:"+pk[1])
	w.find(len(i.bytes("SecretHash")) == 32, "%s: it has no secret", who)
	w.book(ofSignIn, -1, who, "")
}

func (w *walk) clientCount(pk, _ []string, i item) {
	w.find(i.number("Clients") <= org.MaxClients, "%s: it has too many API clients", organizationOf(pk[1]))
	w.book(ofClients, -i.number("Clients"), organizationOf(pk[1]), "")
}

func (w *walk) tiers(pk, _ []string, i item) {
	who := organizationOf(pk[1])
	w.has("price list of", pk[1])
	for name := range i.tree("Tiers") {
		w.find(tierName(pricing.TierName(i.tree("Tiers").tree(name).text("Name"))) == name, "%s: a price tier stands under another's name", who)
	}
	list, defaults := readTiers(i), 0
	for _, t := range list.Live {
		if t.IsDefault {
			defaults++
		}
		w.has("tier", pk[1], t.ID)
		w.has("live tier", pk[1], t.ID)
	}
	w.find(defaults == min(len(list.Live), 1), "%s: %d of its %d price tiers are the default", who, defaults, len(list.Live))
	for gone := range list.Replaced {
		_, ok := list.Resolve(gone)
		w.find(ok, "%s: nobody took over from the price tier %s", who, gone)
		w.has("tier", pk[1], gone)
	}
}

func (w *walk) roles(pk, _ []string, i item) {
	w.has("roles of", pk[1])
	custom := i.tree("Custom")
	w.find(len(custom) <= org.MaxRoles, "%s: it has too many custom roles", organizationOf(pk[1]))
	for name := range custom {
		role := custom.tree(name)
		w.find(roleName(org.Role(role.text("Name"))) == name, "%s: a custom role stands under another's name", organizationOf(pk[1]))
		w.has("role", pk[1], name)
		w.book(ofRole, -role.number("Members"), organizationOf(pk[1]), name)
	}
}

func (w *walk) subscription(pk, _ []string, i item) {
	w.has("subscription of", pk[1])
	w.find(len(org.Entitlements([]org.Subscription{readSubscription(i)})) > 0, "%s: it is subscribed to nothing", organizationOf(pk[1]))
}

func (w *walk) memberOrInvitation(pk, sk []string, i item) {
	if sk[0] == "INVITE" {
		email, err := i.address("Email")
		who := organizationOf(pk[1])
		w.find(err == nil && invitationKey(pk[1], org.InvitationID(email)).sk == i.text("SK"), "%s: an invitation stands under another's address", who)
		w.find(len(i.bytes("TokenHash")) == 32 && i.text("Role") != "", "%s: an invitation opens nothing", who)
		w.expires(i, who+": an invitation")
		return
	}
	user, role, who := sk[len(sk)-1], org.Role(i.text("Role")), subjectOf(pk[1], sk[len(sk)-1])
	w.find(sk[0] == "MEMBER" && i.text("UserId") == user, "%s: their membership is none", who)
	w.has("member", pk[1], user)
	w.needs(who+": they are a member and have no account", "user", user)
	w.book(ofMembership, 1, who, "")
	switch {
	case role.IsAdmin():
		w.book(ofAdminRole, -1, who, string(role))
	case role.Custom():
		w.needs(who+": they have a custom role that there is not", "role", pk[1], roleName(role))
		w.book(ofRole, 1, organizationOf(pk[1]), roleName(role))
	}
	if newest := i.text("Newest"); newest != "" {
		w.needs(who+": they are not linked to their newest customer", "association", pk[1], user, newest)
	}
}

func (w *walk) membership(pk, sk []string, i item) {
	who := subjectOf(sk[1], pk[1])
	w.book(ofMembership, -1, who, "")
	w.find(i.text("OrganizationId") == sk[1], "%s: their account knows of another organization", who)
	w.needs(who+": their account has another code for it", "code of", sk[1], i.text("Code"))
}

func (w *walk) customer(pk, sk []string, i item) {
	who := organizationOf(pk[1]) + ", customer " + sk[1]
	_, err := i.address("CompanyEmail")
	w.find(err == nil && i.text("Number") == sk[1], "%s: it is none", who)
	if tier := i.text("TierId"); tier != "" {
		w.needs(who+": its price tier is gone", "tier", pk[1], tier)
		w.book(ofCustomers, 1, tierOf(pk[1], tier), strconv.Itoa(shardOf(sk[1], shards)))
	}
}

func tierOf(id, tier string) string { return "organization " + id + ", price tier " + tier }

func (w *walk) tierUse(pk, sk []string, i item) {
	who := tierOf(pk[1], sk[0])
	w.find(len(sk) == 2, "%s: a counter of its customers is none", who)
	w.book(ofCustomers, -i.number("Customers"), who, sk[len(sk)-1])
	if i.flag("Closed") {
		w.find(i.number("Customers") == 0, "%s: it is closed and has customers", who)
		w.bars(who+": it is closed and on the price list", "live tier", pk[1], sk[0])
	}
}

func (w *walk) association(pk, _ []string, i item) {
	a := readAssociation(i)
	who := subjectOf(pk[1], a.UserID)
	w.find(associationKey(a) == key{i.text("PK"), i.text("SK")}, "%s: an association stands in the wrong place", who)
	w.has("association", pk[1], a.UserID, string(a.Number))
	w.needs(who+": they have an association and no account", "user", a.UserID)
	w.book(ofLists, 1, organizationOf(pk[1]), "")
}

func (w *walk) logged(pk, _ []string, i item) {
	a := readLog(pk[1], i)
	w.find(logKey(a).sk == i.text("SK"), "%s: an association is in another quarter of the log than its own", subjectOf(pk[1], a.UserID))
	w.needs(subjectOf(pk[1], a.UserID)+": an association is in the log and nowhere else", "association", pk[1], a.UserID, string(a.Number))
	w.book(ofLists, -1, organizationOf(pk[1]), "")
}

func (w *walk) roll(pk, _ []string, i item) {
	s := readRoll(i)
	w.has("roll of", pk[1])
	for quarter := range quarters {
		w.book(ofVersion, s.version, organizationOf(pk[1]), endKey(pk[1], quarter).sk)
	}
	w.book(ofLists, -int64(s.rows), organizationOf(pk[1]), "")
	w.rolls[pk[1]] = s.contents
	if s.contents != "" {
		w.needs(organizationOf(pk[1])+": its roll has no contents", "part", pk[1], s.contents, contentsPart)
	}
	w.needsSheet(pk[1], s.loose)
}

func (w *walk) end(pk, sk []string, i item) {
	w.book(ofVersion, -i.number("Version"), organizationOf(pk[1]), sk[0])
}

func (w *walk) needsSheet(organization, name string) {
	if name != "" {
		w.needs(organizationOf(organization)+": a sheet of its roll is missing", "part", organization, name, keysPart)
		w.needs(organizationOf(organization)+": the rest of a sheet of its roll is missing", "part", organization, name, restPart)
	}
}

func (w *walk) part(pk, sk []string, i item) {
	w.needs(organizationOf(pk[1])+": there are sheets of a roll that is not there", "roll of", pk[1])
	w.has("part", pk[1], pk[2], sk[0])
	if sk[0] == contentsPart {
		w.contents[join(pk[1], pk[2])] = i.bytes("Part")
	}
}

// judgeRolls looks for the sheets that the contents name.
func (w *walk) judgeRolls() {
	for organization, name := range w.rolls {
		text, ok := w.contents[join(organization, name)]
		if !ok {
			continue // missed already, if there has to be one
		}
		contents, err := roll.OpenContents(text)
		w.find(err == nil, "%s: the contents of its roll are damaged", organizationOf(organization))
		for sheet := range contents.Sheets() {
			w.needsSheet(organization, sheet)
		}
	}
}

func (w *walk) letter(pk, _ []string, i item) {
	_, err := readLetter(i)
	failed, part := i.text("FailedAt") != "", i.text("DuePK")
	w.find(err == nil || failed, "letter %s: it waits and cannot be sent", pk[1])
	w.find(i.text("DueAt") != "" && (part == due && !failed || part == givenUp && failed), "letter %s: it has to be due or to have failed", pk[1])
	w.find(mail.Kind(i.text("Kind")) != "" && i.text("LetterId") == pk[1], "letter %s: it is none", pk[1])
}

func (w *walk) entry(pk, sk []string, i item) {
	w.trails[pk[1]] = true
	w.find(i.text("AuditId") == sk[0] && i.text("Subject") != "" && i.text("Action") != "" && i.text("Target") != "" && !i.time("At").IsZero(),
		"organization %s, audit entry %s: it does not say who did what, when, to what", pk[1], sk[0])
}

func (w *walk) seal(pk, _ []string, _ item) { w.trails[pk[1]] = true }
