package table

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/oklog/ulid/v2"

	"charter/pkg/caller"
	"charter/pkg/customer"
)

// BenchmarkAssociations lists a million associations. Three processes play: the
// table, which takes 5 ms for a call; the function, with one core as deployed,
// whose memory is thus its own; and this one, which asks and tells.
//
//	go test -run '^$' -bench Associations -benchtime 1x ./pkg/table
//
// CHARTER_BENCH_ROWS says how many, if not a million, to which comes what is
// folded and merged beforehand. Each line ends with whether its bounds hold. Units
// and memory over theirs fail, and so does a wrong total; times do not, since they
// are this machine's.
func BenchmarkAssociations(b *testing.B) {
	rows := million
	if s := os.Getenv(benchRows); s != "" {
		var err error
		if rows, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	answers, ask := part(b, "table", strconv.Itoa(rows))
	served := json.NewDecoder(answers)
	var place shop
	if err := served.Decode(&place); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("%d associations, each of another user, made in %v. One more takes %.1f write and %.1f read units to fold and merge.\n",
		place.Rows, place.Took.Round(time.Second), place.Fold.Write, place.Fold.Read)
	for _, k := range place.Links {
		fmt.Println(k)
		if k.Units > k.MostUnits {
			b.Error(k.Name)
		}
	}
	lists(b, place)
	fmt.Fprintln(ask, "behind")
	if err := served.Decode(&place); err != nil {
		b.Fatal(err)
	}
	lists(b, place)
	b.ReportMetric(0, "ns/op")
}

// lists lets a function list what is in the shop.
func lists(b *testing.B, place shop) {
	b.Helper()
	text, err := json.Marshal(place)
	if err != nil {
		b.Fatal(err)
	}
	said, _ := part(b, "function", string(text))
	function := bufio.NewScanner(said)
	for function.Scan() {
		var k listing
		if err := json.Unmarshal(function.Bytes(), &k); err != nil {
			b.Fatalf("%s: %v", function.Bytes(), err)
		}
		fmt.Println(k)
		if k.Failed != "" || k.MostUnits > 0 && k.Units > k.MostUnits || k.Memory > mostMemory {
			b.Errorf("%s: %s", k.Name, k.Failed)
		}
	}
}

const (
	million    = 1_000_000
	benchRows  = "CHARTER_BENCH_ROWS"
	benchPart  = "CHARTER_BENCH_PART"  // what this process plays
	benchPlace = "CHARTER_BENCH_PLACE" // with what
	slow       = 5 * time.Millisecond  // a call
	mostMemory = 256                   // MB
)

func TestMain(m *testing.M) {
	switch os.Getenv(benchPart) {
	case "table":
		playTable()
	case "function":
		playFunction()
	default:
		os.Exit(m.Run())
	}
}

// part starts a process of this binary and returns what it says, and where it
// listens. It ends with the benchmark.
func part(b *testing.B, name, place string) (io.Reader, io.Writer) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DYNAMODB_LOCAL=", benchPart+"="+name, benchPlace+"="+place)
	if name == "function" {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1") // as template.yaml says
	}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return stdout, stdin
}

// shop is where a million associations are.
type shop struct {
	URL    string
	Owner  caller.Caller
	Rows   int
	Took   time.Duration
	Fold   struct{ Read, Write float64 } // units of each association that was folded and merged
	User   string                        // one of them
	Number customer.Number               // of that user
	Links  []linkage
	Behind int // of them in the log, if more than 200
}

// linkage is one kind of link, and what it took of the table.
type linkage struct {
	Name             string
	Units, MostUnits float64
}

