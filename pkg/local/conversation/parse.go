package conversation

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// request is what is sent.
type request struct {
	wait    time.Duration // 0: once
	target  text          // path and query
	headers []header
	body    sent
}

// answer is what is expected.
type answer struct {
	line    int
	headers []header
	body    expected
}

// header is a line of a header. Nothing may be the value of an absent one.
type header struct {
	name   string
	value  text
	absent bool
}

// sent is a body to send: raw, or else text.
type sent struct {
	raw  []byte
	text text
}

func (s sent) empty() bool { return len(s.raw) == 0 && len(s.text) == 0 }

// expected is a body to compare with: any, JSON, raw or text, in this order.
// The zero value is the empty body.
type expected struct {
	any  bool
	json *tree
	raw  []byte
	text text
}

// ParseFile parses a file. Errors name it.
func ParseFile(file string) (Conversation, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return Conversation{}, err
	}
	return Parse(file, string(source))
}

// Parse parses a text. An error starts with "file:line: ".
func Parse(file, source string) (Conversation, error) {
	p := parser{lines: strings.Split(strings.ReplaceAll(source, "\r\n", "\n"), "\n")}
	c := Conversation{file: file}
	for p.skip(); p.more(); p.skip() {
		e, err := p.exchange()
		if err != nil {
			return Conversation{}, fmt.Errorf("%s:%d: %w", file, min(p.at+1, len(p.lines)), err)
		}
		c.Exchanges = append(c.Exchanges, e)
	}
	if len(c.Exchanges) == 0 {
		return Conversation{}, fmt.Errorf("%s: nothing is said", file)
	}
	return c, nil
}

// parser goes through lines. When a method returns an error, at is the line.
type parser struct {
	lines []string
	at    int
}

func (p *parser) more() bool    { return p.at < len(p.lines) }
func (p *parser) comment() bool { return strings.HasPrefix(p.lines[p.at], "#") }
func (p *parser) blank() bool   { return strings.TrimSpace(p.lines[p.at]) == "" }

// skip goes to the next line that says something.
func (p *parser) skip() {
	for p.more() && (p.blank() || p.comment()) {
		p.at++
	}
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) (/\S*)$`)
	statusLine  = regexp.MustCompile(`^[1-5][0-9][0-9]$`)
	headerLine  = regexp.MustCompile(`^([!$%&'*+.^_|~0-9A-Za-z-]+):(?:[ \t]+(.*?))?[ \t]*$`)
	rawTimes    = regexp.MustCompile(`^ \* ([1-9][0-9]{0,6})$`)
)

const longestWait = time.Minute

func (p *parser) exchange() (Exchange, error) {
	var e Exchange
	var err error
	if word, is := strings.CutPrefix(p.lines[p.at], "wait "); is {
		e.request.wait, err = time.ParseDuration(word)
		if err != nil || e.request.wait <= 0 || e.request.wait > longestWait {
			return e, fmt.Errorf("not a time to wait, such as 5s, of at most %s: %q", longestWait, word)
		}
		if p.at++; !p.more() {
			return e, errors.New("no request after wait")
		}
	}
	line := requestLine.FindStringSubmatch(p.lines[p.at])
	if line == nil {
		return e, fmt.Errorf("not a request, such as GET /path: %q", p.lines[p.at])
	}
	e.Method, e.Line = line[1], p.at+1
	e.Path, _, _ = strings.Cut(line[2], "?")
	if e.request.target, err = parseText(line[2], false); err != nil {
		return e, err
	}
	p.at++
	if e.request.headers, err = p.headers(false); err != nil {
		return e, err
	}
	if e.request.body, err = p.sentBody(); err != nil {
		return e, err
	}
	if p.skip(); !p.more() || !statusLine.MatchString(p.lines[p.at]) {
		found := "the end"
		if p.more() {
			found = strconv.Quote(p.lines[p.at])
		}
		return e, fmt.Errorf("not a status, such as 200: %s", found)
	}
	e.answer.line = p.at + 1
	e.Status, _ = strconv.Atoi(p.lines[p.at])
	p.at++
	if e.answer.headers, err = p.headers(true); err != nil {
		return e, err
	}
	e.answer.body, err = p.expectedBody()
	return e, err
}

func (p *parser) headers(inAnswer bool) ([]header, error) {
	var list []header
	for ; p.more(); p.at++ {
		if p.comment() {
			continue
		}
		line := headerLine.FindStringSubmatch(p.lines[p.at])
		if line == nil {
			break
		}
		h := header{name: line[1], absent: line[2] == "<absent>"}
		if !h.absent {
			var err error
			if h.value, err = parseText(line[2], inAnswer); err != nil {
				return nil, err
			}
		}
		list = append(list, h)
	}
	return list, nil
}

// block is the lines until a blank one.
func (p *parser) block() []string {
	start := p.at
	for p.more() && !p.blank() {
		p.at++
	}
	return p.lines[start:p.at]
}

func (p *parser) sentBody() (sent, error) {
	start := p.at
	block := p.block()
	if len(block) == 0 {
		return sent{}, nil
	}
	if strings.HasPrefix(block[0], "raw ") {
		raw, err := p.raw(start, block)
		return sent{raw: raw}, err
	}
	t, err := parseText(strings.Join(block, "\n"), false)
	if err != nil {
		p.at = start
	}
	return sent{text: t}, err
}

func (p *parser) expectedBody() (expected, error) {
	start := p.at
	block := p.block()
	if len(block) == 0 {
		return expected{}, nil
	}
	body := strings.Join(block, "\n")
	switch {
	case strings.TrimSpace(body) == "<*>":
		return expected{any: true}, nil
	case strings.HasPrefix(block[0], "raw "):
		raw, err := p.raw(start, block)
		return expected{raw: raw}, err
	case strings.ContainsRune(`{["`, rune(strings.TrimSpace(body)[0])):
		v, err := parseTree(body)
		if err != nil {
			p.at = start
			if place := (placed{}); errors.As(err, &place) {
				p.at += place.lines
			}
		}
		return expected{json: &v}, err
	}
	t, err := parseText(body, true)
	if err != nil {
		p.at = start
	}
	return expected{text: t}, err
}

// raw reads lines such as: raw "text" * 3
func (p *parser) raw(start int, block []string) ([]byte, error) {
	var all []byte
	for i, line := range block {
		p.at = start + i
		rest, is := strings.CutPrefix(line, "raw ")
		quoted, err := strconv.QuotedPrefix(rest)
		if !is || err != nil {
			return nil, fmt.Errorf(`not a raw line, such as raw "\xff": %q`, line)
		}
		literal, _ := strconv.Unquote(quoted)
		times := 1
		if rest := rest[len(quoted):]; rest != "" {
			m := rawTimes.FindStringSubmatch(rest)
			if m == nil {
				return nil, fmt.Errorf(`not a number of times, such as raw "x" * 3: %q`, line)
			}
			times, _ = strconv.Atoi(m[1])
		}
		all = append(all, strings.Repeat(literal, times)...)
	}
	p.at = start + len(block)
	return all, nil
}
