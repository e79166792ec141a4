package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// The adapter of our own does what pkg/lambdahttp does: it passes its tests.
// With an adapter that took path values as they come, they failed.
func TestOwnAdapter(t *testing.T) {
	t.Chdir("../../..")
	out := filepath.Join(t.TempDir(), "overlay.json")
	if err := overlay(out, adapter, ownAdapter); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("go", "test", "-overlay", out, "./pkg/lambdahttp").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
