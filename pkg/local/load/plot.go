package main

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The plot has two panels of one scale, p50 and p99, both axes logarithmic. Its
// colours are those of whoever looks, light or dark.
const (
	wide, high  = 920, 430
	panelWide   = 320
	panelHigh   = 260
	top, left   = 92, 64
	between     = 76
	lineSpacing = 15 // of the names beside the lines
)

const style = `
  .ground { fill: #ffffff; stroke: #d4d4d8 }
  text { fill: #27272a; font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
  .title { font-size: 16px; font-weight: 600 }
  .quiet { fill: #63636b }
  .grid { stroke: #e4e4e7; stroke-width: 1 }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
  .k0 { stroke: #0369a1; fill: #0369a1 } .k1 { stroke: #c2410c; fill: #c2410c } .k2 { stroke: #15803d; fill: #15803d }
  .k3 { stroke: #7e22ce; fill: #7e22ce } .k4 { stroke: #a16207; fill: #a16207 }
  .line { fill: none } text.name { stroke: none }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #18181b; stroke: #3f3f46 }
    text { fill: #e4e4e7 }
    .quiet { fill: #a1a1aa }
    .grid { stroke: #303036 }
    .k0 { stroke: #56b8f0; fill: #56b8f0 } .k1 { stroke: #fb923c; fill: #fb923c } .k2 { stroke: #4ade80; fill: #4ade80 }
    .k3 { stroke: #c79bff; fill: #c79bff } .k4 { stroke: #facc15; fill: #facc15 }
    .line { fill: none } text.name { stroke: none }
  }`

// scale is a logarithmic axis, in whole decades.
type scale struct {
	from, to int     // powers of ten
	start    float64 // in the picture
	length   float64 // negative for upwards
}

func newScale(values []float64, start, length float64) scale {
	least, most := math.Log10(slices.Min(values)), math.Log10(slices.Max(values))
	from, to := int(math.Floor(least)), int(math.Ceil(most))
	return scale{from, max(to, from+1), start, length}
}

func (s scale) at(value float64) float64 {
	return s.start + s.length*(math.Log10(value)-float64(s.from))/float64(s.to-s.from)
}

// plot is an SVG of the latency at each size; where says what was measured on
// what.
func plot(measured []sample, where string) string {
	var rows, ms []float64
	for _, s := range measured {
		rows = append(rows, float64(max(s.rows(), 1)))
		for _, k := range s.Kinds {
			for _, p := range []int{50, 99} {
				ms = append(ms, max(percentile(k.MS, p), 0.1))
			}
		}
	}
	y := newScale(ms, top+panelHigh, -panelHigh)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="t d">`+"\n", wide, high)
	fmt.Fprintf(&b, "<title id=\"t\">Latency under load, by rows</title>\n<desc id=\"d\">%s</desc>\n<style>%s\n</style>\n", html.EscapeString(describe(measured)), style)
	fmt.Fprintf(&b, `<rect class="ground" x="0.5" y="0.5" width="%d" height="%d" rx="10"/>`+"\n", wide-1, high-1)
	fmt.Fprintf(&b, `<text class="title" x="24" y="34">Latency under load, by associations of the organization</text>`+"\n")
	fmt.Fprintf(&b, `<text class="quiet" x="24" y="54">%s</text>`+"\n", html.EscapeString(where))
	for n, p := range []int{50, 99} {
		x := newScale(rows, float64(left+n*(panelWide+between)), panelWide)
		panel(&b, x, y, fmt.Sprintf("p%d, ms", p))
		ends := lines(&b, measured, x, y, p)
		if n == 1 {
			names(&b, ends, x.start+x.length+12)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func panel(b *strings.Builder, x, y scale, title string) {
	fmt.Fprintf(b, `<text x="%.0f" y="%d">%s</text>`+"\n", x.start, top-12, title)
	for d := y.from; d <= y.to; d++ {
		at := y.at(math.Pow10(d))
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%[3]f"/>`, x.start, x.start+x.length, at)
		fmt.Fprintf(b, `<text class="quiet" x="%.1f" y="%.1f" text-anchor="end">%s</text>`+"\n", x.start-8, at+4, thousands(d))
	}
	for d := x.from; d <= x.to; d++ {
		at := x.at(math.Pow10(d))
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%[1]f" y1="%d" y2="%d"/>`, at, top, top+panelHigh)
		fmt.Fprintf(b, `<text class="quiet" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", at, top+panelHigh+20, thousands(d))
	}
	fmt.Fprintf(b, `<text class="quiet" x="%.1f" y="%d" text-anchor="middle">associations</text>`+"\n", x.start+x.length/2, top+panelHigh+42)
}

// end is where a line ends.
type end struct {
	kind int
	y    float64
}

func lines(b *strings.Builder, measured []sample, x, y scale, p int) (ends []end) {
	for k := range mix {
		var points, dots strings.Builder
		last := 0.0
		for _, s := range measured {
			ms := max(percentile(s.Kinds[k].MS, p), 0.1)
			px, py := x.at(float64(max(s.rows(), 1))), y.at(ms)
			fmt.Fprintf(&points, "%.1f,%.1f ", px, py)
			fmt.Fprintf(&dots, `<circle class="k%d" cx="%.1f" cy="%.1f" r="3"><title>%s, %d rows: %.1f ms</title></circle>`+"\n", k, px, py, mix[k].name, s.rows(), ms)
			last = py
		}
		fmt.Fprintf(b, `<polyline class="line k%d" points="%s"/>`+"\n%s", k, strings.TrimSpace(points.String()), dots.String())
		ends = append(ends, end{k, last})
	}
	return ends
}

// names writes the names of the lines where they end, as near as they do not
// cover each other.
func names(b *strings.Builder, ends []end, x float64) {
	slices.SortFunc(ends, func(a, b end) int { return cmp.Compare(a.y, b.y) })
	for n := range ends {
		if n > 0 {
			ends[n].y = max(ends[n].y, ends[n-1].y+lineSpacing)
		}
	}
	if over := ends[len(ends)-1].y - (top + panelHigh); over > 0 {
		for n := range ends {
			ends[n].y -= over
		}
	}
	for _, e := range ends {
		fmt.Fprintf(b, `<text class="name k%d" x="%.1f" y="%.1f">%s</text>`+"\n", e.kind, x, e.y+4, mix[e.kind].name)
	}
}

// thousands is a power of ten for a reader.
func thousands(power int) string {
	if power < 0 {
		return strconv.FormatFloat(math.Pow10(power), 'f', -power, 64)
	}
	digits := "1" + strings.Repeat("0", power)
	for n := len(digits) - 3; n > 0; n -= 3 {
		digits = digits[:n] + "," + digits[n:]
	}
	return digits
}

// describe says in words what the lines show, for who does not see them.
func describe(measured []sample) string {
	var all []string
	for _, s := range measured {
		var kinds []string
		for k, kind := range mix {
			kinds = append(kinds, fmt.Sprintf("%s %.1f and %.1f ms", kind.name, percentile(s.Kinds[k].MS, 50), percentile(s.Kinds[k].MS, 99)))
		}
		all = append(all, fmt.Sprintf("%d rows: %s", s.rows(), strings.Join(kinds, ", ")))
	}
	return "p50 and p99. " + strings.Join(all, "; ") + "."
}
