package conversation

import (
	"fmt"
	"slices"
	"strings"
)

// around is how many equal lines are shown before and after a difference.
const around = 3

// atMost is how many lines of each side are compared: the work grows with
// their product.
const atMost = 2000

// diff shows how the lines of got differ from those expected, by their longest
// common subsequence.
func diff(want, got []string) string {
	want, got = want[:min(len(want), atMost)], got[:min(len(got), atMost)]
	// common[i][j] is the length of that of want[i:] and got[j:].
	common := make([][]int, len(want)+1)
	for i := range common {
		common[i] = make([]int, len(got)+1)
	}
	for i, w := range slices.Backward(want) {
		for j := len(got) - 1; j >= 0; j-- {
			if w == got[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var lines []string
	for i, j := 0, 0; i < len(want) || j < len(got); {
		switch {
		case i < len(want) && j < len(got) && want[i] == got[j]:
			lines = append(lines, "  "+want[i])
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && common[i+1][j] >= common[i][j+1]:
			lines = append(lines, "- "+want[i])
			i++
		default:
			lines = append(lines, "+ "+got[j])
			j++
		}
	}
	return " (- expected, + got)\n    " + strings.Join(near(lines), "\n    ")
}

// widest is how much of a line a person reads, in bytes.
const widest = 500

// near leaves out what is far from any difference.
func near(lines []string) []string {
	keep := make([]bool, len(lines))
	for i, line := range lines {
		if strings.HasPrefix(line, "  ") {
			continue
		}
		for at := max(0, i-around); at <= min(len(lines)-1, i+around); at++ {
			keep[at] = true
		}
	}
	var shown []string
	for i, line := range lines {
		switch {
		case keep[i] && len(line) > widest:
			shown = append(shown, fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(line[:widest], ""), len(line)-2))
		case keep[i]:
			shown = append(shown, line)
		case i == 0 || keep[i-1]:
			shown = append(shown, "  ...")
		}
	}
	return shown
}
