package table

import _ "embed"

// AccessPatterns is the source of keys.go, whose comment names every access
// pattern and every kind of items, for those who show them. Nothing that is
// deployed refers to it, so the linker leaves it out.
//
//go:embed keys.go
var AccessPatterns string
