package local

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"charter/pkg/local/conversation"
)

// Eight clients of four processes do what they like to one organization's
// admins and price tiers and to the names of organizations: what they were
// answered must be what some order of their requests, one after another, would
// have answered, in which none comes before one that had ended when it began.
func TestHistories(t *testing.T) {
	t.Parallel()
	urls, table := gateways(t)
	h := newHistory(t, urls, table)
	at(h.clients(40)...)
	for name, ops := range h.ops {
		model := models[name]
		result, _ := porcupine.CheckOperationsVerbose(model, ops, time.Minute)
		if result != porcupine.Ok {
			t.Errorf("the %d requests about %s have no such order: %s", len(ops), name, result)
			for _, o := range ops {
				t.Log(o.ClientId, o.Call, o.Return, model.DescribeOperation(o.Input, o.Output))
			}
		}
		if !slices.ContainsFunc(ops, func(o porcupine.Operation) bool { return o.Output == done }) {
			t.Errorf("nothing was done about %s", name)
		}
		// The check itself can fail: it does with one more answer that nothing
		// can have come before.
		forged := append(slices.Clone(ops), porcupine.Operation{Input: forgeries[name].in, Output: forgeries[name].out,
			Call: math.MaxInt64 - 1, Return: math.MaxInt64})
		if porcupine.CheckOperations(model, forged) {
			t.Errorf("a forged history about %s passes", name)
		}
	}
	whole(t, table.Table)
}

const clients = 8

// history is what clients asked and were answered, by what it was about.
type history struct {
	t              *testing.T
	urls           []string
	begin          time.Time
	code           string
	emails, ids    []string // of the clients
	tokens, people []string // for the organization; for the client's own

	mu  sync.Mutex
	ops map[string][]porcupine.Operation
}

// newHistory makes one organization whose owners are all clients, and each its own.
func newHistory(t *testing.T, urls []string, mail http.Handler) *history {
	t.Helper()
	h := &history{t: t, urls: urls, begin: time.Now(), ops: map[string][]porcupine.Operation{}}
	for n := range clients {
		email := fmt.Sprintf("c%d@history.example", n)
		status, made := call("POST", urls[0]+"/api/organizations", "", creation(fmt.Sprintf("Own %d", n), email))
		if status != http.StatusCreated {
			t.Fatalf("create: %d %v", status, made)
		}
		conversation.Run(t, mail, "testdata/verify.txt", map[string]string{"email": email, "password": "Password1234!"})
		own := login(t, urls[0], email, "")
		if n == 0 {
			h.code = made["IdentityOrganizationId"].(string)
		} else if status, _ := call("POST", urls[0]+admins, h.people[0], fmt.Sprintf(`{"Email":%q}`, email)); status != http.StatusOK {
			t.Fatalf("promote: %d", status)
		}
		h.emails, h.ids, h.people = append(h.emails, email), append(h.ids, subject(own)), append(h.people, own)
		h.tokens = append(h.tokens, h.within(urls[0], own, h.code))
	}
	return h
}

// within is a token of the person for the organization of the code.
func (h *history) within(url, token, code string) string {
	_, answer := call("POST", url+"/api/auth/access", token, fmt.Sprintf(`{"OrgCode":%q}`, code))
	made, _ := answer["AccessToken"].(string)
	if made == "" {
		h.t.Errorf("no token: %v", answer)
	}
	return made
}

const (
	admins = "/api/organizations/users/admins"
	tiers  = "/api/organizations/price-tiers"
)

// Outcomes of requests. What got no answer may have been done or may be yet.
const (
	done    = "done"
	unknown = "no answer"
)

