package page

import (
	"net/http"
	"slices"
	"strconv"

	"charter/pkg/local/mailbox"
)

// lettersAPage is how many letters a list shows at most.
const lettersAPage = 50

// mailView is a list of letters, and one of them, opened.
type mailView struct {
	Letters []mailbox.Letter
	Open    *mailbox.Letter // nil when there is none
	Chosen  bool            // it was asked for: where there is place for one, it is shown, not the list
	Older   uint64          // the number of the letter that the next list begins with, 0 for none
	Dead    int
}

func (p *Page) showMail(w http.ResponseWriter, r *http.Request) {
	all := p.Mail.Letters()
	v := mailView{Dead: len(p.DeadLetters())}
	start := 0
	if number := r.PathValue("number"); number != "" {
		if start = find(all, number); start < 0 {
			p.trouble(w, http.StatusNotFound, "mail", "No such letter",
				"It is not in the mailbox, which keeps the newest "+strconv.Itoa(mailbox.Kept)+".")
			return
		}
		v.Open, v.Chosen = &all[start], true
		start -= start % lettersAPage
	} else if from := find(all, r.URL.Query().Get("from")); from >= 0 {
		start = from
	}
	v.Letters = all[start:min(len(all), start+lettersAPage)]
	if end := start + lettersAPage; end < len(all) {
		v.Older = all[end].Number
	}
	title := "Mail"
	if v.Open == nil && len(v.Letters) > 0 {
		v.Open = &v.Letters[0]
	} else if v.Open != nil {
		title = v.Open.Subject
	}
	p.write(w, http.StatusOK, "mail", sheet{Title: title, Section: "mail", Wide: true, Data: v})
}

// find is the place of a letter, -1 where there is none of that number.
func find(letters []mailbox.Letter, number string) int {
	return slices.IndexFunc(letters, func(l mailbox.Letter) bool { return strconv.FormatUint(l.Number, 10) == number })
}

// letterPolicy lets a letter look as it would, and do nothing: no script, no
// form, no address of ours, and nothing from elsewhere, so that no sender's
// picture tells that it was opened.
const letterPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"

func (p *Page) showHTML(w http.ResponseWriter, r *http.Request) {
	all := p.Mail.Letters()
	n := find(all, r.PathValue("number"))
	if n < 0 || all[n].HTML == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", letterPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(all[n].HTML))
}

func (p *Page) showDeadLetters(w http.ResponseWriter, _ *http.Request) {
	dead := p.DeadLetters()
	slices.Reverse(dead)
	p.write(w, http.StatusOK, "dead_letters", sheet{Title: "Dead letters", Section: "mail", Data: dead})
}
