// Package bootstrap builds functions as they are deployed, and runs each of them as Lambda does.
package bootstrap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Build builds functions of the project, the working directory, each to
// <folder>/<function>/bootstrap: with the flags that it finds in the environment,
// where the Makefile puts those that are deployed, but for this machine.
func Build(ctx context.Context, folder string, functions []string, flags ...string) error {
	made, err := os.MkdirTemp(folder, "made-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made)
	args := slices.Concat([]string{"build", "-trimpath", "-o", made + string(filepath.Separator)}, flags)
	for _, f := range functions {
		args = append(args, "./functions/"+f)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	for _, f := range functions {
		if err := os.MkdirAll(filepath.Join(folder, f), 0o700); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(made, f), filepath.Join(folder, f, "bootstrap")); err != nil {
			return err
		}
	}
	return nil
}