// ask makes a request and books it with what became of it, which for a read is
// what said makes of the answer.
func (h *history) ask(about string, client int, in any, said func(answer map[string]any) string, method, path, token, body string) (
	outcome string, answer map[string]any) {

	called := time.Since(h.begin)
	status, answer := call(method, h.urls[client%len(h.urls)]+path, token, body)
	returned := time.Since(h.begin)
	code, _ := answer["code"].(string)
	switch {
	case said != nil && status == http.StatusOK:
		outcome = said(answer)
	case status == http.StatusOK || status == http.StatusCreated:
		outcome = done
	case status == http.StatusServiceUnavailable && code == "busy": // nothing was done
		return code, answer
	case status == 0 || status >= http.StatusInternalServerError:
		outcome, returned = unknown, math.MaxInt64
	default:
		outcome = code
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops[about] = append(h.ops[about], porcupine.Operation{ClientId: client, Input: in, Output: outcome, Call: int64(called), Return: int64(returned)})
	return outcome, answer
}

// clients are what each client does, so many requests each.
func (h *history) clients(requests int) []func() {
	var all []func()
	for client := range clients {
		all = append(all, func() {
			mine := &owned{history: h, client: client, tokens: map[int]string{}}
			for range requests {
				switch rand.N(3) {
				case 0:
					h.admin(client)
				case 1:
					h.tier(client)
				case 2:
					mine.name()
				}
			}
		})
	}
	return all
}

// Admins: the state is who they are, a bit each. All are owners.

type adminRequest struct {
	do        string // promote, demote, act
	who, whom int
}

func (h *history) admin(client int) {
	in := adminRequest{[]string{"promote", "promote", "demote", "act"}[rand.N(4)], client, rand.N(clients)}
	switch in.do {
	case "promote":
		h.ask("admins", client, in, nil, "POST", admins, h.tokens[client], fmt.Sprintf(`{"Email":%q}`, h.emails[in.whom]))
	case "demote":
		h.ask("admins", client, in, nil, "DELETE", admins, h.tokens[client], fmt.Sprintf(`{"UserId":%q}`, h.ids[in.whom]))
	case "act": // something else that needs the role
		h.ask("admins", client, in, nil, "GET", "/api/organization", h.tokens[client], "")
	}
}

func (in adminRequest) step(are uint) (after uint, outcome string) {
	who, whom := uint(1)<<in.who, uint(1)<<in.whom
	switch {
	case are&who == 0:
		return are, "admin_required"
	case in.do == "promote":
		return are | whom, done
	case in.do == "act":
		return are, done
	case are&whom == 0:
		return are, "not_an_admin"
	case are == whom:
		return are, "last_admin"
	}
	return are &^ whom, done
}

// Price tiers of one organization: the state is which of four names there are, a
// bit each. All ask with the token of its one admin.

type tierRequest struct {
	do       string // create, rename, delete
	name, to int
}

func (h *history) tier(client int) {
	token := h.people[1]
	in := tierRequest{[]string{"create", "rename", "delete"}[rand.N(3)], rand.N(4), rand.N(4)}
	switch in.do {
	case "create":
		h.ask("tiers", client, in, nil, "POST", tiers, token, fmt.Sprintf(`{"Name":"Tier %d","CurrencyCode":"EUR"}`, in.name))
	case "rename":
		h.ask("tiers", client, in, nil, "PUT", tiers, token, fmt.Sprintf(`{"OldName":"Tier %d","NewName":"Tier %d","CurrencyCode":"EUR"}`, in.name, in.to))
	case "delete":
		h.ask("tiers", client, in, nil, "DELETE", tiers, token, fmt.Sprintf(`{"Name":"Tier %d"}`, in.name))
	}
}

func (in tierRequest) step(are uint) (after uint, outcome string) {
	name, to := uint(1)<<in.name, uint(1)<<in.to
	switch {
	case in.do == "create" && are&name != 0:
		return are, "name_taken"
	case in.do == "create":
		return are | name, done
	case are&name == 0:
		return are, "unknown_tier"
	case in.do == "delete":
		return are &^ name, done
	case in.to != in.name && are&to != 0:
		return are, "name_taken"
	}
	return are&^name | to, done
}

// Names of organizations: the state is who has which of three. Every client
// makes organizations, renames them, away from these names too, and reads them.

type nameRequest struct {
	do   string // create, rename, read
	org  int    // the client's own number for it
	name int    // -1: another one
}

type holders [3]int

// owned is the organizations that a client made.
type owned struct {
	*history
	client, made int
	tokens       map[int]string
}

func (o *owned) name() {
	in := nameRequest{do: "create", name: rand.N(len(holders{}))}
	for in.org = range o.tokens { // any of them, or none yet
		in.do = []string{"create", "rename", "rename", "read"}[rand.N(4)]
		break
	}
	token := o.tokens[in.org]
	name := func(name int) string {
		if name < 0 {
			return fmt.Sprintf("Free %d", in.org)
		}
		return fmt.Sprintf("Name %d", name)
	}
	switch in.do {
	case "create":
		o.made++
		in.org = (o.client+1)*1000 + o.made
		outcome, answer := o.ask("names", o.client, in, nil, "POST", "/api/organizations", "", creation(name(in.name), o.emails[o.client]))
		if outcome == done {
			o.tokens[in.org] = o.within(o.urls[0], o.people[o.client], answer["IdentityOrganizationId"].(string))
		}
	case "rename":
		in.name = rand.N(len(holders{})+3) - 3
		if in.name < 0 {
			in.name = -1
		}
		o.ask("names", o.client, in, nil, "PUT", "/api/organization", token, fmt.Sprintf(`{"Name":%q}`, name(in.name)))
	case "read":
		said := func(answer map[string]any) string {
			is := answer["Organization"].(map[string]any)["Name"].(string)
			for n := range len(holders{}) {
				if is == name(n) {
					return is
				}
			}
			return name(-1)
		}
		o.ask("names", o.client, in, said, "GET", "/api/organization", token, "")
	}
}

func (in nameRequest) step(have holders) (after holders, outcome string) {
	mine := slices.Index(have[:], in.org)
	switch {
	case in.do == "read" && mine >= 0:
		return have, fmt.Sprintf("Name %d", mine)
	case in.do == "read":
		return have, fmt.Sprintf("Free %d", in.org)
	case in.name >= 0 && have[in.name] != 0 && have[in.name] != in.org:
		return have, "name_taken"
	}
	if mine >= 0 {
		have[mine] = 0
	}
	if in.name >= 0 {
		have[in.name] = in.org
	}
	return have, done
}

// model is a state and what a request does to it. A request that got no answer
// may come last, where nobody sees what it did.
func model[S comparable, R interface{ step(S) (S, string) }](begin S) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return begin },
		Step: func(state, in, out any) (bool, any) {
			after, outcome := in.(R).step(state.(S))
			return out == outcome || out == unknown, after
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v: %v", in, out) },
	}
}

var models = map[string]porcupine.Model{
	"admins": model[uint, adminRequest](1<<clients - 1),
	"tiers":  model[uint, tierRequest](0),
	"names":  model[holders, nameRequest](holders{}),
}

// forgeries are answers that nothing can have come before.
var forgeries = map[string]struct {
	in  any
	out string
}{
	"admins": {adminRequest{"demote", 0, 0}, "not_an_admin"}, // of oneself: one is, or may not ask
	"tiers":  {tierRequest{"create", 0, 0}, "unknown_tier"},
	"names":  {nameRequest{"read", 9, 0}, "Name 0"},
}
