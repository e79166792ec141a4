package table

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/mail"
	"charter/pkg/text"
)

// The table holds everything under string keys PK and SK. Access patterns, each
// with the method that serves it and its trips (sequential waits) on success. A
// caller whose token is for an unverified account adds a read of UNVERIFIED
// beside the first, or a check of it to the transaction:
//
//	found an organization                      Directory.Found        2  BatchGetItem; TransactWriteItems
//	read an organization, whole                Directory.Record       1  Query ORG#<id>
//	change an organization's profile           Directory.Change       2  Query ORG#<id>; TransactWriteItems
//	list the admins                            Directory.Admins       1  Query ORG#<id>
//	make somebody an admin                     Directory.Promote      2  BatchGetItem; TransactWriteItems
//	take the role from an admin                Directory.Demote       1  TransactWriteItems
//	find the account of an e-mail              Directory.Account      2  BatchGetItem EMAIL# beside 3 UpdateItem RATE#; Query USER#<id>
//	verify the e-mail of an account            Directory.Verify       3  BatchGetItem VERIFY# beside UpdateItem RATE#; BatchGetItem; TransactWriteItems
//	erase what nobody verified                 Directory.Expire       n  Query ORG#<id>; then as much as there is of it
//	read a member's standing                   Directory.Standing     1  BatchGetItem
//	find the account of another's token        Directory.Recognize    2  BatchGetItem; BatchGetItem USER#<id>, 2 for one to link
//	add an API client                          Directory.AddClient    1  TransactWriteItems
//	list the API clients                       Directory.Clients      1  Query ORG#<id>
//	remove an API client                       Directory.RemoveClient 1  TransactWriteItems
//	find an API client that signs in           Directory.Client       2  BatchGetItem CLIENT#<id> beside 2 UpdateItem RATE#; BatchGetItem
//	read the price list                        Book.Tiers             1  BatchGetItem
//	add a price tier                           Book.Add               1  TransactWriteItems
//	change a price tier                        Book.Change            2  BatchGetItem; TransactWriteItems
//	remove a price tier                        Book.Remove            2  BatchGetItem; TransactWriteItems
//	enter a customer                           Register.Enter         2  BatchGetItem; TransactWriteItems
//	read a customer                            Register.Customer      1  BatchGetItem
//	link a user to a customer                  Register.Associate     1  TransactWriteItems beside BatchGetItem, 2 for a new member
//	list the links                             Register.Associations  1  Query #ASSOCIATIONS beside BatchGetItem, 2 for up to 10,000 (3 beyond, 4 with a filter)
//	fold new links into the roll               Roll.Fold              2  BatchGetItem ROLL; Query #LOG, 10 for 95 that wait (more for a merge)
//	enrich a token                             Register.Enrich        3  BatchGetItem CODE#; BatchGetItem; BatchGetItem, 2 for a named customer
//	found an organization, as one signed in    Team.Establish         1  TransactWriteItems
//	list the organizations of a user           Team.Organizations     2  Query USER#<id>; BatchGetItem a hundred of them
//	become a member by an invitation           Team.Accept            2  BatchGetItem; TransactWriteItems
//	read an organization as a member           Team.Organization      1  BatchGetItem
//	change an organization as a member         Team.Revise            1  TransactWriteItems, 2 to rename where the name is claimed
//	list members and invitations               Team.Roster            1  Query #MEMBERS, 2 where an owner lacks a name
//	change a member's role                     Team.Assign            1  TransactWriteItems, 2 where a role is a custom one
//	end a membership                           Team.Dismiss           1  TransactWriteItems, 2 where a role is a custom one
//	invite somebody                            Team.Invite            2  BatchGetItem; TransactWriteItems
//	revoke an invitation                       Team.Revoke            1  TransactWriteItems
//	list the custom roles                      Team.Roles             1  BatchGetItem
//	add a custom role                          Team.AddRole           1  TransactWriteItems
//	change a custom role                       Team.ChangeRole        1  TransactWriteItems
//	remove a custom role                       Team.RemoveRole        1  TransactWriteItems
//	list what was done                         Trail.Entries          1  Query #AUDIT beside BatchGetItem
//	seal what was done                         Trail.Seal             4  Query #SEALS; Query #AUDIT; PutItem; BatchGetItem, 2 more for each further hundred
//	claim a letter for sending                 Outbox.Claim           2  UpdateItem LETTER#<id>; BatchGetItem MARK#
//	end a letter that was sent                 Outbox.Sent            1  TransactWriteItems
//	give a letter back                         Outbox.Failed          1  TransactWriteItems
//	list the letters that wait                 Outbox.Waiting         n  Query byDue a page
//	list the letters that were given up        Outbox.GivenUp         n  Query byDue a page
//	have a letter wait again                   Outbox.Revive          2  BatchGetItem; TransactWriteItems
//	mark an address that letters come back of  Outbox.Mark            1  TransactWriteItems
//	forget such a mark                         Outbox.Forget          1  DeleteItem MARK#
//
// Who runs the service has all of an organization besides: Operator finds it,
// hands it out (a Query for each part) and erases it, and Auditor looks whether
// the table is whole (both a Scan).
//
// Key parts are parted by U+0001, which no value may hold and which sorts below
// all others: nothing needs escaping, and the order of keys is the order of
// their parts. Folded names stand in keys as a digest, never raw: NFKC can grow
// a name 18 times, past the 2,048 bytes of a partition key.
//
//	organization                               ORG#<id>               ORG
//	who are admins and owners, as two sets     ORG#<id>               ADMINS
//	Admin is held by a user                    ORG#<id>               ADMIN#<user>
//	Admin is held by an API client             ORG#<id>               CLIENT#<client>
//	how many API clients there are             ORG#<id>               CLIENTS
//	price tiers, all in one                    ORG#<id>               TIERS
//	custom roles, all in one                   ORG#<id>               ROLES
//	subscription                               ORG#<id>               SUB#<id>
//	Admin is held, 16 times over               HOLDS#<id>#<subject>#<shard>  HOLDS
//	member                                     ORG#<id>#MEMBERS       MEMBER#<user>
//	invitation that waits                      ORG#<id>#MEMBERS       INVITE#<id>
//	customer                                   ORG#<id>#CUSTOMERS     CUSTOMER#<number>
//	customers of a tier, counted               ORG#<id>#TIERUSE       <tier><shard>
//	user is linked to a customer               ORG#<id>#ASSOCIATIONS  <user><number>
//	such a link that is on no sheet yet        ORG#<id>#LOG           <quarter><user><number>
//	end of a quarter of the log                ORG#<id>#LOG           <quarter>END
//	what the roll of links is made of          ORG#<id>#ROLL          ROLL
//	sheet of the roll, in two parts            ROLL#<id>#<sheet>      KEYS, REST
//	contents of the roll                       ROLL#<id>#<contents>   CONTENTS
//	audit entry                                ORG#<id>#AUDIT         <ulid>
//	seal over audit entries                    ORG#<id>#SEALS         <number>
//	name, slug, code is taken                  NAME#<digest> ...      NAME, SLUG, CODE
//	e-mail is taken, by whom                   EMAIL#<digest>         EMAIL
//	person of another issuer is linked         ISSUER#<digest>        ISSUER
//	user                                       USER#<id>              USER
//	user belongs to an organization            USER#<id>              ORG#<org>
//	account is unverified, 4 times over        UNVERIFIED#<user>#<shard>  UNVERIFIED
//	link that verifies an e-mail               VERIFY#<digest>        VERIFY
//	organization goes unless it is verified    EXPIRY#<org>           EXPIRY
//	API client, for signing in                 CLIENT#<id>            CLIENT
//	letter waiting or given up (index byDue)   LETTER#<id>            LETTER
//	address gets no more letters               MARK#<digest>          MARK
//	outcome under an Idempotency-Key           IDEMPOTENCY#<digest>   IDEMPOTENCY
//	attempts within a minute                   RATE#<digest>#<minute> RATE
//
// ORG#<id> holds only what is few, so that one Query reads it whole; what can
// be many has a partition of its own.
//
// ADMINS decides every change of who is an admin: both sets are in one item, so
// that one condition can say that the caller still is one, that the other one
// is or is not, and that an owner is left. It is written by such changes alone.
//
// HOLDS is how any other write checks that its caller still holds the role. A
// transaction conflicts with another that names the same item, even where both
// only check it, so fifty parallel writes of one API client would fight over
// one item. Therefore the role is held 16 times over, each in a partition of
// its own, and a write checks one at random. That is sound because the role is
// given and taken in one transaction with all 16: there is no moment at which
// some are there and others are not.
//
// MEMBER holds the one role of a member. A write by a member runs at once for
// an admin, as HOLDS or ADMINS proves, with a read of MEMBER and ROLES beside
// it, and once more for what was read where the caller has a custom role.
// ROLES counts the members of each custom role, so that one that is in use is
// not removed: who changes MEMBER says, as a condition, which role it held.
//
// ADMIN names the letter that welcomed the user, and says how far it has come:
// LETTER goes once it is sent, and a list of the admins is still one trip. Who
// sends a letter notes that in the same transaction, if the item names it still: an
// admin who is gone stays gone, and one who was made an admin anew has a new one.
//
// INVITE keeps a hash of its token. The token itself stands in the letter alone,
// whose item goes when it is sent, and opens nothing once the invitation is
// used, revoked, replaced or seven days old. It names organization and
// invitation, so that no item has to be found by the hash. The id is made from
// the address: a new invitation takes the place of the one before.
//
// UNVERIFIED says where an account whose e-mail nobody has proved may act: in
// HomeId, the organization that it was made with. Roles elsewhere are given to
// it as to any other; a token made for it says so, and every read and write by
// such a token looks at one of these items beside the role: 4, for the reason that
// HOLDS has, where no program asks but one person, until the link is followed. The
// link (VERIFY keeps its hash; it stands in the letter alone) deletes them, so
// that those tokens end and all roles count.
// Accepting an invitation marks them Accepted: its token was mailed to the same
// address, and the caller goes on with the token at hand.
//
// EXPIRY is there while nobody has verified an organization made in the
// commerce dialect; when TTL removes it, Directory.Expire erases the organization.
//
// MARK stands for an address whose mail system refuses it for good, or whose owner
// called a letter spam: its digest alone, whoever has an account with it or none. A
// letter to it ends as failed when it is claimed. No time takes it away, only
// Outbox.Forget.
//
// A seal names the entries that it covers, so that one that comes late, with an
// earlier id than those sealed, is of the next seal. Entries are never touched
// again; see Trail.Seal.
//
// LOG and ROLL make lists of many links fast: package roll says how. A link
// and its entry in the log are one transaction, in items of their own, so no
// writer waits for another. ROLL is changed by folding alone, on condition of
// its version, in the transaction that deletes from the log what went into its
// sheets: at every moment a link is in the log or on the sheets of an order, once.
// That transaction also writes the version behind each quarter of the log, so that
// who reads ROLL, and then a quarter, knows in the same trip whether both are of one
// moment. There are four, so that the entries of 10,000 links, with the longest
// numbers, are read in one trip: a Query ends after 1 MB.
// No link is ever taken away but with the whole organization: then ROLL goes before
// LOG, so that nobody ends it any more.
//
// TIERUSE is 16 items a tier, chosen by the customer's number, so that the one
// that was counted up is the one that is counted down. A tier is removed in the
// transaction that finds all of them at zero and closes them; a customer is
// entered in one that finds its own open. So no customer can have a tier that
// is gone, and no write touches an item that all writers touch.
const (
	sep      = "\x01"
	shards   = 16
	marks    = 4 // shards of UNVERIFIED
	quarters = 4 // of LOG
)

