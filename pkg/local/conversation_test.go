package local_test

import (
	"bytes"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/env"
	"charter/pkg/env/signing"
	"charter/pkg/local"
	"charter/pkg/local/contract"
	"charter/pkg/local/conversation"
	"charter/pkg/token"
)

// Every text file in a folder of testdata is held with a service of its own.
// Beside what they capture, conversations know these tokens:
//
//	<gone>     of an admin of an organization that does not exist
//	<expired>  of an admin, over since yesterday
//	<late>     of an admin, over for half a minute, which clocks may differ by
//	<forged>   of an admin, signed by a key that is not ours
func TestConversations(t *testing.T) {
	for _, file := range files(t) {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			conversation.Run(t, s, file, s.given)
		})
	}
}

func files(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(list) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	return list
}

// TestCoverage asks for a conversation about every row of endpoints, and about
// each of its outcomes.
func TestCoverage(t *testing.T) {
	met := map[string]bool{}
	rows := map[string]endpoint{}
	for _, e := range endpoints {
		rows[e.route] = e
	}
	s := start(t)
	patterns := s.patterns()
	for _, file := range files(t) {
		for _, x := range exchanges(t, file) {
			n := slices.IndexFunc(patterns, func(p pattern) bool { return p.MatchString(x.Method + " " + x.Path) })
			if n >= 0 {
				outcome := patterns[n].route + " " + strconv.Itoa(x.Status)
				met[outcome], met[outcome+" "+x.code] = true, true
			}
		}
	}
	for _, route := range s.routes() {
		row, ok := rows[route]
		if !ok {
			t.Errorf("%s has no row in endpoints", route)
			continue
		}
		status := ""
		for word := range strings.FieldsSeq(row.outcomes) {
			outcome := route + " " + word
			if _, err := strconv.Atoi(word); err == nil {
				status = word
			} else {
				outcome = route + " " + status + " " + word
			}
			if !met[outcome] {
				t.Errorf("no conversation meets %s", outcome)
			}
		}
		if !slices.ContainsFunc([]string{"200", "201", "204"}, func(s string) bool { return met[route+" "+s] }) {
			t.Errorf("no conversation sees %s succeed", route)
		}
	}
}

// spoken is an exchange of a conversation with the code in its answer, if that
// is an error of the commerce dialect or of the gateway.
type spoken struct {
	conversation.Exchange
	code string
}

var codeMember = regexp.MustCompile(`"code": *"([a-z_]+)"`)

func exchanges(t *testing.T, file string) []spoken {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := conversation.Parse(file, string(source))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(source), "\n")
	list := make([]spoken, len(c.Exchanges))
	for n, x := range c.Exchanges {
		end := len(lines)
		if n+1 < len(c.Exchanges) {
			end = c.Exchanges[n+1].Line - 1
		}
		list[n].Exchange = x
		if code := codeMember.FindStringSubmatch(strings.Join(lines[x.Line-1:end], "")); code != nil {
			list[n].code = code[1]
		}
	}
	return list
}

// service is a service in memory, with what its conversations are given.
type service struct {
	*local.Service
	options local.Options
	given   map[string]string
	mail    http.Handler // shows the letters where nobody sends them; else nil
	t       *testing.T
}

// ServeHTTP also holds every request and its answer against openapi.yaml.
func (s service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.mail != nil && r.URL.Path == "/_local/mail":
		s.mail.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, "/_local/"):
		s.Service.ServeHTTP(w, r)
	default:
		witness(s.Service, w, r, func(x contract.Exchange) {
			if err := document(s.t).Check(x); err != nil {
				s.t.Errorf("%v\n%.2000s\n%d %v\n%.2000s", err, x.Sent, x.Status, x.Header, x.Got)
			}
		})
	}
}

// witness hands a request on, and tells of it and its answer.
func witness(h http.Handler, w http.ResponseWriter, r *http.Request, tell func(contract.Exchange)) {
	var sent bytes.Buffer
	r.Body = io.NopCloser(io.TeeReader(r.Body, &sent))
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	tell(contract.Exchange{Request: r, Sent: sent.Bytes(), Status: answer.Code, Header: answer.Header(), Got: answer.Body.Bytes()})
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // a reader that has gone is no concern of ours
}

// quiet keeps the log of requests out of what go test shows of a failure.
var quiet = sync.OnceFunc(func() { slog.SetDefault(slog.New(slog.DiscardHandler)) })

// start starts a service whose clock stands still but for a millisecond with
// every look at it, and a minute of which has just begun: ids keep their order,
// and no limit of so many a minute begins anew.
func start(t *testing.T, change ...func(*local.Options)) service {
	t.Helper()
	quiet()
	var looks atomic.Int64
	minute := time.Now().Truncate(time.Minute)
	s := service{t: t, options: local.Options{
		Template: "../../template.yaml", Data: t.TempDir(), InMemory: true, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return minute.Add(time.Duration(looks.Add(1)) * time.Millisecond) },
	}}
	for _, c := range change {
		c(&s.options)
	}
	var err error
	if s.Service, err = local.Start(s.options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.given = s.tokens(t)
	return s
}

// tokens are those that TestConversations tells of.
func (s service) tokens(t *testing.T) map[string]string {
	t.Helper()
	admin := caller.Claims{Caller: caller.Caller{UserID: "kp_01jz0000000000000000000000", Email: "nobody@nowhere.example",
		OrganizationID: "org_01jz0000000000000000000000", OrgCode: "org_00000000000", Admin: true}}
	ours := signing.Issuer(s.env(t, "login"))
	past, late := ours, ours
	past.Now = func() time.Time { return s.options.Now().Add(-25 * time.Hour) }
	late.Now = func() time.Time { return s.options.Now().Add(-time.Hour - 30*time.Second) }
	stranger := ours
	key, err := token.LoadOrMakeKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stranger.Signer = key
	given := map[string]string{}
	for name, issuer := range map[string]token.Issuer{
		"gone": ours, "expired": past, "late": late, "forged": stranger,
	} {
		if given[name], err = issuer.Issue(t.Context(), admin, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	return given
}

// env is where a function of the service runs.
func (s service) env(t *testing.T, function string) env.Env {
	t.Helper()
	for _, f := range s.Template.Functions {
		if f.Name == function {
			var out http.RoundTripper // to the table, where it is ours
			if s.Table != nil {
				out = s.Table.Transport()
			}
			e, err := local.Environment(s.options, f, out)
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
	}
	t.Fatalf("the template has no function %s", function)
	return env.Env{}
}

// routes are those of the template, as it names them.
func (s service) routes() []string {
	var list []string
	for _, f := range s.Template.Functions {
		for _, r := range f.Routes {
			list = append(list, r.String())
		}
	}
	slices.Sort(list)
	return list
}

// pattern is a route, and what the method and path of its requests match.
type pattern struct {
	route string
	*regexp.Regexp
}

var parameter = regexp.MustCompile(`\\\{[^}]*\\\}`)

// patterns are those of all routes. Fixed text stands before a parameter: "{"
// comes after all that paths are made of.
func (s service) patterns() []pattern {
	var list []pattern
	for _, route := range s.routes() {
		expression := parameter.ReplaceAllString(regexp.QuoteMeta(route), `[^/]+`)
		list = append(list, pattern{route, regexp.MustCompile(`^` + expression + `$`)})
	}
	return list
}

// with is a copy of known with more names.
func with(known map[string]string, more map[string]string) map[string]string {
	all := maps.Clone(known)
	maps.Copy(all, more)
	return all
}
