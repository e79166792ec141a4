package lambdahttp

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// errEvent is without a cause, which could quote the event.
var errEvent = errors.New("lambdahttp: not an event of a REST API")

// decode reads of an event what is used of it, and judges the rest by its form
// alone. encoding/json reads all 60 members twice and with reflection, which is
// a ninth of what a whole request takes.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
func decode(payload []byte) (*events.APIGatewayProxyRequest, error) {
	d := decoder{event: string(payload)} // Lambda uses payload again
	var e events.APIGatewayProxyRequest
	d.object(func(name string) {
		switch name {
		case "resource":
			e.Resource = d.text()
		case "httpMethod":
			e.HTTPMethod = d.text()
		case "multiValueHeaders":
			e.MultiValueHeaders = d.lists()
		case "multiValueQueryStringParameters":
			e.MultiValueQueryStringParameters = d.lists()
		case "pathParameters":
			e.PathParameters = d.texts()
		case "requestContext":
			d.context(&e.RequestContext)
		case "body":
			e.Body = d.text()
		case "isBase64Encoded":
			e.IsBase64Encoded = d.flag()
		default:
			d.pass()
		}
	})
	if d.next() != 0 || d.failed || e.Resource == "" || e.HTTPMethod == "" {
		return nil, errEvent
	}
	return &e, nil
}

func (d *decoder) context(c *events.APIGatewayProxyRequestContext) {
	d.object(func(name string) {
		switch name {
		case "requestId":
			c.RequestID = d.text()
		case "domainName":
			c.DomainName = d.text()
		case "identity":
			d.object(func(name string) {
				if name != "sourceIp" {
					d.pass()
					return
				}
				c.Identity.SourceIP = d.text()
			})
		case "authorizer":
			c.Authorizer = map[string]any{}
			d.object(func(name string) {
				if d.next() != '"' { // a number of the gateway's own; what lambdaauth says is text
					d.pass()
					return
				}
				c.Authorizer[name] = d.text()
			})
		default:
			d.pass()
		}
	})
}

// decoder reads JSON (RFC 8259) from an event, whose parts it hands out without
// copying them. Once something is wrong there is nothing more to read. In place
// of any value it takes null.
type decoder struct {
	event  string
	at     int // the next byte
	depth  int
	failed bool
}

// most is how deep an event may be nested. The gateway's own is 3.
const most = 16

func (d *decoder) fail() { d.at, d.failed = len(d.event), true }

// next is the first byte of what comes next, 0 at the end.
func (d *decoder) next() byte {
	for ; d.at < len(d.event); d.at++ {
		switch c := d.event[d.at]; c {
		case ' ', '\t', '\r', '\n':
		case 0:
			d.fail()
			return 0
		default:
			return c
		}
	}
	return 0
}

// take takes one byte, if it is b.
func (d *decoder) take(b byte) bool {
	if d.next() != b {
		return false
	}
	d.at++
	return true
}

func (d *decoder) want(b byte) {
	if !d.take(b) {
		d.fail()
	}
}

// object calls member for each name, to read the value.
func (d *decoder) object(member func(name string)) {
	d.parts('{', '}', func() {
		if d.next() != '"' {
			d.fail()
		}
		name := d.text()
		d.want(':')
		member(name)
	})
}

func (d *decoder) array(element func()) { d.parts('[', ']', element) }

// parts calls part for each of what stands between commas.
func (d *decoder) parts(open, end byte, part func()) {
	if d.next() == 'n' {
		d.word()
		return
	}
	d.want(open)
	if d.depth++; d.depth > most {
		d.fail()
	}
	if !d.take(end) {
		for part(); d.take(','); {
			part()
		}
		d.want(end)
	}
	d.depth--
}

func (d *decoder) texts() map[string]string {
	m := map[string]string{}
	d.object(func(name string) { m[name] = d.text() })
	return m
}

func (d *decoder) lists() map[string][]string {
	m := map[string][]string{}
	d.object(func(name string) {
		var values []string
		d.array(func() { values = append(values, d.text()) })
		m[name] = values
	})
	return m
}

// text is a string. One with escapes is left to encoding/json.
func (d *decoder) text() (s string) {
	if d.next() == 'n' {
		d.word()
		return ""
	}
	d.want('"')
	escaped := false
	for start := d.at; d.at < len(d.event); d.at++ {
		switch c := d.event[d.at]; {
		case c == '\\':
			escaped = true
			d.at++
		case c < ' ':
			d.fail()
			return ""
		case c == '"':
			s = d.event[start:d.at]
			d.at++
			if !utf8.ValidString(s) || escaped && json.Unmarshal([]byte(`"`+s+`"`), &s) != nil {
				d.fail()
			}
			return s
		}
	}
	d.fail()
	return ""
}

func (d *decoder) flag() bool {
	word := d.word()
	if word != "true" && word != "false" && word != "null" {
		d.fail()
	}
	return word == "true"
}

// word is a number, true, false or null.
func (d *decoder) word() string {
	d.next()
	start := d.at
	for d.at < len(d.event) && strings.IndexByte(",]} \t\r\n", d.event[d.at]) < 0 {
		d.at++
	}
	word := d.event[start:d.at]
	if word != "null" && word != "false" && word != "true" && !json.Valid([]byte(word)) {
		d.fail()
	}
	return word
}

// pass reads over one value.
func (d *decoder) pass() {
	switch d.next() {
	case '{':
		d.object(func(string) { d.pass() })
	case '[':
		d.array(d.pass)
	case '"':
		d.text()
	default:
		d.word()
	}
}
