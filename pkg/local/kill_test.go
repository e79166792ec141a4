package local

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"charter/pkg/table"
)

// A process is killed at any moment under a load of creates, promotions and
// associations, fifty times, in five folders: each time the auditor finds all
// that is left whole, and what was answered as done is there. Once the service
// runs again every letter is sent and every entry of the audit trail is sealed.
//
// Tried with controls that it must catch: a Found that wrote the name in a call
// of its own before the transaction, a Promote that wrote the admin's item in one
// after it, a postman who took a letter for sent before he sent it, and a service
// without the function that seals.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	const folders, rounds = 5, 10
	for folder := range folders {
		t.Run(fmt.Sprint(folder), func(t *testing.T) {
			t.Parallel()
			l := &load{data: t.TempDir(), answers: make(chan bool, 1000)}
			for round := range rounds {
				p := startProcess(t, l.data, "")
				if round == 0 {
					l.begin(t, p.url)
				}
				over := l.run(p.url, round)
				for range rand.N(20) {
					<-l.answers
				}
				time.Sleep(rand.N(20 * time.Millisecond)) // any moment will do
				p.kill()
				over()
				l.check(t)
			}
			l.recover(t)
		})
	}
}

// load is what clients do, and what they were told was done.
type load struct {
	data, token, id string    // of the organization that all are brought into
	answers         chan bool // one for each change that was answered as done

	mu                  sync.Mutex
	made, admins, links []string // ids of organizations, users, associations
}

func (l *load) begin(t *testing.T, url string) {
	t.Helper()
	status, made := call("POST", url+"/api/organizations", "", creation("Base", "base@acme.example"))
	if status != http.StatusCreated {
		t.Fatalf("create: %d %v", status, made)
	}
	l.id = made["OrganizationId"].(string)
	l.token = login(t, url, "base@acme.example", "")
}

// done notes what was answered as done.
func (l *load) done(list *[]string, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*list = append(*list, what)
	l.answers <- true
}

// run starts four clients. over waits until none gets an answer any more.
func (l *load) run(url string, round int) (over func()) {
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for n := 0; l.one(url, fmt.Sprintf("u%d-%d-%d", round, client, n)); n++ {
			}
		})
	}
	return clients.Wait
}

// one makes an organization with a new account, links the account to customers
// of the base and makes it an admin there, until the service is gone.
func (l *load) one(url, name string) (more bool) {
	email := name + "@acme.example"
	status, made := call("POST", url+"/api/organizations", "", creation(name, email))
	if status != http.StatusCreated {
		return status != 0
	}
	l.done(&l.made, made["OrganizationId"].(string))
	_, signedIn := call("POST", url+"/api/auth/login", "", fmt.Sprintf(`{"Email":%q,"Password":"Password1234!"}`, email))
	token, _ := signedIn["AccessToken"].(string)
	if token == "" {
		return false
	}
	user := subject(token)
	for n := range 4 {
		status, link := call("POST", url+"/api/organizations/users/associate-customer", l.token,
			fmt.Sprintf(`{"UserId":%q,"CustomerNumber":"C-%d"}`, user, n))
		if status == http.StatusCreated {
			l.done(&l.links, link["AssociationId"].(string))
		}
		if n == 0 {
			status, _ := call("POST", url+"/api/organizations/users/admins", l.token, fmt.Sprintf(`{"Email":%q}`, email))
			if status == http.StatusOK {
				l.done(&l.admins, user)
			}
		}
	}
	return true
}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }

// subject is the "sub" of a token.
func subject(token string) string {
	var claims struct {
		Sub string `json:"sub"`
	}
	text, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	json.Unmarshal(text, &claims)
	return claims.Sub
}

// check looks at what the killed process has left.
func (l *load) check(t *testing.T) {
	t.Helper()
	there := map[string]bool{}
	for _, i := range left(t, l.data)["ORG"] {
		there[attribute(i, "AssociationId")] = true
		if sk := attribute(i, "SK"); sk == "ORG" {
			there[attribute(i, "OrganizationId")] = true
		} else if strings.HasPrefix(sk, "ADMIN\x01") && strings.HasSuffix(attribute(i, "PK"), l.id) {
			there[attribute(i, "UserId")] = true
		}
	}
	for what, ids := range map[string][]string{"an organization": l.made, "an association": l.links, "an admin": l.admins} {
		for _, id := range ids {
			if !there[id] {
				t.Errorf("%s was answered for and is not there: %s", what, id)
			}
		}
	}
}

// recover starts the service again, in this process, and waits until nothing
// is left to do: a letter to everybody for every role that they have, and a
// seal over every entry. Its clock is an hour ahead: what was claimed when its
// sender was killed is free again at once.
func (l *load) recover(t *testing.T) {
	t.Helper()
	service, err := Start(Options{Template: templateFile, Data: l.data, Log: slog.New(slog.DiscardHandler), Now: inAnHour})
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	later := environmentOf(service.Table).Auditor()
	later.Now = func() time.Time { return inAnHour().Add(time.Hour) } // what has no seal yet is overdue then
	var report table.Report
	var owed map[string]int
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		items := scan(t, service.Table)
		owed = map[string]int{}
		for _, i := range items["ORG"] {
			if strings.HasPrefix(attribute(i, "SK"), "ADMIN\x01") {
				owed[attribute(i, "Email")]++
			}
		}
		for _, letter := range service.Mail.Letters() {
			if owed[letter.To[0]]--; owed[letter.To[0]] <= 0 {
				delete(owed, letter.To[0])
			}
		}
		if len(owed) > 0 || len(items["LETTER"]) > 0 {
			continue
		}
		if report, err = later.Audit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if report.Whole() {
			t.Logf("%d organizations, %d admins, %d associations, %d letters", report.Counts["organizations"], report.Counts["admins"],
				report.Counts["associations"], len(service.Mail.Letters()))
			return
		}
	}
	t.Errorf("not all is done: letters are owed to %v\n%s\n%s", owed, strings.Join(report.Broken, "\n"), strings.Join(report.Unsealed, "\n"))
}
