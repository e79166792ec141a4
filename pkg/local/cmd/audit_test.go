package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/local"
	"charter/pkg/local/dynamo"
)

func TestMain(m *testing.M) {
	if command := os.Getenv(commandName); command != "" {
		os.Args = []string{"charter", command}
		main()
		return
	}
	os.Exit(m.Run())
}

// The test binary is the command that this variable names.
const commandName = "CHARTER_TEST_COMMAND"

// command is the command in a process of its own, in a folder of its own.
func command(t *testing.T, name string, variables ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{commandName + "=" + name}, variables...)
	return cmd
}

// run is a command's exit status and all that it printed.
func run(t *testing.T, name string, variables ...string) (int, string) {
	t.Helper()
	cmd := command(t, name, variables...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// A table is audited whole, in use, broken and absent, and never written to.
//
// Tried with the control that it must catch: an audit that opened the file as the
// service does, to write, was refused beside another reader.
func TestAudit(t *testing.T) {
	data := t.TempDir()
	expect := func(what string, status int, says string, variables ...string) {
		t.Helper()
		if got, out := run(t, "audit", variables...); got != status || !strings.Contains(out, says) {
			t.Errorf("%s: exit status %d, %s", what, got, out)
		}
	}
	service, err := local.Start(local.Options{Template: "../../../template.yaml", Data: data, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	expect("in use", 2, "another process has it open", "DATA="+data)
	if err := service.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(data, "table.db")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := dynamo.OpenToRead(file)
	if err != nil {
		t.Fatal(err)
	}
	expect("whole, beside another reader", 0, "Whole: 0 items", "DATA="+data)
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the audit has written: %v", err)
	}
	stray(t, file)
	expect("broken", 1, "an item of a kind that there is not", "DATA="+data)
	expect("absent", 2, "there is no table in", "DATA="+t.TempDir())
	expect("absent, without a name", 2, "there is no table in .charter")
	expect("two tables", 2, "name two tables", "DATA="+data, "TABLE_NAME=charter")
	expect("deployed, nowhere", 2, "AWS_REGION is not set", "TABLE_NAME=charter")
}

// stray puts an item into a table that no part of the service would.
func stray(t *testing.T, file string) {
	t.Helper()
	engine, err := dynamo.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.localhost"),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), HTTPClient: &http.Client{Transport: engine.Transport()}})
	if _, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String("charter"),
		Item: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "STRAY"}, "SK": &types.AttributeValueMemberS{Value: "STRAY"}}}); err != nil {
		t.Fatal(err)
	}
}
