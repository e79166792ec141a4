package page

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxPeople bounds the menu: those who signed in last.
const maxPeople = 50

// People are those whom this process gave a token that has not ended. It is safe
// for concurrent use. The package comment says why tokens are kept.
type People struct {
	Now func() time.Time

	mu   sync.Mutex
	made int
	list []person // who signed in last is first
}

// person is who holds a token: what it says of them.
type person struct {
	Number       int // names the token in forms
	Name         string
	Of           string // the organization's code, and more that the token carries
	Subject      string
	Organization string // the id
	Expires      time.Time

	token string
}

// Handler keeps the tokens that next gives out under /api/auth/.
func (p *People) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/api/auth/") {
			next.ServeHTTP(w, r)
			return
		}
		heard := &heard{ResponseWriter: w}
		next.ServeHTTP(heard, r)
		var answer struct{ AccessToken string }
		if json.Unmarshal(heard.body.Bytes(), &answer) == nil && answer.AccessToken != "" {
			p.add(answer.AccessToken)
		}
	})
}

// heard is an answer, of which the first part is listened to.
type heard struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (h *heard) Write(b []byte) (int, error) {
	h.body.Write(b[:min(len(b), 64<<10-h.body.Len())])
	return h.ResponseWriter.Write(b)
}

// add keeps a token in place of an older one that says the same. What it says is
// believed: we made it.
func (p *People) add(token string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return
	}
	var claims struct {
		Sub, Email, OrganizationID, OrgCode, Role, CustomerNumber string

		Exp   int64
		Actor *struct{ Sub string } `json:"act"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return
	}
	of := []string{cmp.Or(claims.OrgCode, "no organization")}
	for _, more := range []string{claims.Role, claims.CustomerNumber} {
		if more != "" {
			of = append(of, more)
		}
	}
	if claims.Actor != nil {
		of = append(of, "asked for by "+claims.Actor.Sub)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	one := person{Number: p.made, Name: cmp.Or(claims.Email, claims.Sub), Of: strings.Join(of, ", "), Subject: claims.Sub,
		Organization: claims.OrganizationID, Expires: time.Unix(claims.Exp, 0), token: token}
	p.list = slices.DeleteFunc(p.list, func(q person) bool { return q.Subject == one.Subject && q.Of == one.Of })
	p.list = slices.Insert(p.list, 0, one)
	p.list = p.list[:min(len(p.list), maxPeople)]
}

// all are those whose tokens still hold.
func (p *People) all() []person {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	p.list = slices.DeleteFunc(p.list, func(q person) bool { return !now.Before(q.Expires) })
	return slices.Clone(p.list)
}

// find is the person of a number, nobody for any other text.
func (p *People) find(number string) person {
	for _, q := range p.all() {
		if strconv.Itoa(q.Number) == number {
			return q
		}
	}
	return person{}
}
