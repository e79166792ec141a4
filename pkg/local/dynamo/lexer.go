package dynamo

import "strings"

// token is one word of an expression. Its kind is "name", "#name", ":value" or "index", a keyword in capitals, the
// symbol itself, "bad" for what no expression holds, and "" behind the last.
type token struct {
	kind, text string
	start, end int
}

var keywords = map[string]bool{
	"AND": true, "OR": true, "NOT": true, "BETWEEN": true, "IN": true,
	"SET": true, "REMOVE": true, "ADD": true, "DELETE": true,
}

func tokens(s string) []token {
	var out []token
	for i := 0; i < len(s); {
		if strings.IndexByte(" \t\r\n", s[i]) >= 0 {
			i++
			continue
		}
		kind, length := nextToken(s[i:])
		out = append(out, token{kind, s[i : i+length], i, i + length})
		i += length
	}
	end := 0
	if len(out) > 0 {
		end = out[len(out)-1].end
	}
	return append(out, token{"", "<EOF>", end, end})
}

func nextToken(s string) (kind string, length int) {
	switch c := s[0]; {
	case isLetter(c):
		length = wordLength(s)
		if word := strings.ToUpper(s[:length]); keywords[word] {
			return word, length
		}
		return "name", length
	case c == '#' || c == ':':
		length = 1 + wordLength(s[1:])
		if length == 1 {
			return "bad", 1
		}
		if c == '#' {
			return "#name", length
		}
		return ":value", length
	case isDigit(c):
		for length < len(s) && isDigit(s[length]) {
			length++
		}
		return "index", length
	case strings.HasPrefix(s, "<>"), strings.HasPrefix(s, "<="), strings.HasPrefix(s, ">="):
		return s[:2], 2
	case strings.IndexByte("=<>()[],.+-", c) >= 0:
		return s[:1], 1
	}
	return "bad", 1
}

func wordLength(s string) int {
	n := 0
	for n < len(s) && (isLetter(s[n]) || isDigit(s[n]) || s[n] == '_') {
		n++
	}
	return n
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
