package page

import (
	"regexp"
	"strings"
)

// block is a paragraph, a list, or a text in fixed width.
type block struct {
	Heading []inline
	Inlines []inline
	List    [][]inline
	Code    string
}

// inline is a run of text in one style.
type inline struct {
	Text         string
	Code, Strong bool
	Link         string // "" for none
}

// prose reads as much of CommonMark as descriptions of APIs need: headings,
// paragraphs, flat lists, fenced code, code, strong and emphasised text, links.
// What else there is stays as it is written.
func prose(text string) (blocks []block) {
	var lines []string
	flush := func() {
		if len(lines) > 0 {
			blocks = append(blocks, paragraph(lines))
		}
		lines = nil
	}
	code, fenced := []string{}, false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \r\n")
		bare := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(bare, "```") && fenced:
			blocks = append(blocks, block{Code: strings.Join(code, "\n")})
			code, fenced = nil, false
		case fenced:
			code = append(code, line)
		case strings.HasPrefix(bare, "```"):
			flush()
			fenced = true
		case bare == "":
			flush()
		case heading.MatchString(bare):
			flush()
			blocks = append(blocks, block{Heading: inlines(strings.TrimLeft(bare, "# "))})
		default:
			if bullet.MatchString(bare) != (len(lines) > 0 && bullet.MatchString(lines[0])) && bullet.MatchString(bare) {
				flush()
			}
			lines = append(lines, bare)
		}
	}
	flush()
	if len(code) > 0 {
		blocks = append(blocks, block{Code: strings.Join(code, "\n")})
	}
	return blocks
}

var (
	bullet  = regexp.MustCompile(`^([-*+]|\d+[.)]) +`)
	heading = regexp.MustCompile(`^#{1,6} `)
	styled  = regexp.MustCompile("`([^`]+)`" + `|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*` +
		`|\[([^\]]+)\]\((https?://[^)\s]+)\)|<(https?://[^>\s]+)>`)
)

func paragraph(lines []string) block {
	if !bullet.MatchString(lines[0]) {
		return block{Inlines: inlines(strings.Join(lines, " "))}
	}
	var points []string
	for _, line := range lines {
		if mark := bullet.FindString(line); mark != "" {
			points = append(points, strings.TrimPrefix(line, mark))
		} else {
			points[len(points)-1] += " " + line
		}
	}
	var b block
	for _, p := range points {
		b.List = append(b.List, inlines(p))
	}
	return b
}

func inlines(text string) (list []inline) {
	for text != "" {
		m := styled.FindStringSubmatchIndex(text)
		if m == nil {
			return append(list, inline{Text: text})
		}
		if m[0] > 0 {
			list = append(list, inline{Text: text[:m[0]]})
		}
		part := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return text[m[2*n]:m[2*n+1]]
		}
		switch {
		case part(1) != "":
			list = append(list, inline{Text: part(1), Code: true})
		case part(2)+part(3) != "":
			list = append(list, inline{Text: part(2) + part(3), Strong: true})
		default:
			list = append(list, inline{Text: part(4) + part(6), Link: part(5) + part(6)})
		}
		text = text[m[1]:]
	}
	return list
}
