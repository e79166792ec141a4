package table

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/org"
)

func (d *desk) exported(id string) []byte {
	d.t.Helper()
	var b bytes.Buffer
	if err := (Operator{d.Table}).Export(d.t.Context(), id, func(e Exported) error { return json.NewEncoder(&b).Encode(e) }); err != nil {
		d.t.Fatal(err)
	}
	return b.Bytes()
}

// An export holds every text of every item that is the organization's or its
// members' account, no secret, nothing of another organization, and is the same
// each time. What is said elsewhere, too, is not said again.
//
// Tried with the controls that it must catch: an export without custom roles,
// without seals, without accounts, with TokenHash, with letters of everybody.
func TestExport(t *testing.T) {
	d, ann := furnished(t)
	id, ctx := ann.OrganizationID, t.Context()
	var other string
	for k := range d.all() {
		if k.sk == "ROLL" {
			other = strings.Split(k.pk, sep)[1]
		}
	}
	owner := ann
	wants(t, "invite", Team{d.Table}.Invite(ctx, owner, address(t, "zoe@acme.example"), org.Member))
	wants(t, "role", Team{d.Table}.AddRole(ctx, owner, org.Definition{Role: "packer", Description: "Packs.", Policies: org.Policies{org.CreateOrders}}))
	for _, organization := range []string{id, other} {
		text := string(d.exported(organization))
		again := map[string]bool{"ADMINS": true, "CLIENTS": true, "TIERUSE": true, "LOG": true, "ROLL": true}
		for k, i := range d.all() {
			pk := strings.Split(k.pk, sep)
			member := pk[0] == "USER" && k.sk == "USER" && d.all()[memberKey(organization, pk[1])] != nil
			if mine := pk[0] == "ORG" && pk[1] == organization; !mine && !member || again[pk[len(pk)-1]] || again[k.sk] {
				continue
			}
			for name, v := range i {
				if s, ok := v.(*types.AttributeValueMemberS); ok && !slices.Contains(secrets, name) && !slices.Contains(bookkeeping, name) {
					if quoted, _ := json.Marshal(s.Value); !strings.Contains(text, string(quoted)) {
						t.Errorf("%s: %s = %q is not exported", strings.ReplaceAll(k.pk+" | "+k.sk, sep, "#"), name, s.Value)
					}
				}
			}
		}
		for part, record := range map[string]string{"ADMIN": "admin", "CLIENT": "API client", "SUB": "subscription", "MEMBER": "member", "INVITE": "invitation",
			"CUSTOMERS": "customer", "ASSOCIATIONS": "association", "AUDIT": "audit entry", "SEALS": "seal"} {
			n := 0
			for k := range d.all() {
				if strings.HasPrefix(k.pk, orgPartition(organization)) && (strings.HasPrefix(k.sk, part+sep) || strings.HasSuffix(k.pk, sep+part)) {
					n++
				}
			}
			if got := strings.Count(text, `{"Record":"`+record+`"`); got != n {
				t.Errorf("%d of %d %s", got, n, record)
			}
		}
		for _, i := range d.all() {
			for _, name := range []string{"PasswordHash", "SecretHash", "TokenHash", "Token", "HomeId"} {
				secret := i.text(name)
				if b := i.bytes(name); b != nil {
					secret = base64.StdEncoding.EncodeToString(b)
				}
				if secret != "" && secret != organization && strings.Contains(text, secret) {
					t.Errorf("a %s is exported", name)
				}
			}
		}
		if foreign := map[string]string{id: other, other: id}[organization]; strings.Contains(text, foreign) {
			t.Errorf("something of %s is in the export of %s", foreign, organization)
		}
		if !bytes.Equal(d.exported(organization), []byte(text)) {
			t.Error("another export differs")
		}
	}
	wants(t, "nobody's", Operator{d.Table}.Export(ctx, "org_none", func(Exported) error { return nil }), NoOrganization)
}
