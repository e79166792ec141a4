package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

const (
	costly = "argonTime, argonMemory, argonThreads = 2, 19 << 10, 1"
	cheap  = "argonTime, argonMemory, argonThreads = 1, 8, 1"
)

// overlay writes an overlay for go build in which a password is hashed in next
// to no time. As deployed that takes 27 ms of a whole core, on purpose, and
// hides all else that a function does.
func (b bench) overlay() (string, error) {
	file, err := filepath.Abs("pkg/org/password.go")
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if !bytes.Contains(text, []byte(costly)) {
		return "", errors.New(file + " no longer says what a password costs in the words " + costly)
	}
	changed, overlay := b.path("password.go"), b.path("overlay.json")
	instead, err := json.Marshal(map[string]map[string]string{"Replace": {file: changed}})
	if err != nil {
		return "", err
	}
	return overlay, errors.Join(os.WriteFile(changed, bytes.Replace(text, []byte(costly), []byte(cheap), 1), 0o600),
		os.WriteFile(overlay, instead, 0o600))
}
