package org

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"charter/pkg/fault"
	"charter/pkg/mail"
)

func TestParsePassword(t *testing.T) {
	for _, s := range []string{"Password1234!", "pässwörd", "8 chars.", strings.Repeat("😀", 256), " leading and trailing ", "a\x00b\nc\u202edefg"} {
		if _, err := ParsePassword(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "1234567", "😀😀😀😀😀😀😀", strings.Repeat("x", 257), "12345678", "iloveyou1", "Password1", "qwertyuiop"} {
		if _, err := ParsePassword(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q is taken: %v", s, err)
		}
	}
}

// Every line of the list is found, and nothing that is beside or between them.
func TestCommon(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(commonPasswords, "\n"), "\n")
	if !slices.IsSorted(lines) || len(lines) < 10000 {
		t.Fatalf("%d common passwords, in order: %v", len(lines), slices.IsSorted(lines))
	}
	for _, line := range lines {
		if !common(line) {
			t.Errorf("%q is not found", line)
		}
		for _, other := range []string{line + "\x00", line + "\n", line[:len(line)-1], line + "\n" + line} {
			if _, listed := slices.BinarySearch(lines, other); common(other) != listed {
				t.Errorf("%q is found: %v", other, !listed)
			}
		}
	}
}

func TestApart(t *testing.T) {
	email, _ := mail.ParseAddress("John.Doe@acmecorp.com")
	for s, want := range map[string]bool{"john.doe@ACMECORP.com": false, "acme  CORP": false, "john.doe@acmecorp.co": true} {
		if err := (Password{s}).Apart(email, "Acme Corp"); (err == nil) != want {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestPasswordMatches(t *testing.T) {
	hash, err := Password{"Password1234!"}.Hash(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash is %s", hash)
	}
	again, _ := Password{"Password1234!"}.Hash(rand.Reader)
	for _, c := range []struct {
		hash, password string
		want           bool
	}{
		{hash, "Password1234!", true}, {again, "Password1234!", true}, {hash, "password1234!", false}, {hash, "", false},
		{"", "", false}, {nobodysHash(), "", false}, {hash[:len(hash)-1], "Password1234!", false}, {"damaged", "x", false},
	} {
		if got := passwordMatches(c.hash, c.password); got != c.want {
			t.Errorf("%s, %q: %v", c.hash, c.password, got)
		}
	}
	if hash == again {
		t.Error("two hashes of one password are the same: there is no salt")
	}
}

func TestPasswordsDoNotPrint(t *testing.T) {
	a := Application{Password: Password{"Password1234!"}}
	for _, s := range []string{fmt.Sprint(a), fmt.Sprintf("%+v", a), fmt.Sprintf("%#v", a), fmt.Sprintf("%s", a)} {
		if strings.Contains(s, "1234") {
			t.Errorf("printed as %s", s)
		}
	}
}