func (k linkage) String() string {
	return fmt.Sprintf("%-44s %6.1f write units (%s)  %s", k.Name, k.Units, most(k.MostUnits), judged(over{"units", k.Units, k.MostUnits}))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// bench is a testing.TB that panics, for processes without tests.
type bench struct{ testing.TB }

func (bench) Helper()                   {}
func (bench) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (bench) Error(args ...any)         { panic(fmt.Sprint(args...)) }
func (bench) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (bench) Cleanup(func())            {}
func (bench) Context() context.Context  { return context.Background() }

// playTable makes a table with associations that are older than its log, and
// more of them until the loose sheet is nearly full and 200 are in the log; then
// it serves it.
func playTable() {
	start := time.Now()
	rows, err := strconv.Atoi(os.Getenv(benchPlace))
	must(err)
	d := open(bench{})
	place := shop{Rows: rows}
	_, place.Owner = d.founded("Million", "olive@million.example")
	random := mathrand.New(mathrand.NewPCG(1, 2))
	year := uint64(d.Now().UnixMilli())
	id := func() string {
		return strings.ToLower(ulid.MustNew(year-random.Uint64N(365*86400_000), rand.Reader).String())
	}
	row := func(n int) customer.Association {
		// Numbers of seven digits, none twice, in no order.
		a := customer.Association{ID: id(), OrganizationID: place.Owner.OrganizationID, UserID: "kp_" + id(),
			Number: customer.Number(fmt.Sprintf("C-%07d", n*7_919_317%9_999_991)), CreatedAt: d.Now()}
		if n == rows/2 {
			place.User, place.Number = a.UserID, a.Number
		}
		return a
	}
	for n := 0; n < rows; n += 25 {
		var body bytes.Buffer
		body.WriteString(`{"RequestItems":{"` + d.Name + `":[`)
		for m := n; m < min(n+25, rows); m++ {
			a := row(m)
			if m > n {
				body.WriteByte(',')
			}
			fmt.Fprintf(&body, `{"PutRequest":{"Item":{"PK":{"S":%s},"SK":{"S":%s},"AssociationId":{"S":"%s"},"CreatedAt":{"S":"%s"}}}}`,
				quoted(associationKey(a).pk), quoted(associationKey(a).sk), a.ID, a.CreatedAt.Format(momentFormat))
		}
		body.WriteString(`]}}`)
		d.replay(call{"BatchWriteItem", body.String()})
	}
	var m meter
	keeper := Roll{metered(d.Table, &m)}
	next := rows
	link := func(n int) {
		for ; n > 0; n-- {
			a := row(next)
			next++
			d.raw(d.put(associationItem(a)), d.put(logItem(a)))
		}
	}
	standing := func() standingRoll {
		s, err := d.standingRoll(d.t.Context(), place.Owner.OrganizationID)
		must(err)
		return s
	}
	fold := func() {
		must(keeper.Fold(d.t.Context(), logPartition(place.Owner.OrganizationID)))
	}
	link(usual.fold)
	fold() // and the first sheets
	// Two merges, with all that they leave to be deleted, then a loose sheet that is nearly full, and 200 in the log.
	before := standing()
	m.reset()
	for merges, contents := 0, before.contents; merges < 2; {
		link(mostFolded)
		fold()
		if s := standing(); s.contents != contents {
			merges, contents = merges+1, s.contents
		}
	}
	place.Fold.Read, place.Fold.Write = m.reset()
	place.Fold.Read /= float64(standing().rows - before.rows)
	place.Fold.Write /= float64(standing().rows - before.rows)
	for standing().looseRows < max(usual.loose, rows/256)-2*mostFolded {
		link(mostFolded)
		fold()
	}
	waiting, _, err := d.log(d.t.Context(), place.Owner.OrganizationID, 0, quarters-1, 0)
	must(err)
	_, stranger := d.founded("Other", "otto@other.example")
	keyed, _ := attempt(d.t.Context(), place.Owner, "key", "body")
	again, _ := attempt(d.t.Context(), place.Owner, "another", "body")
	_, third := d.founded("Third", "tess@third.example")
	d.walked = false
	for _, k := range []struct {
		linkage
		ctx  context.Context
		user string
	}{
		{linkage{"a link, of a member", 0, 12}, d.t.Context(), place.Owner.UserID},
		{linkage{"a link, of a member, with a key", 0, 14}, keyed, place.Owner.UserID},
		{linkage{"a link, of a new member", 0, 14}, d.t.Context(), stranger.UserID},
		{linkage{"a link, of a new member, with a key", 0, 16}, again, third.UserID},
	} {
		m.reset()
		_, _, err := Register(keeper).Associate(k.ctx, place.Owner, k.user, row(next).Number)
		must(err)
		next++
		_, k.Units = m.reset()
		place.Links = append(place.Links, k.linkage)
	}
	link(200 - len(waiting) - len(place.Links))
	place.Rows = next

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	place.URL, place.Took = "http://"+listener.Addr().String(), time.Since(start)
	must(json.NewEncoder(os.Stdout).Encode(place))
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(slow)
		d.engine.(http.Handler).ServeHTTP(w, r)
	}))
	for asked := bufio.NewScanner(os.Stdin); asked.Scan(); {
		place.Behind = behind
		link(place.Behind - 200)
		place.Rows, place.Links = next, nil
		must(json.NewEncoder(os.Stdout).Encode(place))
	}
}

