// Command load puts a mix of requests on several gateways that share one table.
//
//	make load                                      the whole; writes the plot and the README's figures anew
//	go run ./pkg/local/load -for 5s -rows 100      a short one
//
// Every gateway is a process of its own, with one core as its functions have it, and so is the table, which is the embedded one, in
// memory, with its streams: what a create leaves to be indexed and sealed is done meanwhile, beside it. A client waits for an
// answer before it asks again. Of a hundred requests
//
//	60  read the organization, as a portal does with every page
//	15  list its associations: any page, in either order, both ways
//	10  list its admins
//	10  list its price tiers
//	 5  link a user to a customer, which is what such an organization makes day by day
//
// All of them are about one organization, and its rows are its associations. Each size is an organization of its own; the last two
// take turns of ten seconds, so that whatever else the machine does befalls both. A round trip is counted where it is made, in the
// gateway: requests of which each began after the one before had ended. It fails on any answer that is not the usual one.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if play() {
		return
	}
	o := options{template: "template.yaml"}
	flag.DurationVar(&o.duration, "for", time.Minute, "how long at the last two sizes, which are compared")
	flag.DurationVar(&o.sketch, "sketch", 10*time.Second, "how long at each size before")
	flag.IntVar(&o.gateways, "gateways", 8, "processes")
	flag.IntVar(&o.clients, "clients", 16, "that ask at once")
	flag.StringVar(&o.plot, "plot", "", "the file of the plot; none without it")
	flag.StringVar(&o.readme, "readme", "", "the file that shows plot and tables; none without it")
	sizes := flag.String("rows", "100,1000,10000,20000,200000", "associations to begin with")
	flag.Parse()
	for text := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			fmt.Fprintln(os.Stderr, "load: -rows:", err)
			os.Exit(2)
		}
		o.rows = append(o.rows, n)
	}
	if o.gateways < 1 || o.clients < 1 {
		fmt.Fprintln(os.Stderr, "load: there is no load without a gateway and a client")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	_, err := run(ctx, os.Stdout, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

type options struct {
	template          string // the path of template.yaml
	duration, sketch  time.Duration
	gateways, clients int
	rows              []int
	plot, readme      string
}

// run measures at every size, and prints what it measured.
func run(ctx context.Context, w io.Writer, o options) (measured []sample, err error) {
	data, err := os.MkdirTemp("", "charter-load-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(data)
	var all parts
	defer all.end()
	var said strings.Builder
	w = io.MultiWriter(w, &said)
	tableURL, err := all.start("table", place{Template: o.template, Data: data})
	if err != nil {
		return nil, err
	}
	var urls []string
	for range o.gateways {
		url, err := all.start("gateway", place{Template: o.template, Data: data, Table: tableURL})
		if err != nil {
			return nil, err
		}
		urls = append(urls, url)
	}
	t, err := settle(ctx, urls, tableURL, o.clients)
	if err != nil {
		return nil, err
	}
	where := fmt.Sprintf("%s, %s/%s, %d CPUs, %s, %d gateways, %d clients", time.Now().UTC().Format(time.DateOnly),
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), o.gateways, o.clients)
	fmt.Fprintf(w, "%s; %v at each of the last two sizes, %v at each before. p50 and p99 in ms:\n\n%s\n", where, o.duration, o.sketch, head("rows", "a second", "errors"))
	compared := max(0, len(o.rows)-2)
	for _, rows := range o.rows[:compared] {
		s, err := t.inTurns(ctx, o.sketch, rows)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(w, s[0])
		measured = append(measured, s...)
	}
	last, err := t.inTurns(ctx, o.duration, o.rows[compared:]...)
	if err != nil {
		return nil, err
	}
	for _, s := range last {
		fmt.Fprintln(w, s)
	}
	measured = append(measured, last...)
	fmt.Fprintf(w, "\n%s\n", trips(measured))
	if n := len(measured); n > 1 {
		before, after := measured[n-2], measured[n-1]
		fmt.Fprintf(w, "\nWith %.1f times the rows it answers %.2f times as many requests a second.\n",
			float64(after.Before)/float64(before.Before), after.rate()/before.rate())
	}
	for _, s := range measured {
		err = cmp.Or(err, s.Err)
	}
	if err == nil && o.plot != "" {
		err = os.WriteFile(o.plot, []byte(plot(measured, where)), 0o644)
	}
	if err == nil && o.readme != "" {
		err = show(o.readme, fmt.Sprintf("![Latency by rows](%s)\n\n%s", o.plot, said.String()))
	}
	return measured, err
}

const (
	shownFrom = "<!-- make load writes this -->\n"
	shownTo   = "<!-- to here -->\n"
)

// show puts a text into a file between the two lines that are there for it.
func show(file, text string) error {
	all, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, begun := strings.Cut(string(all), shownFrom)
	_, after, ended := strings.Cut(rest, shownTo)
	if !begun || !ended {
		return fmt.Errorf("%s has no place for what was measured", file)
	}
	return os.WriteFile(file, []byte(before+shownFrom+text+shownTo+after), 0o644)
}
