package token_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"charter/pkg/token"
)

func TestKeyFile(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	made, err := token.LoadOrMakeKey(folder)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := token.LoadOrMakeKey(folder)
	if err != nil {
		t.Fatal(err)
	}
	if !made.Public().Equal(loaded.Public()) {
		t.Fatal("another key the second time")
	}
	for path, want := range map[string]os.FileMode{folder: 0o700, filepath.Join(folder, token.KeyFile): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
	alone(t, folder)
}

// alone wants nothing in the folder but the key file.
func alone(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != token.KeyFile {
		t.Errorf("the folder holds %v", entries)
	}
}

// Whoever starts together ends with one key.
func TestKeyFileRace(t *testing.T) {
	folder := t.TempDir()
	var keys [16]token.PrivateKey
	var errs [16]error
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range keys {
		done.Go(func() {
			start.Wait()
			keys[i], errs[i] = token.LoadOrMakeKey(folder)
		})
	}
	start.Done()
	done.Wait()
	for i := range keys {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if !keys[i].Public().Equal(keys[0].Public()) {
			t.Fatalf("starters 0 and %d have different keys", i)
		}
	}
	alone(t, folder)
}

// A damaged file is reported by its path and left for a person to judge.
func TestKeyFileDamaged(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, token.KeyFile)
	damaged := []byte("-----BEGIN PRIVATE KEY-----\nsecret")
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := token.LoadOrMakeKey(folder)
	if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "secret") {
		t.Fatalf("error %v", err)
	}
	if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, damaged) {
		t.Fatalf("the file is now %q, error %v", left, err)
	}
}

func TestKeyFolderThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := token.LoadOrMakeKey(path); err == nil {
		t.Fatal("a key in a file")
	}
}
