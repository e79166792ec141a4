package text

import "testing"

func TestLoneSurrogate(t *testing.T) {
	for s, want := range map[string]bool{
		`"\ud83d\ude00"`: false, `"\uD83D\uDE00\ud83d\ude00"`: false, `"\\ud800"`: false, `"\u0041"`: false, `"😀"`: false, ``: false, `"\`: false,
		`"\ud83d"`: true, `"\ude00"`: true, `"\ude00\ud83d"`: true, `"\ud83dx\ude00"`: true, `"\ud83d\n\ude00"`: true, `"\ud83d\ud83d\ude00"`: true,
		`"\ud83d`: true,
	} {
		if got := LoneSurrogate([]byte(s)); got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
}
