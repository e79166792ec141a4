package table

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/mail"
	"charter/pkg/text"
)

// The table holds everything under string keys PK and SK. Access patterns, each
// with the method that serves it and its trips (sequential waits) when warm:
//
//	found an organization                      Directory.Found      2  BatchGetItem; TransactWriteItems
//	read an organization, whole                Directory.Record     1  Query ORG#<id>
//	find the account of an e-mail              Directory.Account    2  GetItem EMAIL#; Query USER#<id>
//	read a member's standing                   Directory.Standing   1  BatchGetItem
//	claim a letter for sending                 Outbox.Claim         1  UpdateItem LETTER#<id>
//	end a letter that was sent                 Outbox.Sent          1  DeleteItem LETTER#<id>
//	give a letter back                         Outbox.Failed        1  UpdateItem LETTER#<id>
//
// Key parts are parted by U+0001, which no value may hold and which sorts below
// all others: nothing needs escaping, and the order of keys is the order of
// their parts. Folded names stand in keys as a digest, never raw: NFKC can grow
// a name 18 times, past the 2,048 bytes of a partition key.
//
//	organization                               ORG#<id>             ORG
//	how many admins and owners it has          ORG#<id>             COUNTS
//	Admin is held by a user                    ORG#<id>             ADMIN#<user>
//	Admin is held by an API client             ORG#<id>             CLIENT#<client>
//	price tiers, all in one                    ORG#<id>             TIERS
//	subscription                               ORG#<id>             SUB#<id>
//	member                                     ORG#<id>#MEMBERS     MEMBER#<user>
//	audit entry                                ORG#<id>#AUDIT       <ulid>
//	name, slug, code is taken                  NAME#<digest> ...    NAME, SLUG, CODE
//	e-mail is taken, by whom                   EMAIL#<digest>       EMAIL
//	user                                       USER#<id>            USER
//	user belongs to an organization            USER#<id>            ORG#<org>
//	letter waiting (index byDue)               LETTER#<id>          LETTER
//	outcome under an Idempotency-Key           IDEMPOTENCY#<digest> IDEMPOTENCY
//
// ORG#<id> holds only what is few, so that one Query reads it whole; what can
// be many has a partition of its own.
const sep = "\x01"

type key struct{ pk, sk string }

func (k key) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": str(k.pk), "SK": str(k.sk)}
}

func join(parts ...string) string { return strings.Join(parts, sep) }

// digest makes a key part of a text of any length.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
}

func orgPartition(id string) string   { return join("ORG", id) }
func orgKey(id string) key            { return key{orgPartition(id), "ORG"} }
func countsKey(id string) key         { return key{orgPartition(id), "COUNTS"} }
func adminKey(id, user string) key    { return key{orgPartition(id), join("ADMIN", user)} }
func clientKey(id, client string) key { return key{orgPartition(id), join("CLIENT", client)} }
func tiersKey(id string) key          { return key{orgPartition(id), "TIERS"} }
func subKey(id, sub string) key       { return key{orgPartition(id), join("SUB", sub)} }
func memberKey(id, user string) key   { return key{join("ORG", id, "MEMBERS"), join("MEMBER", user)} }
func auditKey(id, ulid string) key    { return key{join("ORG", id, "AUDIT"), ulid} }

func nameKey(name string) key         { return key{join("NAME", digest(text.Fold(name))), "NAME"} }
func slugKey(slug string) key         { return key{join("SLUG", slug), "SLUG"} }
func codeKey(code string) key         { return key{join("CODE", code), "CODE"} }
func emailKey(email mail.Address) key { return key{join("EMAIL", digest(email.Folded())), "EMAIL"} }

func userPartition(id string) string    { return join("USER", id) }
func userKey(id string) key             { return key{userPartition(id), "USER"} }
func membershipKey(user, id string) key { return key{userPartition(user), join("ORG", id)} }

func letterKey(id string) key    { return key{join("LETTER", id), "LETTER"} }
func outcomeKey(name string) key { return key{join("IDEMPOTENCY", name), "IDEMPOTENCY"} }