type key struct{ pk, sk string }

func (k key) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": str(k.pk), "SK": str(k.sk)}
}

func join(parts ...string) string { return strings.Join(parts, sep) }

// shardOf is which of so many shards a text belongs to: about as many to each.
func shardOf(text string, of uint32) int {
	h := fnv.New32a()
	h.Write([]byte(text))
	return int(h.Sum32() % of)
}

// digest makes a key part of a text of any length.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return lower32.EncodeToString(sum[:])
}

var lower32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func orgPartition(id string) string     { return join("ORG", id) }
func orgKey(id string) key              { return key{orgPartition(id), "ORG"} }
func adminsKey(id string) key           { return key{orgPartition(id), "ADMINS"} }
func adminKey(id, user string) key      { return key{orgPartition(id), join("ADMIN", user)} }
func clientKey(id, client string) key   { return key{orgPartition(id), join("CLIENT", client)} }
func clientCountKey(id string) key      { return key{orgPartition(id), "CLIENTS"} }
func tiersKey(id string) key            { return key{orgPartition(id), "TIERS"} }
func rolesKey(id string) key            { return key{orgPartition(id), "ROLES"} }
func subKey(id, sub string) key         { return key{orgPartition(id), join("SUB", sub)} }
func membersPartition(id string) string { return join("ORG", id, "MEMBERS") }
func memberKey(id, user string) key     { return key{membersPartition(id), join("MEMBER", user)} }
func invitationKey(id, invitation string) key {
	return key{membersPartition(id), join("INVITE", invitation)}
}
func customerKey(id string, n customer.Number) key {
	return key{join("ORG", id, "CUSTOMERS"), join("CUSTOMER", string(n))}
}
func tierUseKey(id, tier string, shard int) key {
	return key{join("ORG", id, "TIERUSE"), join(tier, strconv.Itoa(shard))}
}
func associationsPartition(id string) string { return join("ORG", id, "ASSOCIATIONS") }
func associationKey(a customer.Association) key {
	return key{associationsPartition(a.OrganizationID), a.Key()}
}

