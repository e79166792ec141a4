package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

const (
	hashed   = "argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, hashSize)"
	unhashed = "make([]byte, hashSize)"
)

// passwordsUnhashed is an overlay for go build in which no password is hashed. As
// deployed that takes 27 ms of a whole core, on purpose, and hides all else that a
// function does.
func (b bench) passwordsUnhashed() (string, error) {
	const file = "pkg/org/password.go"
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if !bytes.Contains(text, []byte(hashed)) {
		return "", errors.New(file + " no longer hashes a password by the words " + hashed)
	}
	changed := b.path("password.go")
	if err := os.WriteFile(changed, bytes.Replace(text, []byte(hashed), []byte(unhashed), 1), 0o600); err != nil {
		return "", err
	}
	return changed + ".json", overlay(changed+".json", file, changed)
}

// overlay writes to a file that another one stands in the place of a file of
// ours.
func overlay(out, ours, instead string) error {
	ours, wrong := filepath.Abs(ours)
	instead, failed := filepath.Abs(instead)
	text, err := json.Marshal(map[string]map[string]string{"Replace": {ours: instead}})
	return errors.Join(wrong, failed, err, os.WriteFile(out, text, 0o600))
}
