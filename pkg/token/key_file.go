package token

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// KeyFile is the name of the file that LoadOrMakeKey keeps.
const KeyFile = "signing-key.pem"

// LoadOrMakeKey is the private key of a folder, made on first use (folder
// 0700, file 0600). Processes that start together get the same key: it is
// written beside its place and linked into it whole, and who comes second
// takes what is there. A file that holds no key is an error, never replaced.
func LoadOrMakeKey(folder string) (PrivateKey, error) {
	path := filepath.Join(folder, KeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(folder, path); err != nil {
			return PrivateKey{}, fmt.Errorf("token: make key file: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return PrivateKey{}, fmt.Errorf("token: read key file: %w", err)
	}
	key, err := ParsePrivateKey(text)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

func makeKey(folder, path string) error {
	private, _, err := NewKeyPair()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(folder, KeyFile+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(private)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
