package page

import (
	"net/http"
	"strconv"
	"time"

	"charter/pkg/local/watch"
)

func (p *Page) showRequests(w http.ResponseWriter, r *http.Request) {
	all := p.Requests.Requests()
	failed := r.URL.Query().Get("only") == "failed"
	var shown []entry
	for _, q := range all {
		if !failed || q.Status >= http.StatusBadRequest {
			shown = append(shown, newEntry(q))
		}
	}
	p.write(w, http.StatusOK, "requests", sheet{Title: "Requests", Section: "requests", Data: struct {
		Requests []entry
		All      int
		Failed   bool
		Kept     int
	}{shown, len(all), failed, watch.Kept}})
}

// entry is a request, with what it made of the table.
type entry struct {
	watch.Request
	Trips  int
	Waited time.Duration
}

func newEntry(r watch.Request) entry {
	trips, waited := r.Table()
	return entry{r, trips, waited}
}

// span is a call as a bar of a time line that is a thousand wide.
type span struct {
	watch.Call
	Start, Width int
}

func (p *Page) showRequest(w http.ResponseWriter, r *http.Request) {
	q, ok := p.Requests.Request(r.PathValue("id"))
	if !ok {
		p.trouble(w, http.StatusNotFound, "requests", "No such request", "It is not among the newest "+strconv.Itoa(watch.Kept)+
			", which are kept until the service stops.")
		return
	}
	var spans []span
	for _, c := range q.Calls {
		spans = append(spans, span{c, share(c.Began, q.Took), max(share(c.Took, q.Took), 4)})
	}
	p.write(w, http.StatusOK, "request", sheet{Title: q.Method + " " + q.Path, Section: "requests", Data: struct {
		entry
		Spans []span
	}{newEntry(q), spans}})
}

func share(of, whole time.Duration) int { return int(1000 * of / max(whole, 1)) }