// behind is as many links as are made in five minutes, at ten a second.
const behind = 3000

func quoted(s string) string {
	text, err := json.Marshal(s)
	must(err)
	return string(text)
}

// listing is one kind of list, and what it took.
type listing struct {
	Name              string
	Lists             int
	P50, P99, MostP99 float64 // ms
	CPU               float64 // ms, of the function on average
	Units, MostUnits  float64 // of the dearest
	Memory            int     // MB, of the process so far at most
	Failed            string
}

func (k listing) String() string {
	return fmt.Sprintf("%-44s %4d lists  p50 %6.1f ms  p99 %6.1f ms (%4s)  CPU %5.1f ms  %6.1f units (%4s)  memory %d MB (%d)  %s",
		k.Name, k.Lists, k.P50, k.P99, most(k.MostP99), k.CPU, k.Units, most(k.MostUnits), k.Memory, mostMemory,
		judged(over{"p99", k.P99, k.MostP99}, over{"units", k.Units, k.MostUnits}, over{"memory", float64(k.Memory), mostMemory}))
}

// over is what was measured, and its bound: 0 for none.
type over struct {
	what        string
	value, most float64
}

// most is a bound in words.
func most(bound float64) string {
	if bound == 0 {
		return "none"
	}
	return strconv.Itoa(int(bound))
}

func judged(all ...over) string {
	var broken []string
	for _, o := range all {
		if o.most > 0 && o.value > o.most {
			broken = append(broken, o.what)
		}
	}
	if broken != nil {
		return "OVER in " + strings.Join(broken, ", ")
	}
	return "holds"
}

// state is what the function remembers when it lists.
type state int

const (
	cold   state = iota // nothing
	warm                // the same lists, seen once
	warmed              // what the lists before have left
)