// readKey is what associationKey says in its sort key, and logKey in what follows
// the quarter.
func readKey(sk string) (userID string, n customer.Number) {
	user, number, _ := strings.Cut(sk, sep)
	return user, customer.Number(number)
}
func logPartition(id string) string { return join("ORG", id, "LOG") }
func logKey(a customer.Association) key {
	return key{logPartition(a.OrganizationID), join(strconv.Itoa(shardOf(a.Key(), quarters)), a.Key())}
}
func endKey(id string, quarter int) key { return key{logPartition(id), strconv.Itoa(quarter) + "END"} }
func rollKey(id string) key             { return key{join("ORG", id, "ROLL"), "ROLL"} }
func partKey(id, name, part string) key { return key{join("ROLL", id, name), part} }
func holdsKey(id, subject string, shard int) key {
	return key{join("HOLDS", id, subject, strconv.Itoa(shard)), "HOLDS"}
}
func trailPartition(id string) string { return join("ORG", id, "AUDIT") }
func auditKey(id, ulid string) key    { return key{trailPartition(id), ulid} }
func sealsPartition(id string) string { return join("ORG", id, "SEALS") }
func sealKey(id string, n int64) key  { return key{sealsPartition(id), fmt.Sprintf("%012d", n)} }

func nameKey(name string) key         { return key{join("NAME", digest(text.Fold(name))), "NAME"} }
func slugKey(slug string) key         { return key{join("SLUG", slug), "SLUG"} }
func codeKey(code string) key         { return key{join("CODE", code), "CODE"} }
func emailKey(email mail.Address) key { return key{join("EMAIL", digest(email.Folded())), "EMAIL"} }

