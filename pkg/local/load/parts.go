package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"charter/pkg/local"
)

// This program plays every part itself, in a process that has these variables.
const (
	partName  = "CHARTER_LOAD_PART"  // "table" or "gateway"
	partPlace = "CHARTER_LOAD_PLACE" // a place in JSON
)

// place is what a part is told.
type place struct {
	Template, Data string
	Table          string // URL, for a gateway
}

// play plays a part until its standard input ends, which it does with the
// process that started it; or says that this process has none.
func play() bool {
	name := os.Getenv(partName)
	if name == "" {
		return false
	}
	if err := playPart(name); err != nil {
		fmt.Fprintln(os.Stderr, "load:", name+":", err)
		os.Exit(1)
	}
	return true
}

func playPart(name string) error {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	var p place
	if err := json.Unmarshal([]byte(os.Getenv(partPlace)), &p); err != nil {
		return err
	}
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 64 // of a gateway, to the table
	service, err := local.Start(local.Options{Template: p.Template, Data: p.Data, InMemory: true, TableURL: p.Table,
		Patience: time.Minute, Between: watched})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var handler http.Handler = service.Table
	if name == "gateway" {
		handler = tallied(service)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until the process ends
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // its end is all that comes
	return service.Close()
}

// parts are the processes that run.
type parts []*exec.Cmd

// start starts a part and returns its URL.
func (all *parts) start(name string, p place) (url string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), partName+"="+name, partPlace+"="+string(text))
	if name == "gateway" {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1") // as template.yaml says
	}
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // it closes with this process
		return "", err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	*all = append(*all, cmd)
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the %s did not start: %w", name, err)
	}
	return "http://" + strings.TrimSpace(address), nil
}

func (all *parts) end() {
	for _, cmd := range *all {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
}
