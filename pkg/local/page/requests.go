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
	shown := all[:0:0]
	for _, q := range all {
		if !failed || q.Status >= http.StatusBadRequest {
			shown = append(shown, q)
		}
	}
	p.write(w, http.StatusOK, "requests", sheet{Title: "Requests", Section: "requests", Data: struct {
		Requests []watch.Request
		All      int
		Failed   bool
		Kept     int
	}{shown, len(all), failed, watch.Kept}})
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
		watch.Request
		Spans []span
	}{q, spans}})
}

func share(of, whole time.Duration) int { return int(1000 * of / max(whole, 1)) }