// playFunction lists, and says what each kind of list took.
func playFunction() {
	var place shop
	must(json.Unmarshal([]byte(os.Getenv(benchPlace)), &place))
	var m meter
	t := metered(&Table{Client: dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &place.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Retryer: Retryer(),
		HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}),
		Name: tableName, Secret: []byte("a secret of at least thirty-two bytes"), Now: time.Now, Random: rand.Reader}, &m)
	out := json.NewEncoder(os.Stdout)

	var took []float64
	worked := cpu()
	begin := func() { took, worked = nil, cpu() }
	list := func(k *listing, v url.Values) customer.Page {
		q := query(bench{}, v)
		m.reset()
		start := time.Now()
		p, err := Register{t}.Associations(bench{}.Context(), place.Owner, q)
		took = append(took, float64(time.Since(start).Microseconds())/1000)
		units, _ := m.reset()
		k.Units = max(k.Units, units)
		switch {
		case err != nil:
			k.Failed = err.Error()
		case !q.Filtered() && p.Total != place.Rows:
			k.Failed = fmt.Sprintf("a total of %d", p.Total)
		}
		return p
	}
	tell := func(k listing) {
		slices.Sort(took)
		k.Lists, k.P50, k.P99 = len(took), took[len(took)/2], took[int(math.Ceil(float64(len(took))*0.99))-1]
		k.CPU, k.Memory = (cpu()-worked)/float64(len(took)), memory()
		must(out.Encode(k))
	}

	// measure makes each list so many times.
	measure := func(k listing, times int, how state, lists []url.Values) {
		if how != warmed {
			t.Shelf = &Shelf{}
		}
		if how == warm {
			for _, v := range lists { // once, to be warm
				Register{t}.Associations(bench{}.Context(), place.Owner, query(bench{}, v))
			}
		}
		begin()
		for n := range times * len(lists) {
			if how == cold {
				t.Shelf = &Shelf{}
			}
			list(&k, lists[n%len(lists)])
		}
		tell(k)
	}

	var pages []url.Values
	for _, o := range []string{"UserId", "CustomerNumber"} {
		for _, direction := range []string{"asc", "desc"} {
			for _, size := range []int{25, 200} {
				last := (place.Rows + size - 1) / size
				for _, page := range []int{1, last / 3, last / 2, last - 1, last, last + 1} {
					pages = append(pages, url.Values{"sortOn": {o}, "sortDirection": {direction}, "pageSize": {strconv.Itoa(size)}, "pageNumber": {strconv.Itoa(page)}})
				}
			}
		}
	}
	if place.Behind > 0 {
		name := fmt.Sprintf("a page, %d in the log, ", place.Behind)
		measure(listing{Name: name + "cold"}, 1, cold, pages)
		measure(listing{Name: name + "warm"}, 1, warm, pages)
		return
	}
	measure(listing{Name: "a page, cold", MostP99: 150, MostUnits: 60}, 5, cold, pages)
	measure(listing{Name: "a page, warm", MostP99: 150, MostUnits: 60}, 5, warm, pages)

	for _, o := range []string{"UserId", "CustomerNumber"} {
		for _, how := range []state{cold, warm} {
			var all []url.Values
			k := listing{Name: "any filter by " + o + ", warm", MostP99: 100, MostUnits: 10}
			times := 10
			if how == cold {
				k, times = listing{Name: "any filter by " + o + ", cold", MostP99: 1500, MostUnits: 3000}, 4
			}
			for _, field := range []string{"UserId", "CustomerNumber"} {
				for operator := range strings.FieldsSeq("startswith contains notcontains endswith equals notequals gt gte lt lte") {
					all = append(all, filtered(o, field, operator, value(place, field, operator)))
				}
			}
			all = append(all, ten(o))
			measure(k, times, how, all)
		}
	}
	var others []url.Values
	for n := range 100 {
		others = append(others, filtered([]string{"UserId", "CustomerNumber"}[n/50], []string{"CustomerNumber", "UserId"}[n%2],
			[]string{"contains", "endswith", "notcontains"}[n%3], strconv.Itoa(n%50)))
	}
	for _, o := range []string{"UserId", "CustomerNumber"} {
		_, err := Register{t}.Associations(bench{}.Context(), place.Owner, query(bench{}, filtered(o, "UserId", "contains", "x")))
		must(err)
	}
	// What is shown for the first time is read: 4 units a sheet, of which matches that are rare take many.
	measure(listing{Name: "filters not seen before, warm", MostP99: 100, MostUnits: 3000}, 1, warmed, others)
	var both []url.Values
	for _, o := range []string{"UserId", "CustomerNumber"} {
		both = append(both, filtered(o, "CustomerNumber", "contains", "77"), filtered(o, "UserId", "endswith", "77"))
	}
	measure(listing{Name: "filters by both orders in turn, warm", MostP99: 100, MostUnits: 10}, 25, warm, both)

	k := listing{Name: "all of them by NextCursor, 200 a page", MostP99: 150, MostUnits: 60}
	begin()
	rows, last := 0, ""
	for v := (url.Values{"pageSize": {"200"}}); ; {
		p := list(&k, v)
		for _, a := range p.Data {
			if a.Key() <= last {
				k.Failed = fmt.Sprintf("%q comes behind %q", a.Key(), last)
			}
			last = a.Key()
		}
		rows += len(p.Data)
		if p.NextCursor == "" || k.Failed != "" {
			break
		}
		v.Set("cursor", p.NextCursor)
	}
	if rows != place.Rows {
		k.Failed = fmt.Sprintf("%d of %d rows; %s", rows, place.Rows, k.Failed)
	}
	tell(k)
}

// value makes an operator work: what it leaves, if not just one, are many.
func value(place shop, field, operator string) string {
	user := field == "UserId"
	switch {
	case operator == "equals" && user:
		return place.User
	case operator == "equals":
		return string(place.Number)
	case operator == "startswith" && user:
		return "kp_01"
	case operator == "startswith":
		return "C-"
	case operator == "gt", operator == "gte":
		return "A" // before all
	case operator == "lt", operator == "lte":
		return "z" // behind all
	}
	return "77"
}

func filtered(o, field, operator, value string) url.Values {
	page := "7"
	if operator == "equals" {
		page = "1"
	}
	return url.Values{"sortOn": {o}, "pageSize": {"200"}, "pageNumber": {page}, "filters[0].field": {field}, "filters[0].operator": {operator}, "filters[0].value": {value}}
}

// ten are as many filters as there may be, all of which hold for nearly all.
func ten(o string) url.Values {
	v := url.Values{"sortOn": {o}, "pageSize": {"200"}, "pageNumber": {"2000"}}
	for i := range 10 {
		name := fmt.Sprintf("filters[%d].", i)
		v.Set(name+"field", []string{"UserId", "CustomerNumber"}[i%2])
		v.Set(name+"operator", "notcontains")
		v.Set(name+"value", fmt.Sprintf("%03d", 7*i))
	}
	return v
}

// cpu is how long the process has worked, in ms.
func cpu() float64 {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

// memory is what the process had in memory at most, in MB.
func memory() int {
	status, err := os.ReadFile("/proc/self/status")
	must(err)
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(line)[0])
	must(err)
	return kb / 1024
}
