package local_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"charter/pkg/local/dynamo"
)

// What a request may claim about itself, in headers that others set or that look like
// ours, and in members that no endpoint takes from anybody. <other...> is another
// organization's.
var (
	forgedHeaders = []string{"X-User-Id", "<other>", "X-Role", "owner", "X-Admin", "true", "X-Api-Key", "<otherCode>",
		"X-Forwarded-User", "<other>", "X-Forwarded-For", "198.51.100.9", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http",
		"X-Original-Url", "/v1/organizations", "X-Rewrite-Url", "/v1/organizations", "X-Http-Method-Override", "DELETE",
		"X-Amzn-Requestid", "forged", "X-Amz-Date", "20000101T000000Z", "X-Request-Id", "forged", "X-Org-Code", "<otherCode>"}
	forgedMembers = map[string]any{"Id": "<otherOrg>", "OrganizationId": "<otherOrg>", "orgId": "<otherOrg>", "OrgCode": "<otherCode>",
		"UserId": "<other>", "userId": "<other>", "sub": "<other>", "ownerId": "<other>", "AssociationId": "forged",
		"Role": "owner", "role": "owner", "Roles": []string{"Admin"}, "roles": []string{"owner"}, "Admin": true, "isAdmin": true,
		"permissions": []string{"org:organization:update"}, "protected": true, "IsDefault": true, "Verified": true, "emailVerified": true,
		"Status": "forged", "status": "forged", "kybStatus": "verified", "KYBStatus": "verified", "Plan": "forged",
		"CreatedAt": "2001-02-03T04:05:06.007Z", "createdAt": "2001-02-03T04:05:06.007Z", "UpdatedAt": "2001-02-03T04:05:06.007Z",
		"ExpiresAt": 1, "Slug": "forged", "Code": "org_00000000000", "PasswordHash": "forged", "Version": 99}
)

// Headers and members that claim ids, roles, status and times change neither the
// answer nor what is done: of every endpoint, for an owner and for a plain member,
// whose request is the same without them on the same table.
//
// Tried with the controls that it must catch: an endpoint that took the caller's id from
// X-User-Id, and an API client that took its name from Slug.
func TestForgeries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := startBroken(t)
		known := with(b.known, map[string]string{"other": b.known["rex"], "otherOrg": b.known["rexOrg"], "otherCode": b.known["rexCode"]})
		asked := 0
		for _, e := range slices.Concat(endpoints, changes) {
			plain := e.good(b.known)
			forged := plain
			if plain.body != "" {
				forged.body = forge(t, plain, known)
			}
			headers := []string{"X-Organization-Id", b.known["org"]}
			more := slices.Clone(headers)
			for _, h := range forgedHeaders {
				more = append(more, fill(h, known))
			}
			before := b.image(t)
			for _, who := range []string{"max", "owner"} {
				if e.who == "zoe" || e.who == "max" {
					who = e.who
				}
				b.restore(t, before)
				f := b.send(t, forged, b.token(t, who), more...)
				forgedDone, forgedIDs := since(before, b.image(t)), mentions(before, b.image(t), known["otherOrg"], known["otherCode"])
				b.restore(t, before)
				p := b.send(t, plain, b.token(t, who), headers...) // what the next row finds
				done, ids := since(before, b.image(t)), mentions(before, b.image(t), known["otherOrg"], known["otherCode"])
				if asked++; f.status != p.status || readable(f.body) != readable(p.body) {
					t.Errorf("%s as %s: %d %s\nforged: %d %s", e.route, who, p.status, p.body, f.status, f.body)
				}
				if forgedDone != done || forgedIDs != ids {
					t.Errorf("%s as %s did\n%s\nforged:\n%s", e.route, who, done, forgedDone)
				}
				if f.header.Get("X-Request-Id") == "forged" {
					t.Errorf("%s takes the id of the request from it", e.route)
				}
			}
		}
		t.Logf("%d requests forged", asked)
	})
}

// mentions counts how often what has changed names one of the ids.
func mentions(was, is dynamo.Image, ids ...string) (n int) {
	for _, item := range is.Since(was) {
		for _, id := range ids {
			n += strings.Count(written(item), id)
		}
	}
	return n
}

// forge is the body with the forged members beside its own. Of those that differ in
// case alone one is enough for the commerce dialect, which would refuse two.
func forge(t *testing.T, r request, known map[string]string) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(r.body), &members); err != nil {
		t.Fatal(err)
	}
	taken := map[string]bool{"orgcode": strings.HasSuffix(r.path, "/login")} // which is a member there that need not be sent
	for name := range members {
		taken[strings.ToLower(name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(forgedMembers)) {
		if !taken[strings.ToLower(name)] {
			taken[strings.ToLower(name)] = true
			members[name] = forgedMembers[name]
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return fill(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(text)), known)
}

// tellsApart are the endpoints that say, on purpose, whether there is what they are
// asked about: a code opens a token, a name is free or taken, an e-mail has an account.
var tellsApart = []string{"POST /api/organizations", "POST /api/auth/login", "POST /api/auth/verify", "POST /api/auth/access",
	"PUT /api/organization", "POST /api/organizations/users/admins", "POST /v1/organizations", "POST /v1/organizations/invites/accept",
	"POST /v1/organizations/iam/roles"}

// What is another organization's and what there is none of cannot be told apart by
// anybody: the same request about either gets the same answer, whoever asks.
//
// Tried with the control that it must catch: a member's read that looked whether there is
// the organization before it looked for the membership.
func TestAnothersIsLikeNone(t *testing.T) {
	t.Parallel()
	s := start(t)
	ant, bee := s.organization(t, "Ant"), s.organization(t, "Bee")
	none := with(bee, map[string]string{"org": "org_01jz0000000000000000000000", "code": "org_00000000000", "name": "Cat",
		"spare": "client_01jz0000000000000000000000", "invite": "inv_aaaaaaaaaaaaaaaaaaaaaaaaaa", "link": "01jz0000000000000000000000"})
	asked := 0
	for _, e := range endpoints {
		theirs, nobodys := e.good(bee), e.good(none)
		if slices.Contains(tellsApart, e.route) {
			continue
		}
		for _, who := range []string{"", "token", "member", "robot", "nowhere"} {
			for _, header := range []string{"same", ant["org"]} {
				ask := func(r request, o map[string]string) answer {
					organization := header
					if header == "same" {
						organization = o["org"]
					}
					a := s.send(t, r, ant[who], "X-Organization-Id", organization)
					for _, name := range []string{"org", "code", "name", "spare", "invite"} {
						a.body = strings.NewReplacer(bee[name], name, none[name], name).Replace(a.body)
					}
					a.body = readable(a.body)
					return a
				}
				about, missing := ask(theirs, bee), ask(nobodys, none)
				if asked++; about.status != missing.status || about.body != missing.body {
					t.Errorf("%s as %q, X-Organization-Id %s: of another %d %s\nof none %d %s", e.route, who, header,
						about.status, about.body, missing.status, missing.body)
				}
			}
		}
	}
	if asked < 100 {
		t.Errorf("asked only %d times", asked)
	}
}