// issuerKey stands for who an issuer says that somebody is.
func issuerKey(id caller.Identity) key {
	return key{join("ISSUER", digest(join(id.Issuer, id.Subject))), "ISSUER"}
}

func userPartition(id string) string    { return join("USER", id) }
func userKey(id string) key             { return key{userPartition(id), "USER"} }
func membershipKey(user, id string) key { return key{userPartition(user), join("ORG", id)} }

func unverifiedKey(user string, shard int) key {
	return key{join("UNVERIFIED", user, strconv.Itoa(shard)), "UNVERIFIED"}
}
func verifyKey(token string) key { return key{join("VERIFY", digest(token)), "VERIFY"} }
func expiryKey(id string) key    { return key{join("EXPIRY", id), "EXPIRY"} }

func signInKey(client string) key { return key{join("CLIENT", client), "CLIENT"} }
func rateKey(what string, minute int64) key {
	return key{join("RATE", digest(what), strconv.FormatInt(minute, 10)), "RATE"}
}
func markKey(to mail.Address) key {
	return key{join("MARK", digest(to.Folded())), "MARK"}
}
func letterKey(id string) key    { return key{join("LETTER", id), "LETTER"} }
func outcomeKey(name string) key { return key{join("IDEMPOTENCY", name), "IDEMPOTENCY"} }
