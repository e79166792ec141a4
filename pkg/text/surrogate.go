package text

import "errors"

// LoneSurrogate finds in JSON a \uD800-\uDFFF escape without its other half, which
// encoding/json would silently replace: the text would not be the one sent.
func LoneSurrogate(raw []byte) bool {
	const none = 0
	high := false // the escape just before was the first half of a pair
	for i := 0; i < len(raw); i++ {
		unit, size := rune(none), 1
		if raw[i] == '\\' && i+1 < len(raw) {
			size = 2
			if raw[i+1] == 'u' && i+6 <= len(raw) {
				if n, err := hex4(raw[i+2 : i+6]); err == nil {
					unit, size = n, 6
				}
			}
		}
		low := unit >= 0xdc00 && unit <= 0xdfff
		if high != low {
			return true
		}
		high = unit >= 0xd800 && unit <= 0xdbff
		i += size - 1
	}
	return high
}

func hex4(digits []byte) (n rune, err error) {
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, errors.New("not hexadecimal")
		}
	}
	return n, nil
}
